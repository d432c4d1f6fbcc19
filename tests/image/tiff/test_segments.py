"""A damaged or cut TIFF is an error that names the segment, never a picture with zeros."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from divere_cli.errors import CorruptInput, LimitExceeded, Unsupported
from divere_cli.image import reader
from tests.image import tiff_files

RNG = np.random.default_rng(8)
PIXELS = RNG.integers(0, 65536, (40, 48, 3), dtype=np.uint16)
STORED: dict[str, dict[str, Any]] = {
    "none": {"rowsperstrip": 8},
    "one strip": {},
    "tiles": {"tile": (16, 16)},
    "lzw": {"rowsperstrip": 8, "compression": "lzw", "predictor": True},
    "deflate": {"rowsperstrip": 8, "compression": "deflate", "predictor": True},
    "zstd": {"rowsperstrip": 8, "compression": "zstd"},
    "packbits": {"rowsperstrip": 8, "compression": "packbits"},
    "jpeg": {"rowsperstrip": 8, "compression": "jpeg"},
    "jpeg tiles": {"tile": (16, 16), "compression": "jpeg"},
    "planar": {"planarconfig": "separate", "rowsperstrip": 8},
}


def read(path: Path) -> np.ndarray:
    with reader.open(str(path)) as scan:
        return np.concatenate([band.copy() for _, band in scan.bands()])


def stored(path: Path, kind: str) -> bytes:
    options = STORED[kind]
    pixels = PIXELS if not kind.startswith("jpeg") else (PIXELS >> 8).astype(np.uint8)
    if kind == "planar":
        pixels = np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)
    return path.read_bytes()


def count_table(path: Path) -> tuple[int, int, tuple[int, ...]]:
    """Where the table of byte counts stands, bytes of one of its numbers, and the numbers."""
    with tifffile.TiffFile(path) as scan:
        tags = scan.pages[0].tags
        counts = tags.get(279) or tags[325]
        return counts.valueoffset, {3: 2, 4: 4}[int(counts.dtype)], counts.value


@pytest.mark.parametrize("kind", STORED)
def test_a_cut_file_is_corrupt_wherever_it_is_cut(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    whole = stored(path, kind)
    for percent in (*range(100), 99.9):
        path.write_bytes(whole[: int(len(whole) * percent / 100)])
        with pytest.raises(CorruptInput):
            read(path)


@pytest.mark.parametrize("kind", ["lzw", "deflate", "zstd", "packbits", "jpeg", "jpeg tiles"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_segment_that_ends_early_is_named(tmp_path: Path, kind: str, keep: float) -> None:
    """The byte count says less than the codec needs: decoders that fill up must not get through."""
    path = tmp_path / "a.tif"
    whole = bytearray(stored(path, kind))
    place, size, counts = count_table(path)
    whole[place + size : place + 2 * size] = int(counts[1] * keep).to_bytes(size, "little")
    path.write_bytes(whole)
    with pytest.raises(CorruptInput, match=r"(strip|tile) 1 "):
        read(path)


@pytest.mark.parametrize("kind", ["lzw", "deflate", "packbits", "jpeg"])
def test_a_segment_whose_second_half_is_zeros_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    whole = bytearray(stored(path, kind))
    with tifffile.TiffFile(path) as scan:
        start, length = scan.pages[0].dataoffsets[2], scan.pages[0].databytecounts[2]
    whole[start + length // 2 : start + length] = bytes(length - length // 2)
    path.write_bytes(whole)
    with pytest.raises(CorruptInput, match="strip 2 "):
        read(path)


@pytest.mark.parametrize("kind", STORED)
def test_byte_counts_of_0_are_computed_where_the_code_ends_by_itself(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "a.tif"
    whole = bytearray(stored(path, kind))
    want = read(path)
    place, size, counts = count_table(path)
    whole[place : place + size * len(counts)] = bytes(size * len(counts))
    path.write_bytes(whole)
    with reader.open(str(path)) as scan:
        assert np.array_equal(np.concatenate([band.copy() for _, band in scan.bands()]), want)
        assert any("byte counts" in said for said in scan.warnings)


@pytest.mark.parametrize("kind", STORED)
def test_a_byte_count_that_is_too_large_is_computed_and_said(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    whole = bytearray(stored(path, kind))
    want = read(path)
    place, size, counts = count_table(path)
    last = place + size * (len(counts) - 1)
    whole[last : last + size] = b"\xff\xff" + bytes(size - 2)
    path.write_bytes(whole)
    with reader.open(str(path)) as scan:
        assert np.array_equal(np.concatenate([band.copy() for _, band in scan.bands()]), want)
        assert any("byte count" in said for said in scan.warnings)


def test_strips_over_each_other_are_corrupt(tmp_path: Path) -> None:
    page = tiff_files.entries(2, 2, t273=(4, [8, 9]), t279=(4, [6, 6]), t278=(4, [1]))
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_files.file(page, bytes(16)))
    with pytest.raises(CorruptInput, match="strips 0 and 1 lie over each other"):
        read(path)


def test_a_strip_of_many_times_its_rows_is_said(tmp_path: Path) -> None:
    """A width that lost its largest bits leaves most of each strip."""
    page = tiff_files.entries(2, 2, t279=(4, [96]))
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_files.file(page, bytes(96)))
    with reader.open(str(path)) as scan:
        list(scan.bands())
        assert any("96 bytes, many more than the 12" in said for said in scan.warnings)


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        (279, 11, "strip 0 has 11 bytes, too few"),
        (273, 2**32 - 1, "strip 0 ends after the end"),
        (273, 12, "strip 0 overlaps the directory"),
        (273, 0, "strip 0 begins in the head"),
        (273, 7, "strip 0 begins in the head"),
    ],
)
def test_impossible_tables_are_corrupt(tmp_path: Path, code: int, value: int, said: str) -> None:
    page = tiff_files.entries(2, 2, **{f"t{code}": (4, [value])})
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_files.file(page, bytes(12)))
    with pytest.raises(CorruptInput, match=said):
        read(path)


@pytest.mark.parametrize(
    ("code", "encode"),
    [
        (5, imagecodecs.lzw_encode),
        (8, imagecodecs.deflate_encode),
        (50000, imagecodecs.zstd_encode),
        (32773, imagecodecs.packbits_encode),
    ],
)
def test_a_last_strip_of_full_height_is_read(
    tmp_path: Path, code: int, encode: Callable[[bytes], bytes]
) -> None:
    """Some programs compress the last strip with as many rows as all others."""
    rows = PIXELS[:12, :8].astype(np.uint8)
    whole = np.concatenate([rows, rows[:4]]).reshape(2, -1)
    strips = [encode(part.tobytes()) for part in whole]
    page = tiff_files.entries(
        8, 12, t259=(3, [code]), t278=(4, [8]),
        t273=(4, [8, 8 + len(strips[0])]), t279=(4, [len(strip) for strip in strips]),
    )  # fmt: skip
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_files.file(page, b"".join(strips)))
    assert np.array_equal(read(path), rows)


def test_a_jpeg_strip_with_a_huge_size_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    whole = bytearray(stored(path, "jpeg"))
    with tifffile.TiffFile(path) as scan:
        start = scan.pages[0].dataoffsets[1]
    frame = whole.index(b"\xff\xc0", start)
    whole[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    path.write_bytes(whole)
    with pytest.raises(CorruptInput, match="strip 1 cannot be decoded: JPEG data of another size"):
        read(path)


def test_a_huge_table_is_read_only_as_far_as_needed(tmp_path: Path) -> None:
    """A count of 2^30 in the directory must not become gigabytes."""
    page = tiff_files.entries(2, 2, t273=(4, [8, 8]), t279=(4, [12, 12]))
    data = bytearray(tiff_files.file(page, bytes(12)))
    for code in (273, 279):
        place = data.index(struct.pack("<HH", code, 4), 20) + 4
        data[place : place + 4] = struct.pack("<I", 1 << 30)
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert read(path).shape == (2, 2, 3)


@pytest.mark.parametrize("kind", ["none", "deflate", "lzw", "tiles", "jpeg"])
def test_no_foreign_error_whatever_is_flipped(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    whole = stored(path, kind)
    (first,) = struct.unpack("<I", whole[4:8])

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.tuples(st.integers(first, min(first + 300, len(whole) - 1)), st.integers(0, 255)),
            min_size=1,
            max_size=4,
        )
    )
    def flipped(changes: list[tuple[int, int]]) -> None:
        data = bytearray(whole)
        for place, value in changes:
            data[place] = value
        path.write_bytes(data)
        try:
            read(path)
        except (CorruptInput, Unsupported, LimitExceeded):
            return

    flipped()
