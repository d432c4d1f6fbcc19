"""Finds the ICC profile that is embedded in a picture, whatever the container.

Covers TIFF (a tag), JPEG (pieces in APP2), PNG (iCCP), JPEG 2000 and AVIF (boxes) and WebP (a
chunk), by bounded reads. Not covered: the profile of a JPEG XL, which is compressed in the
codestream, and what a profile says (:mod:`divere_cli.image.trc`).

Source: ICC.1:2010 annex B; PNG specification section 11.3.2.3; ISO/IEC 15444-1 annex I.5.3;
ISO/IEC 14496-12 section 12.1.5; the WebP container specification.
"""

from __future__ import annotations

import zlib

from divere_cli.errors import CorruptInput
from divere_cli.image import containers
from divere_cli.image.layout import Header
from divere_cli.image.source import Source

MOST_BYTES = 8 << 20
_START = b"ICC_PROFILE\0"
_APP2 = 0xE2


def read(source: Source, header: Header) -> bytes:
    """Return the embedded ICC profile of a picture; empty if it has none.

    Parameters
    ----------
    source : Source
        The open file.
    header : Header
        The header of the picture.

    Returns
    -------
    bytes
        At most ``MOST_BYTES``.

    Raises
    ------
    CorruptInput
        The profile cannot be unpacked, or a piece of it is missing.
    """
    if header.icc is not None:
        offset, size = header.icc
        return source.read(offset, min(size, MOST_BYTES), "the ICC profile")
    readers = {"png": _in_png, "jpeg": _in_jpeg, "jp2": _in_jp2, "webp": _in_webp}
    find = readers.get(header.format)
    return find(source) if find else b""


def _in_png(source: Source) -> bytes:
    for name, offset, length in containers.chunks(source):
        if name == b"IDAT":
            break
        if name == b"iCCP":
            packed = source.read(offset, min(length, MOST_BYTES)).partition(b"\0")[2][1:]
            try:
                return zlib.decompressobj().decompress(packed, MOST_BYTES)
            except zlib.error as error:
                raise CorruptInput("the ICC profile cannot be unpacked") from error
    return b""


def _in_jpeg(source: Source) -> bytes:
    pieces: dict[int, bytes] = {}
    count = 0
    for marker, offset, length in containers.segments(source, stray=[]):
        if marker != _APP2 or length < len(_START) + 2:
            continue
        if source.read(offset, len(_START)) == _START:
            number, count = source.read(offset + len(_START), 2)
            skip = len(_START) + 2
            pieces.setdefault(number, source.read(offset + skip, length - skip))
    if pieces and sorted(pieces) != list(range(1, count + 1)):
        raise CorruptInput(f"{len(pieces)} of {count} pieces of the ICC profile are there")
    return b"".join(pieces[number] for number in sorted(pieces))


def _in_jp2(source: Source) -> bytes:
    if source.read(0, 4) != b"\0\0\0\x0c":
        return b""  # a bare codestream
    for kind, start, end in containers.boxes(source, 0, source.size):
        if kind == b"jp2h":
            for inner, at, stop in containers.boxes(source, start, end):
                if inner == b"colr" and source.read(at, 1) in (b"\x02", b"\x03"):
                    return source.read(at + 3, min(stop - at - 3, MOST_BYTES))
            break
    return b""


def _in_webp(source: Source) -> bytes:
    for name, offset, length in containers.webp_chunks(source):
        if name == b"ICCP":
            return source.read(offset, min(length, MOST_BYTES))
    return b""
