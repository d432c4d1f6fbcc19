"""Where a file keeps its Exif, XMP and IPTC: TIFF-like files, JPEG, PNG and RAF.

What it covers: finding the three blocks by bounded reads, whatever the
container; compressed PNG text is inflated up to a limit. What it does not:
what is in them (``metadata``). A damaged container gives what was found before
the damage; whether the picture is whole is for its reader to say.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from divere_cli.errors import CorruptInput
from divere_cli.image.source import Source
from divere_cli.image.tiff_tags import HEADS, Directory, Tiff, parse

BLOCK_LIMIT = 4 << 20
_XMP_TAG, _IPTC_TAG = 700, 33723
EXIF_START = b"Exif\0\0"
_XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP_START = b"Photoshop 3.0\0"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp"
_PNG_RAW = b"Raw profile type "
_RAF_SIGNATURE = b"FUJIFILMCCD-RAW "
_MOST_PARTS = 4096
# libpng's chunks hold 8192 bytes
_SMALLEST_MEAN = 512
# Olympus and Panasonic: TIFF in all but the magic number.
_OTHER_HEADS = {b"IIRO": "<", b"IIRS": "<", b"MMOR": ">", b"IIU\0": "<"}


@dataclass(frozen=True, slots=True)
class Blocks:
    """What was found: Exif as a TIFF structure that can be read while the source is open."""

    exif: Tiff | None = None
    directory: Directory | None = None
    xmp: bytes = b""
    iptc: bytes = b""
    lost: tuple[str, ...] = field(default=())


class Held(Source):
    """Bytes in memory, read as a source."""

    def __init__(self, data: bytes) -> None:
        self._fd = -1
        self._data = data
        self.size = len(data)

    def read_into(self, offset: int, view: memoryview, what: str = "the file") -> None:
        self.inside(offset, len(view), what)
        view[:] = self._data[offset : offset + len(view)]


def find(source: Source) -> Blocks:
    """Find the metadata blocks of a file by what it starts with.

    Raises
    ------
    Unreadable
        When the device fails.
    """
    try:
        head = source.read(0, min(16, source.size))
        if head.startswith(b"\xff\xd8"):
            return _in_jpeg(source, 0)
        if head.startswith(_PNG_SIGNATURE):
            return _in_png(source)
        if head == _RAF_SIGNATURE:
            (preview,) = struct.unpack(">I", source.read(84, 4))
            return _in_jpeg(source, preview)
        return _in_tiff(source, 0)
    except CorruptInput:
        return Blocks(lost=("metadata",))


def segments(source: Source, base: int = 0) -> Iterator[tuple[int, int, int]]:
    """Walk a JPEG's marker segments up to its first scan.

    Yields
    ------
    tuple of int
        Marker (0xC0..0xFE), offset and bytes of its payload.

    Raises
    ------
    CorruptInput
        When a segment ends after the end of the file or a marker is missing.
    """
    at = base + 2
    for _ in range(_MOST_PARTS):
        mark, marker, length = struct.unpack(">BBH", source.read(at, 4, "the JPEG header"))
        if mark != 0xFF:
            raise CorruptInput(f"no JPEG marker at byte {at}")
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if length < 2:
            raise CorruptInput(f"the JPEG segment at byte {at} has no length")
        source.inside(at, length + 2, "a JPEG segment")
        yield marker, at + 4, length - 2
        if marker == 0xDA:
            return
        at += 2 + length
    raise CorruptInput(f"the JPEG header has more than {_MOST_PARTS} segments")


def chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Walk a PNG's chunks by their headers alone.

    Yields
    ------
    tuple of bytes, int and int
        Name, offset and bytes of the data; all ``IDAT`` are there too.

    Raises
    ------
    CorruptInput
        When a chunk ends after the end of the file or ``IEND`` is missing.
    """
    at = len(_PNG_SIGNATURE)
    for count in itertools.count():
        if count > _MOST_PARTS and at < count * _SMALLEST_MEAN:
            raise CorruptInput(f"the PNG is cut into {count} chunks of next to nothing")
        length, name = struct.unpack(">I4s", source.read(at, 8, "a PNG chunk"))
        source.inside(at, length + 12, f"the PNG chunk {name.decode('latin-1')}")
        yield name, at + 8, length
        if name == b"IEND":
            return
        at += 12 + length


def _in_tiff(source: Source, base: int) -> Blocks:
    head = source.read(base, 8, "the TIFF head")
    if head[:4] in HEADS:
        tiff = parse(source, base)
    elif head[:4] in _OTHER_HEADS:
        order = _OTHER_HEADS[head[:4]]
        (first,) = struct.unpack(order + "I", head[4:])
        tiff = Tiff(source=source, order=order, big=False, first=first, base=base)
    else:
        return Blocks()
    directory = tiff.directory(tiff.first)
    found = Blocks(exif=tiff, directory=directory)
    for code, name in ((_XMP_TAG, "xmp"), (_IPTC_TAG, "iptc")):
        tag = directory.entries.get(code)
        if tag is None:
            continue
        size = tag.count * (4 if tag.kind == 4 else 1)  # IPTC is often typed LONG
        if tag.kind not in (1, 2, 4, 7) or size > BLOCK_LIMIT:
            found = replace(found, lost=(*found.lost, name.upper()))
            continue
        try:
            data = source.read(tag.offset, size)
        except CorruptInput:
            found = replace(found, lost=(*found.lost, name.upper()))
            continue
        found = replace(found, xmp=data) if name == "xmp" else replace(found, iptc=data)
    return found


def _in_jpeg(source: Source, base: int) -> Blocks:
    found = Blocks()
    try:
        for marker, offset, length in segments(source, base):
            data = source.read(offset, length) if marker in (0xE1, 0xED) else b""
            if data.startswith(EXIF_START) and not found.exif:
                exif = _in_tiff(source, offset + len(EXIF_START))
                found = replace(found, exif=exif.exif, directory=exif.directory)
            elif data.startswith(_XMP_START) and not found.xmp:
                found = replace(found, xmp=data[len(_XMP_START) :])
            elif marker == 0xED and not found.iptc:
                found = replace(found, iptc=_photoshop_iptc(data))
    except CorruptInput:
        return replace(found, lost=(*found.lost, "metadata"))
    return found


def _photoshop_iptc(data: bytes) -> bytes:
    """The IPTC records among Photoshop's image resources (8BIM 0x0404)."""
    at = len(_PHOTOSHOP_START)
    if not data.startswith(_PHOTOSHOP_START):
        return b""
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (kind,) = struct.unpack_from(">H", data, at + 4)
        name = 1 + data[at + 6]
        start = at + 6 + name + name % 2 + 4
        if start > len(data):
            break
        (size,) = struct.unpack_from(">I", data, start - 4)
        if kind == 0x0404:
            return data[start : start + size]
        at = start + size + size % 2
    return b""


def _in_png(source: Source) -> Blocks:
    found = Blocks()
    seen = set()
    try:
        for name, offset, length in chunks(source):
            if name == b"eXIf":
                exif = _in_tiff(source, offset)
                found = replace(found, exif=exif.exif, directory=exif.directory)
            if name not in (b"iTXt", b"zTXt", b"tEXt"):
                continue
            keyword = source.read(offset, min(length, 80)).partition(b"\0")[0]
            if keyword in seen or not keyword.startswith((_PNG_XMP, _PNG_RAW)):
                continue
            seen.add(keyword)
            if length > BLOCK_LIMIT:
                found = replace(found, lost=(*found.lost, "text"))
                continue
            found = _with_text(found, name, source.read(offset, length))
    except (CorruptInput, zlib.error, ValueError):
        return replace(found, lost=(*found.lost, "metadata"))
    return found


def _with_text(found: Blocks, name: bytes, data: bytes) -> Blocks:
    """Take XMP, or a block that ImageMagick or exiv2 stored as a raw profile."""
    keyword, _, rest = data.partition(b"\0")
    if keyword == _PNG_XMP:
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
        return replace(found, xmp=_inflated(rest) if packed else rest)
    value = rest if name == b"tEXt" else _inflated(rest[1:])
    lines = value.split(b"\n", 3)  # empty, type, length, hexadecimal digits
    if len(lines) < 4:
        return found
    block = bytes.fromhex(lines[3].decode("ascii"))
    kind = keyword.removeprefix(_PNG_RAW)
    if kind == b"iptc":
        return replace(found, iptc=_photoshop_iptc(_PHOTOSHOP_START + block) or block)
    if kind == b"xmp":
        return replace(found, xmp=block)
    if kind in (b"exif", b"APP1") and block.startswith(EXIF_START) and not found.exif:
        exif = _in_tiff(Held(block), len(EXIF_START))
        return replace(found, exif=exif.exif, directory=exif.directory)
    return found


def _inflated(data: bytes) -> bytes:
    """Inflate up to the limit; a bomb is no metadata."""
    machine = zlib.decompressobj()
    value = machine.decompress(data, BLOCK_LIMIT)
    if machine.unconsumed_tail:
        raise ValueError("compressed text is larger than any metadata")
    return value
