"""Finding metadata blocks: markers, chunks, and limits for compressed text."""

from __future__ import annotations

import struct
import zlib

import pytest

from divere_cli.errors import CorruptInput
from divere_cli.image import containers
from divere_cli.image.containers import Held
from divere_cli.image.ifd.writer import text
from divere_cli.image.limits import METADATA_BYTES
from divere_cli.image.metadata import blocks
from divere_cli.image.metadata.exif_block import build

EXIF = b"Exif\0\0" + build([text(271, "Nikon")], [], [])


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg(*segments: bytes) -> Held:
    return Held(b"\xff\xd8" + b"".join(segments) + segment(0xDA, b"x") + b"pixels\xff\xd9")


def photoshop(*resources: tuple[int, bytes, bytes]) -> bytes:
    data = b"Photoshop 3.0\0"
    for kind, name, value in resources:
        label = bytes([len(name)]) + name
        label += bytes(len(label) % 2)
        data += b"8BIM" + struct.pack(">H", kind) + label + struct.pack(">I", len(value)) + value
        data += bytes(len(value) % 2)
    return segment(0xED, data)


def test_segments_end_with_the_first_scan() -> None:
    held = jpeg(segment(0xE0, b"jfif"), b"\xff\xff\xff", segment(0xE1, EXIF))
    assert [marker for marker, _, _ in containers.segments(held)] == [0xE0, 0xE1, 0xDA]


@pytest.mark.parametrize(
    "data",
    [b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10short", b"\xff\xd8no marker", b"\xff\xd8\xff\xe0\0\1xx"],
)
def test_a_damaged_head_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptInput):
        list(containers.segments(Held(data)))


def test_the_first_exif_and_xmp_of_a_jpeg_count() -> None:
    xmp = b"http://ns.adobe.com/xap/1.0/\0"
    found = blocks.find(
        jpeg(segment(0xE1, EXIF), segment(0xE1, xmp + b"<one/>"), segment(0xE1, xmp + b"<two/>"))
    )
    assert 271 in found.exif[blocks.IFD0].directory.entries
    assert found.xmp == b"<one/>"


@pytest.mark.parametrize("name", [b"", b"a", b"ab"])
def test_iptc_is_found_among_photoshop_s_resources(name: bytes) -> None:
    found = blocks.find(
        jpeg(photoshop((0x0425, name, b"digest"), (0x040C, b"", b"odd"), (0x0404, name, b"iptc!")))
    )
    assert found.iptc == b"iptc!"


@pytest.mark.parametrize("cut", range(20, 60, 3))
def test_cut_photoshop_resources_give_nothing_or_a_part(cut: int) -> None:
    whole = photoshop((0x0425, b"", b"digest"), (0x0404, b"", b"iptc!" * 4))
    found = blocks.find(jpeg(segment(0xED, whole[4:cut])))
    assert (b"iptc!" * 4).startswith(found.iptc)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(*chunks: bytes) -> Held:
    return Held(b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b""))


@pytest.mark.parametrize("packed", [False, True])
def test_xmp_in_a_png(packed: bool) -> None:
    body = zlib.compress(b"<x/>") if packed else b"<x/>"
    data = b"XML:com.adobe.xmp\0" + bytes([packed]) + b"\0en\0\0" + body
    assert blocks.find(png(chunk(b"iTXt", data))).xmp == b"<x/>"


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt"])
def test_raw_profiles_as_imagemagick_writes_them(name: bytes) -> None:
    digits = b"\nexif\n%8d\n" % len(EXIF) + EXIF.hex().encode() + b"\n"
    body = b"\0" + zlib.compress(digits) if name == b"zTXt" else digits
    found = blocks.find(png(chunk(name, b"Raw profile type exif\0" + body)))
    assert 271 in found.exif[blocks.IFD0].directory.entries


def test_text_larger_than_any_metadata_is_not_inflated() -> None:
    bomb = zlib.compress(bytes(METADATA_BYTES + 1))
    found = blocks.find(png(chunk(b"zTXt", b"Raw profile type xmp\0\0" + bomb)))
    assert found.xmp == b""
    assert found.lost == ("metadata",)


def test_only_the_first_text_of_a_kind_is_inflated() -> None:
    first = b"Raw profile type xmp\0\0" + zlib.compress(b"\nxmp\n4\n" + b"<a/>".hex().encode())
    second = b"Raw profile type xmp\0\0not compressed"
    found = blocks.find(png(chunk(b"zTXt", first), chunk(b"zTXt", second)))
    assert (found.xmp, found.lost) == (b"<a/>", ())


def test_a_png_of_nothing_but_chunk_heads_is_not_walked_to_its_end() -> None:
    with pytest.raises(CorruptInput, match="chunks"):
        list(containers.chunks(png(chunk(b"IDAT", b"") * 5_000)))


def test_a_png_without_its_end_is_corrupt() -> None:
    whole = png(chunk(b"tEXt", b"a\0b"))
    data = whole.read(0, whole.size)
    with pytest.raises(CorruptInput):
        list(containers.chunks(Held(data[:-5])))


def test_a_file_that_is_no_picture_has_no_metadata() -> None:
    assert blocks.find(Held(b"plain text, and some more")) == blocks.Blocks()


def test_a_tiff_block_that_is_too_long_is_lost() -> None:
    huge = struct.pack("<2sHIHHHII", b"II", 42, 8, 1, 700, 1, METADATA_BYTES + 1, 8) + bytes(4)
    assert blocks.find(Held(huge)).lost == ("XMP",)
