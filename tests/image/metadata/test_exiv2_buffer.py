"""exiv2 works on its own copy of the bytes."""

from __future__ import annotations

import exiv2
import pytest

from divere_cli.image.containers import Held, chunks, segments
from divere_cli.image.ifd.writer import Entry, text
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.metadata import exiv2_buffer
from divere_cli.image.metadata.exif_block import build
from divere_cli.image.metadata.exiv2_buffer import Scratch

EXIF = build([text(271, "Nikon")], [], [])


def test_exiv2_never_modifies_the_given_bytes() -> None:
    """exiv2 changes the bytes that it is given where new values fit, immutable or not."""
    given = build([text(271, "Nikon Corporation")], [], [])
    before = bytes(bytearray(given))
    small = Scratch(given)
    small.image.exifData()["Exif.Image.Make"] = "x"
    assert b"Nikon" not in small.written()
    assert given == before


def test_invalid_data_are_an_error_of_exiv2() -> None:
    with pytest.raises(exiv2.Exiv2Error):
        Scratch(b"no picture at all")


def test_each_block_has_its_segment() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/'
        b'22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:l="http://l/" l:a="1"/></rdf:RDF>'
        b"</x:xmpmeta>"
    )
    given = PictureMetadata(exif=EXIF, xmp=packet, iptc=b"\x1c\x02\x50\0\1K")
    made = exiv2_buffer.jpeg_segments(given)
    held = Held(b"\xff\xd8" + made + b"\xff\xda\0\x02")
    assert [marker for marker, _, _ in segments(held)] == [0xE1, 0xE1, 0xED, 0xDA]
    png = Held(b"\x89PNG\r\n\x1a\n" + exiv2_buffer.png_chunks(given) + b"\0\0\0\0IEND....")
    assert sorted(name for name, _, _ in chunks(png)) == [b"IEND", b"eXIf", b"iTXt", b"zTXt"]


def test_blocks_of_one_tag_are_read() -> None:
    small = Scratch(build([Entry(exiv2_buffer.IPTC_TAG, 7, b"\x1c\x02\x50\0\1K")], [], []))
    assert [str(d.toString()) for d in small.image.iptcData()] == ["K"]
