"""Checks without a decoder whether a file can be a complete scan.

Covers a TIFF's segments (each inside the file, none of length 0), a PNG's end chunk, a JPEG's
end marker. Any other file is complete when its header can be read. Not covered: whether the
pixels are right.
"""

from __future__ import annotations

import struct

from divere_cli.errors import DivereError
from divere_cli.image import header as headers
from divere_cli.image.layout import Header, Tag
from divere_cli.image.source import Source

_KINDS = {3: "H", 4: "I", 16: "Q"}
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_TAIL = 1 << 16


def is_complete(path: str) -> bool:
    """Return whether nothing is missing from the file, as far as its format can tell.

    A file that is no scan is not complete either: after a while it is graded as it is
    (:mod:`divere_cli.service.settling`), and the batch reports the error.

    Parameters
    ----------
    path : str
        Path of the file.
    """
    try:
        header = headers.read(path)
        with Source(path) as source:
            if header.format == "tiff":
                return _tiff(source, header)
            if header.format == "png":
                return source.read(source.size - 12, 12) == _PNG_END
            if header.format == "jpeg":
                size = min(_TAIL, source.size)
                return source.read(source.size - size, size).rstrip(b"\0").endswith(_JPEG_END)
    except (DivereError, OSError, struct.error):
        return False
    return True


def _tiff(source: Source, header: Header) -> bool:
    for page in (header.page, header.infrared_page):
        if page is None or page.offsets is None or page.counts is None:
            continue
        offsets = _values(source, page.offsets, header.big_endian)
        counts = _values(source, page.counts, header.big_endian)
        if len(offsets) != len(counts):
            return False
        for offset, count in zip(offsets, counts, strict=True):
            if not count or not offset or offset + count > source.size:
                return False
    return True


def _values(source: Source, tag: Tag, big_endian: bool) -> tuple[int, ...]:
    kind = _KINDS[tag.kind]
    data = source.read(tag.offset, tag.count * struct.calcsize(kind))
    return struct.unpack(f"{'>' if big_endian else '<'}{tag.count}{kind}", data)
