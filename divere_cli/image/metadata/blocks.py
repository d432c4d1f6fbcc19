"""Finds Exif, XMP and IPTC in a file: TIFF-like files, JPEG, PNG, RAF and CR3.

Covers finding the three blocks by bounded reads, whatever the container. Not covered: their
content (:mod:`.carried`). Of a damaged container, the blocks before the damage are returned; the
reader checks whether the picture is complete.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from divere_cli.errors import CorruptInput
from divere_cli.image.containers import PNG_SIGNATURE, Held, boxes, chunks, segments
from divere_cli.image.ifd.reader import HEADS, Directory, Tiff, parse
from divere_cli.image.limits import METADATA_BYTES
from divere_cli.image.metadata import png_texts
from divere_cli.image.metadata.exif_block import EXIF_IFD, GPS_IFD
from divere_cli.image.source import Source

_XMP_TAG, _IPTC_TAG = 700, 33723
EXIF_START = b"Exif\0\0"
_XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP_START = b"Photoshop 3.0\0"
_PNG_XMP = b"XML:com.adobe.xmp"
_PNG_RAW = b"Raw profile type "
_RAF_SIGNATURE = b"FUJIFILMCCD-RAW "
_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
IFD0 = 0
_CANON_PARTS = {b"CMT1": IFD0, b"CMT2": EXIF_IFD, b"CMT4": GPS_IFD}
# Olympus and Panasonic: TIFF with another magic number.
_OTHER_HEADS = {b"IIRO": "<", b"IIRS": "<", b"MMOR": ">", b"IIU\0": "<"}


@dataclass(frozen=True, slots=True)
class Part:
    """One directory of Exif, to be read while its source is open."""

    tiff: Tiff
    directory: Directory


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks: Exif by parts (``IFD0``, ``EXIF_IFD``, ``GPS_IFD``), XMP and IPTC.

    ``spoken``: Exif was built from the texts of a PNG.
    """

    exif: Mapping[int, Part] = field(default_factory=dict)
    xmp: bytes = b""
    iptc: bytes = b""
    lost: tuple[str, ...] = field(default=())
    spoken: bool = False


def find(source: Source) -> Blocks:
    """Find the metadata blocks of a file by its first bytes.

    Parameters
    ----------
    source : Source
        The open file.

    Raises
    ------
    Unreadable
        When the device fails.
    """
    try:
        head = source.read(0, min(16, source.size))
        if head.startswith(b"\xff\xd8"):
            return _in_jpeg(source, 0)
        if head.startswith(PNG_SIGNATURE):
            return _in_png(source)
        if head == _RAF_SIGNATURE:
            (preview,) = struct.unpack(">I", source.read(84, 4))
            return _in_jpeg(source, preview)
        if head[4:12] == b"ftypcrx ":
            return _in_cr3(source)
        return _in_tiff(source, 0)
    except CorruptInput:
        return Blocks(lost=("metadata",))


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
    blocks = _parts(tiff, directory)
    for code, name in ((_XMP_TAG, "xmp"), (_IPTC_TAG, "iptc")):
        tag = directory.entries.get(code)
        if tag is None:
            continue
        size = tag.count * (4 if tag.kind == 4 else 1)  # IPTC is often typed LONG
        if tag.kind not in (1, 2, 4, 7) or size > METADATA_BYTES:
            blocks = replace(blocks, lost=(*blocks.lost, name.upper()))
            continue
        try:
            data = source.read(tag.offset, size)
        except CorruptInput:
            blocks = replace(blocks, lost=(*blocks.lost, name.upper()))
            continue
        blocks = replace(blocks, xmp=data) if name == "xmp" else replace(blocks, iptc=data)
    return blocks


def _parts(tiff: Tiff, ifd0: Directory) -> Blocks:
    """Follow the pointers of IFD0; a part that cannot be read does not affect the others."""
    parts, lost = {IFD0: Part(tiff, ifd0)}, []
    for pointer, name in ((EXIF_IFD, "Exif"), (GPS_IFD, "GPS")):
        tag = ifd0.entries.get(pointer)
        if tag is None:
            continue
        try:
            parts[pointer] = Part(tiff, tiff.directory(int(tiff.values(tag, 1)[0])))
        except (CorruptInput, IndexError):
            lost.append(name)
    return Blocks(exif=parts, lost=tuple(lost))


def _with_exif(blocks: Blocks, exif_blocks: Blocks) -> Blocks:
    return replace(blocks, exif=exif_blocks.exif, lost=(*blocks.lost, *exif_blocks.lost))


def _in_cr3(source: Source) -> Blocks:
    """Read Canon's CR3: a TIFF for each part, in boxes of an ISO base media file."""
    blocks = Blocks()
    parts: dict[int, Part] = {}
    for kind, start, end in boxes(source, 0, source.size):
        if kind == b"uuid" and source.read(start, 16) == _XMP_UUID:
            size = min(end - start - 16, METADATA_BYTES)
            blocks = replace(blocks, xmp=source.read(start + 16, size))
        if kind != b"moov":
            continue
        for inner, at, stop in boxes(source, start, end):
            if inner == b"uuid" and source.read(at, 16) == _CANON_UUID:
                for name, offset, _ in boxes(source, at + 16, stop):
                    if name in _CANON_PARTS:
                        tiff = parse(source, offset)
                        parts[_CANON_PARTS[name]] = Part(tiff, tiff.directory(tiff.first))
    return replace(blocks, exif=parts)


def _in_jpeg(source: Source, base: int) -> Blocks:
    blocks = Blocks()
    try:
        for marker, offset, length in segments(source, base):
            data = source.read(offset, length) if marker in (0xE1, 0xED) else b""
            if data.startswith(EXIF_START) and not blocks.exif:
                blocks = _with_exif(blocks, _in_tiff(source, offset + len(EXIF_START)))
            elif data.startswith(_XMP_START) and not blocks.xmp:
                blocks = replace(blocks, xmp=data[len(_XMP_START) :])
            elif marker == 0xED and not blocks.iptc:
                blocks = replace(blocks, iptc=_photoshop_iptc(data))
    except CorruptInput:
        return replace(blocks, lost=(*blocks.lost, "metadata"))
    return blocks


def _photoshop_iptc(data: bytes) -> bytes:
    """Return the IPTC records in Photoshop's image resources (8BIM 0x0404)."""
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
    blocks = Blocks()
    texts: dict[bytes, bytes] = {}
    try:
        for name, offset, length in chunks(source):
            if name == b"eXIf":
                blocks = _with_exif(blocks, _in_tiff(source, offset))
            if name not in png_texts.NAMES:
                continue
            keyword = source.read(offset, min(length, 80)).partition(b"\0")[0]
            if keyword in texts or not _is_metadata(keyword):
                continue
            texts[keyword] = b""
            if length > METADATA_BYTES:
                blocks = replace(blocks, lost=(*blocks.lost, "text"))
                continue
            value = png_texts.value(name, source.read(offset, length))
            if keyword in png_texts.KEYWORDS:
                texts[keyword] = value[: png_texts.LONGEST]
            blocks = _with_text(blocks, keyword, value)
    except (CorruptInput, zlib.error, ValueError):
        blocks = replace(blocks, lost=(*blocks.lost, "metadata"))
    spoken = b"" if blocks.exif else png_texts.as_exif(texts)
    return replace(_with_exif(blocks, _in_tiff(Held(spoken), 0)), spoken=True) if spoken else blocks


def _is_metadata(keyword: bytes) -> bool:
    return keyword in png_texts.KEYWORDS or keyword.startswith((_PNG_XMP, _PNG_RAW))


def _with_text(blocks: Blocks, keyword: bytes, value: bytes) -> Blocks:
    """Add XMP, or a block that ImageMagick or exiv2 stored as a raw profile."""
    if keyword == _PNG_XMP:
        return replace(blocks, xmp=value)
    if not keyword.startswith(_PNG_RAW):
        return blocks
    lines = value.split(b"\n", 3)  # empty, type, length, hexadecimal digits
    if len(lines) < 4:
        return blocks
    block = bytes.fromhex(lines[3].decode("ascii"))
    kind = keyword.removeprefix(_PNG_RAW)
    if kind == b"iptc":
        return replace(blocks, iptc=_photoshop_iptc(_PHOTOSHOP_START + block) or block)
    if kind == b"xmp":
        return replace(blocks, xmp=block)
    if kind in (b"exif", b"APP1") and block.startswith(EXIF_START) and not blocks.exif:
        return _with_exif(blocks, _in_tiff(Held(block), len(EXIF_START)))
    return blocks
