"""Exif blocks, read back by exiv2."""

from __future__ import annotations

import struct

import exiv2
import pytest

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.writer import ORDER, Entry, text
from divere_cli.image.metadata.exif_block import EXIF_IFD, GPS_IFD, build, carried
from tests.image import tiff_files

LATITUDE = Entry(2, 5, struct.pack(ORDER + "6I", 50, 1, 56, 1, 28, 1))


def told(block: bytes) -> dict[str, str]:
    image = exiv2.ImageFactory.open(bytearray(block))
    image.readMetadata()
    return {str(d.key()): str(d.toString()) for d in image.exifData()}


def test_exiv2_reads_what_is_built() -> None:
    block = build(
        [text(272, "LS-5000"), text(271, "Nikon"), text(306, "odd")],
        [Entry(0x8827, 3, struct.pack(ORDER + "H", 400)), text(0x9003, "1998:05:04 10:00:00")],
        [text(1, "N"), LATITUDE],
    )
    exif = told(block)
    assert exif["Exif.Image.Make"] == "Nikon"
    assert exif["Exif.Image.DateTime"] == "odd"
    assert exif["Exif.Photo.ISOSpeedRatings"] == "400"
    assert exif["Exif.Photo.DateTimeOriginal"] == "1998:05:04 10:00:00"
    assert exif["Exif.GPSInfo.GPSLatitude"] == "50/1 56/1 28/1"


@pytest.mark.parametrize("parts", [([], [], [LATITUDE]), ([text(271, "a")], [], [])])
def test_empty_parts_are_left_out(parts: tuple[list[Entry], list[Entry], list[Entry]]) -> None:
    names = {key.split(".")[1] for key in told(build(*parts))}
    assert ("GPSInfo" in names) == bool(parts[2])
    assert "Photo" not in names


def test_tags_about_the_block_are_not_carried() -> None:
    block = tiff_files.file({256: (4, [9]), 271: (7, list(b"Nikon\0")), 274: (3, [6])})
    entries, subs = carried(block)
    assert (entries, subs) == ([Entry(271, 7, b"Nikon\0")], {})
    assert carried(b"") == ([], {})


def test_sub_directories_are_carried_but_for_maker_notes() -> None:
    taken = text(0x9003, "1998:05:04 10:00:00")
    block = build([text(271, "Nikon")], [taken, Entry(37500, 7, b"notes")], [LATITUDE])
    assert carried(block) == ([text(271, "Nikon")], {EXIF_IFD: [taken], GPS_IFD: [LATITUDE]})


def test_a_damaged_block_is_corrupt() -> None:
    with pytest.raises(CorruptInput):
        carried(tiff_files.file({271: (7, list(b"Nikon\0"))})[:-4])
