"""Exif blocks, read back by exiv2."""

from __future__ import annotations

import struct

import exiv2
import pytest

from divere_cli.image import exif_block
from divere_cli.image.containers import Held
from divere_cli.image.exif_block import Entry, build, pick, text
from divere_cli.image.tiff_tags import parse

LATITUDE = Entry(2, 5, struct.pack("<6I", 50, 1, 56, 1, 28, 1))


def told(block: bytes) -> dict[str, str]:
    image = exiv2.ImageFactory.open(bytearray(block))
    image.readMetadata()
    return {str(d.key()): str(d.toString()) for d in image.exifData()}


def test_exiv2_reads_what_is_built() -> None:
    block = build(
        [text(272, "LS-5000"), text(271, "Nikon"), text(306, "odd")],
        [Entry(0x8827, 3, struct.pack("<H", 400)), text(0x9003, "1998:05:04 10:00:00")],
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


def test_picking_bounds_each_value() -> None:
    held = Held(build([text(271, "x" * 100), Entry(700, 1, b"y" * 100), text(272, "z")], [], []))
    tiff = parse(held)
    entries, lost = pick(tiff, tiff.directory(8), {271: 10, 700: 10, 272: 10, 315: 10})
    assert entries == [Entry(271, 2, b"x" * 10), text(272, "z")]
    assert lost == [271, 700]


@pytest.mark.parametrize(
    ("kind", "letter"), [(3, "H"), (4, "I"), (5, "I"), (9, "i"), (12, "d"), (7, "B")]
)
def test_values_of_the_other_byte_order_are_turned(kind: int, letter: str) -> None:
    values = (1, 200, 3, 44, 5, 6)
    data = struct.pack(f">6{letter}", *values)
    count = len(data) // {3: 2, 4: 4, 5: 8, 9: 4, 12: 8, 7: 1}[kind]
    big = struct.pack(">2sHIHHHII", b"MM", 42, 8, 1, 700, kind, count, 26) + bytes(4) + data
    tiff = parse(Held(big))
    (entry,), _ = pick(tiff, tiff.directory(8), {700: 1000})
    assert struct.unpack(f"<6{letter}", entry.data) == values
    assert entry.count == count


def test_an_entry_behind_the_end_is_lost() -> None:
    held = Held(struct.pack("<2sHIHHHII", b"II", 42, 8, 1, 271, 2, 50, 9999) + bytes(4))
    tiff = parse(held)
    assert exif_block.pick(tiff, tiff.directory(8), {271: 100}) == ([], [271])
