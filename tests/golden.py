"""Golden pictures: what the grade makes of fixed inputs, stored in ``tests/golden.npz``.

``python -m tests.golden`` stores them anew, for the version that ``divere_cli.GRADE`` says.
Inputs are arithmetic only, so that every machine and every numpy has the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from divere_cli import GRADE, api
from divere_cli.profile import library

STORED = Path(__file__).parent / "golden.npz"
WIDTH, HEIGHT = 12, 8
SPACES = ("DisplayP3", "sRGB", "AdobeRGB", "ProPhotoRGB", "Rec2020", "ACEScg")
NEGATIVE = "c41-endura-premier"

Array = NDArray[Any]


def scan(channels: int, dtype: str, width: int = WIDTH, height: int = HEIGHT) -> Array:
    """Return codes over all of the range of a scan, in steps that differ by channel."""
    count = width * height * channels
    steps = np.arange(count, dtype=np.uint64) * np.uint64(40503)  # odd: all residues come
    codes = (steps % np.uint64(65536)).astype(np.uint16).reshape(height, width, channels)
    if dtype == "uint16":
        return codes
    return codes >> 8 if dtype == "uint8" else codes.astype(np.float32) / np.float32(65535)


def made() -> Iterator[tuple[str, Array]]:
    """Yield the name and the positive of every golden picture."""
    for profile in library.names():
        for channels in (1, 3) if profile.startswith("bw-") else (3,):
            codes = scan(channels, "uint16")
            name = f"{profile}, {channels} x 16 bits"
            yield name, api.grade_array(codes, profile, color_space=SPACES[0], bit_depth=16)
    for space in SPACES:
        yield (
            f"{NEGATIVE} in {space}",
            api.grade_array(scan(3, "uint16"), NEGATIVE, color_space=space, bit_depth=16),
        )
    depths: tuple[Literal[8, 16], ...] = (8, 16)
    for dtype in ("uint8", "float32"):
        for bit_depth in depths:
            codes = scan(3, dtype).astype(dtype)
            name = f"{NEGATIVE}, {dtype} to {bit_depth} bits"
            yield name, api.grade_array(codes, NEGATIVE, bit_depth=bit_depth)
    yield from _from_files()


def _from_files() -> Iterator[tuple[str, Array]]:
    """What a file's own tags and the options of a run add to the grade."""
    codes = scan(3, "uint16", 24, 16)
    common: dict[str, Any] = {"profile": NEGATIVE, "auto": "off", "isolation": "never"}
    with tempfile.TemporaryDirectory() as folder:
        plain, turned = Path(folder, "plain.tif"), Path(folder, "turned.tif")
        tifffile.imwrite(plain, codes, photometric="rgb")
        tifffile.imwrite(turned, codes, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
        for name, path, options in (
            ("a file as it is", plain, {}),
            ("encoded as sRGB", plain, {"input_transfer": "srgb"}),
            ("encoded by gamma 2.2", plain, {"input_transfer": "2.2"}),
            ("turned by its tag", turned, {}),
            ("made smaller", plain, {"size": 12}),
            ("dithered", plain, {"bit_depth": 8, "dither": True}),
            ("as floats", plain, {"bit_depth": 32}),
        ):
            positive = Path(folder, f"{name}.tif")
            result = api.grade_file(path, positive, api.BatchOptions(**common, **options))
            assert result.status == "ok", result.error
            yield name, tifffile.imread(positive)


def main() -> None:
    """Store what the grade makes now."""
    pictures = dict(made())
    np.savez_compressed(STORED, **pictures, grade=np.array(GRADE))


if __name__ == "__main__":
    main()
