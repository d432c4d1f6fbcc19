"""The same pixels from every storage, in bands of every height; color only."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.errors import CorruptInput, InputChanged
from divere_cli.image import header, reader
from divere_cli.image.tiff import reader as tiff_reader
from tests.image import dng_files

HEIGHT, WIDTH = 37, 45
RNG = np.random.default_rng(4)
CODES = RNG.integers(0, 65536, (HEIGHT, WIDTH, 4), dtype=np.uint16)
SCALE = {"u1": 257, "u2": 1, "f2": 65535, "f4": 65535}

STORAGES: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 32)},
}
CODECS: dict[str, dict[str, Any]] = {
    "none": {},
    "packbits": {"compression": "packbits"},
    **{name: {"compression": name} for name in ("lzw", "deflate", "zstd")},
    **{
        f"{name} predicted": {"compression": name, "predictor": True}
        for name in ("lzw", "deflate", "zstd")
    },
}


def samples(dtype: str, count: int) -> np.ndarray:
    scaled = CODES[:, :, :count] / SCALE[dtype] if dtype != "u2" else CODES[:, :, :count]
    return scaled.astype(dtype)


def read(path: str, rows: int | None = None) -> np.ndarray:
    with reader.open(path) as scan:
        firsts, bands = zip(
            *((first, band.copy()) for first, band in scan.bands(rows)), strict=True
        )
    assert list(firsts) == list(np.cumsum([0, *(len(band) for band in bands[:-1])]))
    whole = np.concatenate(bands)
    assert whole.dtype.isnative
    return whole


def check(path: Path, expected: np.ndarray) -> None:
    wide = np.float32 if expected.dtype.kind == "f" else expected.dtype
    for rows in (None, 1, 7, 1000):
        got = read(str(path), rows)
        assert got.dtype == wide
        assert np.array_equal(got, expected.astype(wide))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", SCALE)
def test_the_same_pixels_whatever_the_storage(
    tmp_path: Path, codec: str, storage: str, dtype: str
) -> None:
    path = tmp_path / "a.tif"
    options = {"metadata": None, **CODECS[codec], **STORAGES[storage]}
    for order, count, planar in itertools.product("<>", (1, 3, 4), (False, True)):
        pixels = samples(dtype, count)
        gray = count == 1
        if gray and planar:
            continue
        tifffile.imwrite(
            path,
            pixels[:, :, 0] if gray else np.moveaxis(pixels, -1, 0) if planar else pixels,
            photometric="minisblack" if gray else "rgb",
            planarconfig=None if gray else "separate" if planar else "contig",
            extrasamples=["unspecified"] if count == 4 else None,
            byteorder=order,
            **options,
        )
        check(path, pixels[:, :, :3])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("storage", STORAGES)
def test_infrared_comes_by_itself(tmp_path: Path, storage: str, planar: str) -> None:
    path = tmp_path / "a.tif"
    pixels = CODES if planar == "contig" else np.moveaxis(CODES, -1, 0)
    tifffile.imwrite(
        path, pixels, photometric="rgb", planarconfig=planar, extrasamples=["unspecified"],
        metadata=None, **STORAGES[storage],
    )  # fmt: skip
    with reader.open(str(path)) as scan:
        bands = scan.infrared()
        assert bands is not None
        rows = np.concatenate([band.copy() for _, band in bands])
    assert np.array_equal(rows, CODES[:, :, 3:])


def test_no_infrared_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, CODES, photometric="rgb", extrasamples=["unassalpha"])
    with reader.open(str(path)) as scan:
        assert scan.infrared() is None


def test_gray_with_alpha_is_gray(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pair = CODES[:, :, :2]
    tifffile.imwrite(path, pair, photometric="minisblack", planarconfig="contig", extrasamples=[2])
    check(path, pair[:, :, :1])


@pytest.mark.parametrize("dtype", SCALE)
def test_min_is_white_is_inverted(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "a.tif"
    pixels = samples(dtype, 1)
    tifffile.imwrite(path, pixels[:, :, 0], photometric="miniswhite")
    full = 1 if dtype.startswith("f") else np.iinfo(dtype).max
    wide = pixels.astype(np.float32) if dtype.startswith("f") else pixels
    check(path, wide.dtype.type(full) - wide)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(("count", "photometric"), [(1, "minisblack"), (3, "rgb"), (3, "ycbcr")])
def test_jpeg_in_tiff_as_other_readers_see_it(
    tmp_path: Path, storage: str, count: int, photometric: str
) -> None:
    path = tmp_path / "a.tif"
    pixels = smooth(count)
    tifffile.imwrite(
        path, pixels[:, :, 0] if count == 1 else pixels, photometric=photometric,
        compression="jpeg", metadata=None,
        **{**STORAGES[storage], **({"rowsperstrip": 16} if storage == "strips" else {})},
    )  # fmt: skip
    with Image.open(path) as other:
        expected = np.asarray(other).astype(int).reshape(pixels.shape)
    assert np.abs(read(str(path), 7) - expected).max() <= 2


def test_jpeg_in_tiff_with_common_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(smooth(3)).save(path, compression="jpeg", quality=95, tiffinfo={278: 16})
    with Image.open(path) as other:
        expected = np.asarray(other).astype(int)
    assert header.read(str(path)).page.tables is not None
    assert np.abs(read(str(path), 7) - expected).max() <= 2


def smooth(count: int) -> np.ndarray:
    x = np.linspace(0, 255, WIDTH)[None, :, None] * np.array([1, 0.7, 0.3])[:count]
    return np.broadcast_to(x, (HEIGHT, WIDTH, count)).astype(np.uint8)


def test_strips_out_of_order(tmp_path: Path) -> None:
    """Strips may lie anywhere: here the first is moved to the end of the file."""
    path = tmp_path / "a.tif"
    pixels = CODES[:, :, :3]
    tifffile.imwrite(path, pixels, photometric="rgb", rowsperstrip=5, metadata=None)
    with tifffile.TiffFile(path) as scan:
        tag = scan.pages[0].tags["StripOffsets"]
        first, length, place = tag.value[0], scan.pages[0].databytecounts[0], tag.valueoffset
    data = bytearray(path.read_bytes())
    data[place : place + 4] = len(data).to_bytes(4, "little")
    data += data[first : first + length]
    data[first : first + length] = bytes(length)
    path.write_bytes(data)
    check(path, pixels)


def test_only_the_picture_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as out:
        out.write(CODES[:, :, :3], photometric="rgb", metadata=None)
        out.write(CODES[:, :, :3] // 2, photometric="rgb", metadata=None)
    check(path, CODES[:, :, :3])


OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">
<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16"
 SizeX="8" SizeY="8" SizeZ="2" SizeC="1" SizeT="1">
<Channel ID="Channel:0:0" SamplesPerPixel="1"/>
<TiffData FirstZ="0" IFD="0" PlaneCount="1"><UUID FileName="own.tif">urn:uuid:1</UUID></TiffData>
<TiffData FirstZ="1" IFD="0" PlaneCount="1">
<UUID FileName="secret.bin">urn:uuid:2</UUID></TiffData></Pixels></Image></OME>"""


@pytest.mark.parametrize("name", ["own.ome.tif", "plain.tif"])
def test_a_description_cannot_make_the_reader_open_another_file(tmp_path: Path, name: str) -> None:
    tifffile.imwrite(tmp_path / "secret.bin", np.full((8, 8), 4242, np.uint16), metadata=None)
    path = tmp_path / name
    own = np.full((8, 8), 7, np.uint16)
    tifffile.imwrite(path, own, description=OME.encode(), metadata=None)
    assert 4242 in tifffile.imread(path), "the trap works on a reader that follows it"
    check(path, own[:, :, None])


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, dtype: str, value: float) -> None:
    pixels = samples(dtype, 3)
    pixels[20, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    with pytest.raises(CorruptInput, match="row 20 has values"):
        read(str(tmp_path / "a.tif"))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 1, ()),
        (-0.5, 1, ("between -0.5 and 1;",)),
        (0, 1.25, ("between 0 and 1.25;",)),
        (-2, 65504, ("between -2 and 65504;",)),
    ],
)
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_floats_beyond_0_to_1_are_taken_as_they_are_and_said(
    tmp_path: Path, dtype: str, low: float, high: float, said: tuple[str, ...]
) -> None:
    pixels = np.full((40, 7, 3), 0.25, dtype)
    pixels[20, 3, 1], pixels[39, 6, 2] = low, high
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    with reader.open(str(tmp_path / "a.tif")) as scan:
        bands = [band.copy() for _, band in scan.bands(7)]
        assert len(scan.warnings) == len(said)
        assert all(words in warning for words, warning in zip(said, scan.warnings, strict=True))
    np.testing.assert_array_equal(np.concatenate(bands), pixels)


def test_a_file_that_grew_since_its_header_was_read_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, CODES[:, :, :3], photometric="rgb")
    known = header.read(str(path))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputChanged):
        reader.open(str(path), known)


@pytest.mark.parametrize(
    ("storage", "codec"),
    [(storage, "none") for storage in (*STORAGES, "planar")]
    + [(storage, codec) for storage in ("strips", "tiles") for codec in ("lzw", "zstd")],
)
def test_buffers_do_not_grow_with_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str, codec: str
) -> None:
    """Counted, not timed: no array of the reader is larger for a 16 times larger picture."""
    monkeypatch.setattr(tiff_reader, "BAND_BYTES", 1 << 14)
    made: list[int] = []
    original = np.empty

    def empty(*args: Any, **options: Any) -> np.ndarray:
        array = original(*args, **options)
        made.append(array.nbytes)
        return array

    largest = []
    for height in (64, 1024):
        path = tmp_path / f"{height}.tif"
        pixels = np.zeros((height, 64, 3), dtype=np.uint16)
        planar = storage == "planar"
        tifffile.imwrite(
            path, np.moveaxis(pixels, -1, 0) if planar else pixels, photometric="rgb",
            planarconfig="separate" if planar else "contig", metadata=None,
            **CODECS[codec], **STORAGES.get(storage, {}),
        )  # fmt: skip
        made.clear()
        with monkeypatch.context() as patch:
            patch.setattr(tiff_reader.np, "empty", empty)
            read(str(path))
        largest.append(max(made))
    assert largest[1] <= largest[0]


@pytest.mark.parametrize(("dtype", "words"), [("f4", "taken as they are"), ("f8", "cut off")])
def test_floats_outside_of_0_to_1_are_said_to_be_what_they_become(
    dtype: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    pixels = np.array([-0.25, 0.5, 1.5] * 20, dtype).reshape(4, 5, 3)
    tifffile.imwrite(path, pixels, photometric="rgb")
    with reader.open(str(path)) as scan:
        (band,) = (band.copy() for _, band in scan.bands())
        said = " ".join(scan.warnings)
    assert f"float samples lie between -0.25 and 1.5; they are {words}" in said
    kept = [0, 32768, 65535] if dtype == "f8" else [-0.25, 0.5, 1.5]
    assert band[0, 0].tolist() == kept


def test_floats_of_a_linear_dng_are_cut_off_and_said_to_be(tmp_path: Path) -> None:
    pixels = np.array([-0.25, 0.5, 1.5] * 20, np.float32).reshape(4, 5, 3)
    path = dng_files.linear(tmp_path / "a.dng", pixels)
    with reader.open(path) as scan:
        (band,) = (band.copy() for _, band in scan.bands())
        said = " ".join(scan.warnings)
    assert "float samples lie between -0.25 and 1.5; they are cut off" in said
    assert band[0, 0].tolist() == [0.0, 0.5, 1.0]
