"""Reads mutants of files in a process of its own: ``python -m tests.image.fuzz KIND SEED COUNT``.

One line of JSON for each mutant, before it is read and after: a decoder that ends the process
leaves the line before. What a mutant gives is held against the unharmed picture, and where that
differs against what tifffile and Pillow read of the same bytes.
"""

from __future__ import annotations

import io
import json
import logging
import random
import struct
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from divere_cli.errors import DivereError
from divere_cli.image import header, reader
from tests.image.made import MADE, Made

SECOND = [
    "rgb12.tif", "gray10.tif", "rgb12-lzw.tif", "fill4.tif", "u32.tif", "f64p.tif", "f24.tif",
    "palette8.tif", "ycbcr22.tif", "group40.tif", "group31.tif", "lzma.tif", "webp.tif", "lerc.tif",
    "j2k.tif", "jxr.tif", "jxl.tif", "sof3.tif", "ojpeg.tif", "table.dng", "xl.dng", "black.dng",
]  # fmt: skip
THIRD = ["a.jxl", "b.jxl", "a.jp2", "a.j2k", "a.bmp", "b.bmp", "a.webp", "b.ppm", "a.pam",
         "a.pfm", "c.pgm", "a.raw", "palette4.png", "gray2.png"]  # fmt: skip
FEW = 0.01
_NUMBERS = (0, 1, 2, 3, 7, 8, 16, 255, 256, 65535, 1 << 24, (1 << 31) - 1, (1 << 32) - 1)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Change one thing, or up to three, of a file's structure.

    Samples and codes stay: a bit that flips in codes without a check sum cannot be seen.
    """
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        rng.choice((_tag, _tag, _tag, _bytes, _zeros, _cut, _number))(out, rng)
    return bytes(out)


def _structure(out: bytearray) -> range:
    """Where the structure lies: the values and entries of a TIFF's directory, else the head."""
    if out[:4] in (b"II*\0", b"MM\0*") and len(out) > 8:
        order = "<" if out[:2] == b"II" else ">"
        (at,) = struct.unpack_from(order + "I", out, 4)
        if at < len(out):
            return range(at, len(out))
    return range(min(len(out), 400 if out[4:8] == b"ftyp" else 64))


def _entries(out: bytearray) -> list[int]:
    """Places of the directory entries of a classic TIFF."""
    if out[:4] not in (b"II*\0", b"MM\0*") or len(out) < 16:
        return []
    order = "<" if out[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", out, 4)
    if at + 2 > len(out):
        return []
    (count,) = struct.unpack_from(order + "H", out, at)
    places = range(at + 2, at + 2 + 12 * count, 12)
    return [place for place in places if place + 12 <= len(out)]


def _tag(out: bytearray, rng: random.Random) -> None:
    places = _entries(out)
    if not places:
        _number(out, rng)
        return
    order = "<" if out[:2] == b"II" else ">"
    place = rng.choice(places)
    what = rng.choice(("code", "kind", "count", "value", "value", "value"))
    (code,) = struct.unpack_from(order + "H", out, place)
    if what == "code" and code > 50_000:
        return  # a DNG without a black or a white is whole
    if what == "code":
        struct.pack_into(order + "H", out, place, rng.choice((0, 65_000, 254, 277, 280, 281, 317)))
    elif what == "kind":
        struct.pack_into(order + "H", out, place + 2, rng.choice((0, 1, 2, 3, 4, 5, 11, 16, 99)))
    elif what == "count":
        struct.pack_into(order + "I", out, place + 4, rng.choice(_NUMBERS))
    elif rng.random() < 0.5:
        struct.pack_into(order + "I", out, place + 8, rng.choice(_NUMBERS))
    else:
        struct.pack_into(order + "H", out, place + 8, rng.choice(_NUMBERS[:10]))


def _number(out: bytearray, rng: random.Random) -> None:
    if len(out) > 8:
        at = rng.randrange(min(len(out) - 4, 64))
        struct.pack_into(rng.choice("<>") + "I", out, at, rng.choice(_NUMBERS))


def _bytes(out: bytearray, rng: random.Random) -> None:
    places = _structure(out)
    for _ in range(rng.randint(1, 8)):
        if places:
            out[rng.choice(places)] = rng.randrange(256)


def _zeros(out: bytearray, rng: random.Random) -> None:
    places = _structure(out)
    if places:
        at = rng.choice(places)
        length = min(rng.randint(1, 12), places.stop - at)
        out[at : at + length] = bytes(length)


def _cut(out: bytearray, rng: random.Random) -> None:
    del out[rng.randint(len(out) // 4, len(out)) :]


def light(band: NDArray[Any]) -> NDArray[np.float64]:
    scale = {"uint8": 257.0, "uint16": 1.0, "float32": 65535.0}[band.dtype.name]
    return band.astype(np.float64) * scale


def outcome(path: Path, data: bytes, want: NDArray[np.float64]) -> str:
    """``same``, ``few`` samples differ, ``said`` (with a warning), ``seen`` (as another program
    reads it), an error's kind, or ``wrong``."""
    path.write_bytes(data)
    try:
        about = header.read(str(path), 1_000_000)
        with reader.open(str(path), about) as scan:
            got = np.concatenate([light(band) for _, band in scan.bands()])
            said = (*scan.header.warnings, *scan.warnings)
    except DivereError as error:
        return error.kind
    if got.shape == want.shape and np.abs(got - want).max() <= 2:
        return "same"
    if said:
        return "said"
    if got.shape == want.shape and (np.abs(got - want) > 2).mean() < FEW:
        return "few"  # samples, not structure: of a head that is shorter than 64 bytes
    return "seen" if _seen(path, data, got) else "wrong"


def _seen(path: Path, data: bytes, got: NDArray[np.float64]) -> bool:
    """Whether another program reads the same of these bytes, by shape and, scaled, by pixels."""
    for read in (_by_tifffile, _by_pillow, _by_codec):
        try:
            other = np.asarray(read(data), np.float64)
        except Exception:  # noqa: BLE001 - whatever another program says of a mutant
            continue
        other = other[..., None] if other.ndim == 2 else other
        if other.shape[:2] != got.shape[:2]:
            continue
        other = other[..., : got.shape[2]]
        if _alike(other, got):
            return True
    return False


def _alike(other: NDArray[np.float64], got: NDArray[np.float64]) -> bool:
    """Whether one is the other by a scale, a palette or an inversion: no place is made up."""
    if other.shape != got.shape:
        # a palette or YCbCr: where stored codes are equal, colors are
        return other.shape[2] == 1 or bool(got.std() > 0)
    for channel in range(got.shape[2]):
        flat, mine = other[:, :, channel].ravel(), got[:, :, channel].ravel()
        if flat.std() == 0 or mine.std() == 0:
            return bool(flat.std() == mine.std())
        if abs(np.corrcoef(flat, mine)[0, 1]) < 0.98:
            return False
    return True


def _by_tifffile(data: bytes) -> Any:
    with tifffile.TiffFile(io.BytesIO(data), _multifile=False) as tiff:
        return tiff.pages[0].asarray()


def _by_pillow(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def _by_codec(data: bytes) -> Any:
    return imagecodecs.imread(io.BytesIO(data))


def main(kind: str, seed: int, count: int) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    files: list[Made] = [
        made for made in MADE if made.file in (SECOND if kind == "second" else THIRD)
    ]
    built = [made.build() for made in files]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(seed, seed + count):
            rng = random.Random(number)
            index = rng.randrange(len(files))
            data, truth = built[index]
            want = np.asarray(truth, np.float64)
            want = want[..., None] if want.ndim == 2 else want
            told = {"seed": number, "file": files[index].file}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
            told["end"] = outcome(Path(folder) / files[index].file, mutated(data, rng), want)
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
