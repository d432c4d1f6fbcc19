"""Text chunks of PNG are decoded and converted to Exif if the file has none."""

from __future__ import annotations

import zlib

import pytest

from divere_cli.image.ifd.writer import text
from divere_cli.image.limits import METADATA_BYTES
from divere_cli.image.metadata import blocks, exif_block, png_texts
from divere_cli.image.metadata.blocks import Blocks
from divere_cli.image.png_chunks import chunk
from tests.image.metadata.test_blocks import png


def said(found: Blocks, where: int, code: int) -> str:
    part = found.exif[where]
    return part.tiff.text(part.directory.entries.get(code))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"tEXt", b"A. K\xf6ster"),
        (b"zTXt", b"\0" + zlib.compress(b"A. K\xf6ster")),
        (b"iTXt", b"\0\0de\0Autor\0A. K\xf6ster"),
        (b"iTXt", b"\1\0\0\0" + zlib.compress(b"A. K\xf6ster")),
    ],
)
def test_the_text_of_each_kind_of_chunk(name: bytes, body: bytes) -> None:
    assert png_texts.value(name, b"Author\0" + body) == b"A. K\xf6ster"


def test_a_text_larger_than_any_metadata_is_refused() -> None:
    bomb = zlib.compress(bytes(METADATA_BYTES + 1))
    with pytest.raises(ValueError, match="larger than any metadata"):
        png_texts.value(b"zTXt", b"Author\0\0" + bomb)


def test_texts_stand_for_exif_where_there_is_none() -> None:
    texts = {
        b"Author": b"Me", b"Copyright": b"(c) Me", b"Source": b"LS-9000", b"Make": b"Nikon",
        b"Software": b"Scan 9", b"Description": b"a church",
        b"Creation Time": b"2020-05-06T07:08:09", b"Comment": b"nobody asked",
    }  # fmt: skip
    found = blocks.find(png(*(chunk(b"tEXt", k + b"\0" + v) for k, v in texts.items())))
    wanted = {315: "Me", 33432: "(c) Me", 272: "LS-9000", 271: "Nikon", 305: "Scan 9",
              270: "a church"}  # fmt: skip
    assert {code: said(found, blocks.IFD0, code) for code in wanted} == wanted
    assert said(found, exif_block.EXIF_IFD, 0x9003) == "2020:05:06 07:08:09"
    assert found.spoken


def test_exif_wins_over_texts() -> None:
    own = exif_block.build([text(271, "Nikon")], [], [])
    found = blocks.find(png(chunk(b"tEXt", b"Make\0Canon"), chunk(b"eXIf", own)))
    assert said(found, blocks.IFD0, 271) == "Nikon"
    assert not found.spoken


@pytest.mark.parametrize(
    "date",
    ["Wed, 06 May 2020 07:08:09 +0200", "2020:05:06 07:08:09", "2020-05-06 07:08:09+00:00"],
)
def test_a_date_keeps_the_clock_of_where_it_was_taken(date: str) -> None:
    found = blocks.find(png(chunk(b"tEXt", b"Creation Time\0" + date.encode())))
    assert said(found, exif_block.EXIF_IFD, 0x9003) == "2020:05:06 07:08:09"


@pytest.mark.parametrize("date", [b"", b"yesterday", b"\xff\0\1", b"2020-13-45"])
def test_an_invalid_date_is_ignored(date: bytes) -> None:
    assert png_texts.as_exif({b"Creation Time": date}) == b""
