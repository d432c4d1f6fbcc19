"""Reads text chunks of PNG, and converts its standard keywords to Exif.

Covers the three kinds of text chunks, inflated up to a limit, and the
keywords for author, copyright, device and date: a PNG without Exif has no other
place for them. Not covered: Exif, XMP and IPTC stored in texts (:mod:`.blocks`).

Source: PNG specification, third edition (W3C, 2025), section 11.3.3.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime

from divere_cli.image.ifd.writer import ASCII, Entry
from divere_cli.image.limits import METADATA_BYTES
from divere_cli.image.metadata.exif_block import build

LONGEST = 64 << 10
NAMES = (b"tEXt", b"zTXt", b"iTXt")
_DATE = b"Creation Time"
_DATE_TAKEN = 0x9003
# keywords of exiftool first, then those of the specification
_CODES = {
    b"Title": 269,
    b"Description": 270,
    b"Make": 271,
    b"Model": 272,
    b"Source": 272,
    b"Software": 305,
    b"Artist": 315,
    b"Author": 315,
    b"Copyright": 33432,
}
KEYWORDS = frozenset({*_CODES, _DATE})


def value(name: bytes, data: bytes) -> bytes:
    """Return the text of a chunk, not decoded.

    Parameters
    ----------
    name : bytes
        Type of the chunk: ``tEXt``, ``zTXt`` or ``iTXt``.
    data : bytes
        Its data behind the keyword.

    Raises
    ------
    ValueError, zlib.error
        It is damaged or larger than any metadata.
    """
    _, _, content = data.partition(b"\0")
    if name == b"tEXt":
        return content
    if name == b"zTXt":
        return _inflated(content[1:])
    packed, text = content[:1] == b"\1", content[2:].split(b"\0", 2)[-1]
    return _inflated(text) if packed else text


def as_exif(texts: Mapping[bytes, bytes]) -> bytes:
    """Build an Exif block from texts; empty if no keyword is known.

    Parameters
    ----------
    texts : Mapping[bytes, bytes]
        Texts by keyword.
    """
    by_code: dict[int, bytes] = {}
    for keyword, code in _CODES.items():
        if texts.get(keyword):
            by_code.setdefault(code, texts[keyword])
    date = _exif_date(texts.get(_DATE, b"").decode("latin-1").strip())
    dates = [Entry(_DATE_TAKEN, ASCII, date.encode() + b"\0")] if date else []
    if not (by_code or dates):
        return b""
    return build([Entry(code, ASCII, text + b"\0") for code, text in by_code.items()], dates, [])


def _exif_date(text: str) -> str:
    """Convert a date of ISO 8601, RFC 1123 or Exif to Exif's form; empty if it is none."""
    from email.utils import parsedate_to_datetime

    for parse in (datetime.fromisoformat, parsedate_to_datetime, _from_exif):
        try:
            return f"{parse(text):%Y:%m:%d %H:%M:%S}"
        except ValueError:
            continue
    return ""


def _from_exif(text: str) -> datetime:
    return datetime.strptime(text, "%Y:%m:%d %H:%M:%S")


def _inflated(data: bytes) -> bytes:
    """Inflate up to the limit, to stop deflate bombs."""
    machine = zlib.decompressobj()
    text = machine.decompress(data, METADATA_BYTES)
    if machine.unconsumed_tail:
        raise ValueError("compressed text is larger than any metadata")
    return text
