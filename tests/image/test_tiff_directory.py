"""Directories that we lay out are read again: classic and BigTIFF, values and sub-directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from divere_cli.errors import CorruptInput
from divere_cli.image import tiff_directory as directory
from divere_cli.image.source import Source
from divere_cli.image.tiff_directory import EXIF, GPS, LONG, ORDER, SHORT, UNDEFINED
from divere_cli.image.tiff_tags import Tiff
from tests.image import tiff_files


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("at", [16, 100])
def test_what_is_laid_out_is_read_again(tmp_path: Path, big: bool, at: int) -> None:
    entries = {
        305: directory.text("divere"),
        256: directory.numbers(LONG, [7]),
        273: directory.numbers(LONG, range(1000)),
        258: directory.numbers(SHORT, [16, 16, 16]),
        282: directory.rational(3999.5),
        700: directory.blob(UNDEFINED, b"odd"),
    }
    subs = {EXIF: {36867: directory.text("2024:02:03 04:05:06")}, GPS: {}}
    made, start = directory.lay_out(entries, subs, at, big)
    path = tmp_path / "a"
    path.write_bytes(bytes(at) + made)
    with Source(str(path)) as source:
        tiff = Tiff(source, ORDER, big, start)
        found = tiff.directory(start)
        assert list(found.entries) == [256, 258, 273, 282, 305, 700, EXIF]
        assert found.following == 0
        assert tiff.values(found.entries[273], 1000) == tuple(range(1000))
        assert tiff.values(found.entries[282], 1) == (3999.5,)
        assert tiff.text(found.entries[305]) == "divere"
        assert tiff.text(found.entries[700]) == "odd"
        assert all(tag.offset % 2 == 0 for tag in found.entries.values())
        inner = tiff.directory(int(tiff.number(found.entries[EXIF], 0)))
        assert tiff.text(inner.entries[36867]) == "2024:02:03 04:05:06"


def test_what_describes_the_block_is_not_carried() -> None:
    block = tiff_files.file({256: (4, [9]), 271: (7, list(b"Nikon\0")), 274: (3, [6])})
    entries, subs = directory.from_exif(block)
    assert (list(entries), subs) == ([271], {})
    assert directory.from_exif(b"") == ({}, {})


def test_a_damaged_block_is_corrupt() -> None:
    with pytest.raises(CorruptInput):
        directory.from_exif(tiff_files.file({271: (7, list(b"Nikon\0"))})[:-4])
