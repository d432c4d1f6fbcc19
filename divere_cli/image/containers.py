"""The building blocks of picture files: JPEG segments, PNG and WebP chunks, ISO boxes.

Covers walking over their heads by bounded reads, with limits for hostile files. Not covered: their
content, and TIFF (:mod:`divere_cli.image.ifd.reader`).
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterator

from divere_cli.errors import CorruptInput
from divere_cli.image.source import Source

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PARTS = 4096
# of JPEG; they stand alone, without a length
_BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MOST_STRAY = 1 << 16
_WEBP_HEAD = 12  # RIFF, size, WEBP
# libpng's chunks hold 8192 bytes
_SMALLEST_MEAN = 512


class Held(Source):
    """Bytes in memory with the interface of a source."""

    def __init__(self, data: bytes) -> None:
        self._fd = -1
        self._data = data
        self.size = len(data)

    def read_into(self, offset: int, view: memoryview, name: str = "the file") -> None:
        self.inside(offset, len(view), name)
        view[:] = self._data[offset : offset + len(view)]


def segments(
    source: Source, base: int = 0, stray: list[int] | None = None
) -> Iterator[tuple[int, int, int]]:
    """Walk a JPEG's marker segments up to its first scan, or to its end.

    Stray bytes between segments are skipped, as libjpeg does; their offsets are added to
    ``stray``.

    Parameters
    ----------
    source : Source
        The open file.
    base : int, default 0
        Offset of the JPEG in the file.
    stray : list of int, optional
        Takes the offsets of stray bytes.

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
        mark, marker = source.read(at, 2, "a JPEG marker")
        if mark != 0xFF or marker == 0:
            if stray is not None:
                stray.append(at)
            at = _behind_stray(source, at)
            continue
        if marker == 0xFF or marker in _BARE_MARKERS:
            at += 1 if marker == 0xFF else 2  # 0xFF is a fill byte
            continue
        if marker == _END_OF_IMAGE:
            return
        (length,) = struct.unpack(">H", source.read(at + 2, 2, "a JPEG segment"))
        if length < 2:
            raise CorruptInput(f"the JPEG segment at byte {at} has no length")
        source.inside(at, length + 2, "a JPEG segment")
        yield marker, at + 4, length - 2
        if marker == _START_OF_SCAN:
            return
        at += 2 + length
    raise CorruptInput(f"the JPEG header has more than {_MOST_PARTS} segments")


def _behind_stray(source: Source, at: int) -> int:
    """Return the next marker after bytes that belong to no segment."""
    data = source.read(at, min(_MOST_STRAY, source.size - at), "a JPEG marker")
    match = _MARKER.search(data)
    if match is None:
        raise CorruptInput(f"no JPEG marker at byte {at}")
    return at + match.start()


def chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Walk a PNG's chunks, reading only their headers.

    Parameters
    ----------
    source : Source
        The open file.

    Yields
    ------
    tuple of bytes, int and int
        Name, offset and length of the data, including all ``IDAT``.

    Raises
    ------
    CorruptInput
        When a chunk ends after the end of the file or ``IEND`` is missing.
    """
    at = len(PNG_SIGNATURE)
    for count in itertools.count():
        if count > _MOST_PARTS and at < count * _SMALLEST_MEAN:
            raise CorruptInput(f"the PNG is split into {count} nearly empty chunks")
        length, name = struct.unpack(">I4s", source.read(at, 8, "a PNG chunk"))
        source.inside(at, length + 12, f"the PNG chunk {name.decode('latin-1')}")
        yield name, at + 8, length
        if name == b"IEND":
            return
        at += 12 + length


def webp_chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks of a WebP, reading only their headers.

    Parameters
    ----------
    source : Source
        The open file.

    Yields
    ------
    tuple of bytes, int and int
        Name, offset and length of the data.

    Raises
    ------
    CorruptInput
        When a chunk ends after the end of the file, or there are too many.
    """
    at = _WEBP_HEAD
    for _ in range(_MOST_PARTS):
        if at + 8 > source.size:
            return
        name, length = struct.unpack("<4sI", source.read(at, 8, "a WebP chunk"))
        source.inside(at + 8, length, "a WebP chunk")
        yield name, at + 8, length
        at += 8 + length + length % 2
    raise CorruptInput(f"more than {_MOST_PARTS} WebP chunks")


def boxes(source: Source, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk the boxes of an ISO base media file between two offsets.

    Parameters
    ----------
    source : Source
        The open file.
    start : int
        Offset of the first box.
    end : int
        Offset behind the last one.

    Yields
    ------
    tuple of bytes, int and int
        Kind, and the start and end of its content.

    Raises
    ------
    CorruptInput
        When a box ends after ``end`` or has no size.
    """
    for _ in range(_MOST_PARTS):
        if start >= end:
            return
        size, kind = struct.unpack(">I4s", source.read(start, 8, "a box"))
        head = 8
        if size == 1:
            (size,) = struct.unpack(">Q", source.read(start + 8, 8, "a box"))
            head = 16
        size = size or end - start
        if size < head or start + size > end:
            raise CorruptInput(
                f"the box {kind.decode('latin-1')!r} at byte {start} ends after the end of the file"
            )
        yield kind, start + head, start + size
        start += size
    raise CorruptInput(f"more than {_MOST_PARTS} boxes")
