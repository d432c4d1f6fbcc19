"""Positives as TIFF: read by other programs, in constant memory, complete or no TIFF."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.errors import NoSpace, OutputError
from divere_cli.image import header, reader, writer
from divere_cli.image.layout import PictureMetadata, Resolution
from divere_cli.image.tiff import writer as tiff_writer
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from divere_cli.records.outcome import Written
from tests.image import writing

GRAY = Space("gray", None, (0.3127, 0.329), 2.2)
RNG = np.random.default_rng(5)
Compression = Literal["none", "lzw", "deflate", "zstd"]
COMPRESSIONS = ("none", "lzw", "deflate", "zstd")


def pixels(shape: tuple[int, int, int], bits: int = 16) -> np.ndarray:
    return RNG.integers(0, 1 << bits, shape).astype(f"u{bits // 8}")


def write(
    path: Path,
    rows: np.ndarray,
    compression: Compression = "none",
    picture: PictureMetadata = writing.PLAIN,
    step: int = 17,
) -> Written:
    encoding = Encoding("tiff", 8 if rows.itemsize == 1 else 16, GRAY, compression)
    return writing.write(path, encoding, rows, step, picture)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(1, 1, 3), (37, 45, 1), (300, 1700, 3)])
def test_other_readers_see_the_same_pixels(
    tmp_path: Path, compression: Compression, bits: int, shape: tuple[int, int, int]
) -> None:
    path, rows = tmp_path / "a.tif", pixels(shape, bits)
    written = write(path, rows, compression)
    assert (written.width, written.height, written.channels) == (shape[1], shape[0], shape[2])
    assert written.bytes == path.stat().st_size
    assert np.array_equal(tifffile.imread(path).reshape(shape), rows)
    if bits == 8 or shape[2] == 1:  # Pillow opens 16-bit RGB as 8 bit
        with Image.open(path) as other:
            assert np.array_equal(np.asarray(other).reshape(shape), rows)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("shape", [(1, 1, 3), (37, 45, 1), (300, 1700, 3)])
def test_floats_are_kept_to_the_last_bit(
    tmp_path: Path, compression: Compression, shape: tuple[int, int, int]
) -> None:
    path, rows = tmp_path / "a.tif", RNG.random(shape, np.float32)
    writing.write(path, Encoding("tiff", 32, GRAY, compression), rows, 17)
    assert np.array_equal(tifffile.imread(path).reshape(shape), rows)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].tags["SampleFormat"].value in (3, (3,) * shape[2])
    found = header.read(str(path))
    assert (found.bits, found.sample) == (32, "float")
    with reader.open(str(path), found) as scan:
        read = np.concatenate([band.copy() for _, band in scan.bands()])
    assert np.array_equal(read, rows)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_same_bytes_whatever_the_height_of_what_is_written(
    tmp_path: Path, compression: Compression
) -> None:
    rows = pixels((200, 1500, 3))
    files = []
    for step in (1, 29, 58, 200):
        write(tmp_path / "a.tif", rows, compression, step=step)
        files.append((tmp_path / "a.tif").read_bytes())
    assert files[1:] == files[:-1]


def test_metadata_beside_the_pixels_are_embedded(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture = PictureMetadata(
        icc=b"icc" * 99, resolution=Resolution(4000, 2999.5, 2), software="divere ä", xmp=b"<x/>",
        iptc=b"\x1c\x02\x00\x00\x02\x00\x04",
    )  # fmt: skip
    write(path, pixels((5, 7, 3)), picture=picture)
    with tifffile.TiffFile(path) as scan:
        tags = scan.pages[0].tags
        assert tags["InterColorProfile"].value == picture.icc
        assert tags["XMP"].value == picture.xmp
        assert bytes(tags[33723].value) == picture.iptc
        assert tags["Orientation"].value == 1
        assert tags["ResolutionUnit"].value == 2
        assert (tags["XResolution"].value, tags["YResolution"].value) == ((4000, 1), (5999, 2))
    found = header.read(str(path))
    assert (found.software, found.resolution) == ("divere ä", picture.resolution)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_exif_block_moves_into_the_directory(tmp_path: Path, order: str) -> None:
    exif = Image.Exif()
    exif.endian = order
    exif[271], exif[282], exif[256] = "Nikon", 72.0, 4711
    exif.get_ifd(34665).update({36867: "2024:02:03 04:05:06", 37500: b"maker", 33434: 0.5})
    exif.get_ifd(34853).update({1: "N", 2: (52.0, 31.0, 12.5)})
    block = exif.tobytes()[6:]
    assert block.startswith(b"II" if order == "<" else b"MM")
    write(tmp_path / "a.tif", pixels((5, 7, 3)), picture=PictureMetadata(exif=block))
    with Image.open(tmp_path / "a.tif") as other:
        read = other.getexif()
        assert (read[271], read[256], 282 in read) == ("Nikon", 7, False)
        assert read.get_ifd(34665) == {36867: "2024:02:03 04:05:06", 33434: 0.5}
        assert read.get_ifd(34853) == {1: "N", 2: (52.0, 31.0, 12.5)}


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_bigtiff_when_four_gigabytes_do_not_suffice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: Compression
) -> None:
    rows = pixels((20, 30, 3))
    write(tmp_path / "small.tif", rows, compression)
    assert header.read(str(tmp_path / "small.tif")).variant == "tiff"
    monkeypatch.setattr(tiff_writer, "CLASSIC_LIMIT", tiff_writer.ROOM_FOR_TABLES + rows.nbytes - 1)
    write(tmp_path / "big.tif", rows, compression, PictureMetadata(icc=b"x" * 99))
    assert header.read(str(tmp_path / "big.tif")).variant == "bigtiff"
    assert np.array_equal(tifffile.imread(tmp_path / "big.tif"), rows)


def test_an_unfinished_file_is_no_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    rows = pixels((5, 7, 3))
    with writer.open(str(path), Encoding("tiff", 16, GRAY), 7, 5, 3, PictureMetadata()) as out:
        out.write(rows[:4])
        with pytest.raises(OutputError, match="4 of 5 rows"):
            out.close()
    assert path.read_bytes()[:4] == bytes(4)


def test_rows_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.touch()
    with writer.open(str(path), Encoding("tiff", 16, GRAY), 7, 5, 3, PictureMetadata()) as out:
        for wrong in (pixels((1, 6, 3)), pixels((1, 7, 1)), pixels((1, 7, 3), 8)):
            with pytest.raises(OutputError, match="do not fit"):
                out.write(wrong)
        with pytest.raises(OutputError, match="more than 5 rows"):
            out.write(pixels((6, 7, 3)))


@pytest.mark.parametrize("plant", ["link", "nothing", "folder"])
def test_only_an_existing_file_is_written(tmp_path: Path, plant: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "a.tif"
    victim.write_bytes(b"precious")
    if plant == "link":
        path.symlink_to(victim)
    elif plant == "folder":
        path.mkdir()
    with pytest.raises(OutputError):
        writer.open(str(path), Encoding("tiff", 16, GRAY), 7, 5, 3, PictureMetadata())
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, NoSpace),
        (errno.EDQUOT, NoSpace),
        (errno.EIO, OutputError),
        (errno.EFBIG, OutputError),
    ],
)
def test_a_full_device_is_told_from_a_failing_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compression: Compression,
    call: str,
    number: int,
    kind: type[Exception],
) -> None:
    calls: list[int] = []

    def fails(*args: Any) -> int:
        calls.append(1)
        if call == "write" and len(calls) == 1:
            return original(*args)
        raise OSError(number, os.strerror(number))

    original = getattr(os, call)
    monkeypatch.setattr(os, call, fails)
    with pytest.raises(kind):
        write(tmp_path / "a.tif", pixels((50, 70, 3)), compression)
    assert call == "write" or len(calls) == 1, "a failed fsync must not be tried again"


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: original(fd, bytes(data[:1000])))
    rows = pixels((50, 70, 3))
    write(tmp_path / "a.tif", rows)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), rows)
