"""Directories and values of TIFF structures, in both byte orders and at any offset."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.reader import parse, size_of
from divere_cli.image.layout import Tag
from divere_cli.image.source import Source
from tests.image import tiff_files


def saved(folder: Path, data: bytes) -> str:
    path = folder / "a"
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("base", [0, 6])
def test_values_of_each_kind(tmp_path: Path, order: str, base: int) -> None:
    found = {
        256: (3, [7]),
        258: (3, [8, 16, 32]),
        273: (4, [2**32 - 1]),
        282: (5, [3, 2]),
        283: (5, [1, 0]),
        305: (7, list(b"text\0more")),
    }
    data = b"Exif\0\0"[:base] + tiff_files.file(found, order=order)
    with Source(saved(tmp_path, data)) as source:
        tiff = parse(source, base)
        entries = tiff.directory(tiff.first).entries
        assert {code: tiff.values(tag, 9) for code, tag in entries.items() if code != 305} == {
            256: (7,),
            258: (8, 16, 32),
            273: (2**32 - 1,),
            282: (1.5,),
            283: (0.0,),
        }
        assert tiff.values(entries[258], 2) == (8, 16)
        assert tiff.value_at(entries[258], 2) == 32
        assert tiff.text(entries[305]) == "text"
        assert tiff.text(None) == ""
        assert tiff.number(None, 5) == 5
        assert size_of(entries[258]) == 6


def test_a_number_that_is_not_finite_becomes_the_default(tmp_path: Path) -> None:
    with Source(saved(tmp_path, b"II*\0\x08\0\0\0" + struct.pack("<f", math.nan))) as source:
        tiff = parse(source)
        assert tiff.number(Tag(1, 11, 1, 8), 4) == 4
        assert tiff.number(Tag(1, 3, 0, 8), 4) == 4


def test_entries_of_unknown_kinds_are_passed_over(tmp_path: Path) -> None:
    data = bytearray(tiff_files.file({256: (3, [7]), 257: (3, [9])}))
    data[8 + 2 + 2 : 8 + 2 + 4] = b"\x63\0"
    with Source(saved(tmp_path, bytes(data))) as source:
        assert set(parse(source).directory(8).entries) == {257}


def test_the_first_of_two_entries_wins(tmp_path: Path) -> None:
    data = bytearray(tiff_files.file({256: (3, [7]), 257: (3, [9])}))
    data[8 + 2 + 12 : 8 + 2 + 14] = (256).to_bytes(2, "little")
    with Source(saved(tmp_path, bytes(data))) as source:
        tiff = parse(source)
        assert tiff.values(tiff.directory(8).entries[256], 1) == (7,)


def test_sub_directories_come_before_the_next_page(tmp_path: Path) -> None:
    size = len(tiff_files.directory({256: (3, [0]), 330: (4, [0])}, 0))
    first, sub, last = 8, 8 + size, 8 + size + len(tiff_files.directory({256: (3, [0])}, 0))
    data = b"II*\0\x08\0\0\0"
    data += tiff_files.directory({256: (3, [1]), 330: (4, [sub])}, first, last)
    data += tiff_files.directory({256: (3, [2])}, sub)
    data += tiff_files.directory({256: (3, [3])}, last, first)
    with Source(saved(tmp_path, data)) as source:
        tiff = parse(source)
        pages, cut = tiff.chain()
        assert [tiff.number(page.entries[256], 0) for page in pages] == [1, 2, 3]
        assert not cut, "the last page points back to the first, which was read"


@pytest.mark.parametrize("head", [b"II+\0\x04\0\0\0", b"II+\0\x08\0\x01\0", b"MM\0+\0\x04\0\0"])
def test_a_damaged_bigtiff_head_is_corrupt(tmp_path: Path, head: bytes) -> None:
    with Source(saved(tmp_path, head + bytes(40))) as source, pytest.raises(CorruptInput):
        parse(source)
