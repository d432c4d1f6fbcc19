"""Written directories are read back: classic and BigTIFF, values and sub-directories."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from divere_cli.image.containers import Held
from divere_cli.image.ifd.reader import Tiff, parse
from divere_cli.image.ifd.writer import (
    LONG,
    ORDER,
    SHORT,
    UNDEFINED,
    Entry,
    lay_out,
    numbers,
    pick,
    rational,
    text,
)
from divere_cli.image.metadata.exif_block import EXIF_IFD, GPS_IFD, build
from divere_cli.image.source import Source


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("at", [16, 100])
def test_a_written_directory_is_read_back(tmp_path: Path, big: bool, at: int) -> None:
    entries = [
        text(305, "divere"),
        numbers(256, LONG, [7]),
        numbers(273, LONG, range(1000)),
        numbers(258, SHORT, [16, 16, 16]),
        rational(282, 3999.5),
        Entry(700, UNDEFINED, b"odd"),
    ]
    subs = {EXIF_IFD: [text(36867, "2024:02:03 04:05:06")], GPS_IFD: []}
    made, start = lay_out(entries, subs, at, big)
    path = tmp_path / "a"
    path.write_bytes(bytes(at) + made)
    with Source(str(path)) as source:
        tiff = Tiff(source, ORDER, big, start)
        found = tiff.directory(start)
        assert list(found.entries) == [256, 258, 273, 282, 305, 700, EXIF_IFD]
        assert found.following == 0
        assert tiff.values(found.entries[273], 1000) == tuple(range(1000))
        assert tiff.values(found.entries[282], 1) == (3999.5,)
        assert tiff.text(found.entries[305]) == "divere"
        assert tiff.text(found.entries[700]) == "odd"
        assert all(tag.offset % 2 == 0 for tag in found.entries.values())
        inner = tiff.directory(int(tiff.number(found.entries[EXIF_IFD], 0)))
        assert tiff.text(inner.entries[36867]) == "2024:02:03 04:05:06"


def test_picking_bounds_each_value() -> None:
    held = Held(build([text(271, "x" * 100), Entry(700, 1, b"y" * 100), text(272, "z")], [], []))
    tiff = parse(held)
    entries, lost = pick(tiff, tiff.directory(tiff.first), {271: 10, 700: 10, 272: 10, 315: 10})
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
    assert struct.unpack(f"{ORDER}6{letter}", entry.data) == values
    assert entry.count == count


def test_an_entry_after_the_end_of_the_file_is_lost() -> None:
    held = Held(struct.pack("<2sHIHHHII", b"II", 42, 8, 1, 271, 2, 50, 9999) + bytes(4))
    tiff = parse(held)
    assert pick(tiff, tiff.directory(tiff.first), {271: 100}) == ([], [271])
