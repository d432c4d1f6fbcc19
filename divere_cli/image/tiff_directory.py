"""Build a TIFF directory: entries, sub-directories, and what an Exif block brings along.

Covers the bytes of classic and BigTIFF directories in this machine's byte
order. What the entries of a positive are is for
:mod:`divere_cli.image.tiff_writer`.

Source: TIFF 6.0 section 2; Exif 2.32 section 4.6.3.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from divere_cli.image.containers import Held
from divere_cli.image.tiff_tags import Tiff, letter_of, parse, size_of

ORDER = "<" if sys.byteorder == "little" else ">"
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
EXIF, GPS = 34665, 34853
_LETTERS = {SHORT: "H", LONG: "I", LONG8: "Q"}
# of the block's own picture, or written by us
_NOT_CARRIED = frozenset({
    254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296,
    305, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347, 513, 514, 529, 530, 531, 532,
    700, 33723, 34377, 34675, 50341, EXIF, GPS,
})  # fmt: skip
_INTEROPERABILITY = 40965
_MAKER_NOTE = 37500
_MAX_VALUE = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry to be written; ``data`` in this machine's byte order."""

    kind: int
    count: int
    data: bytes


Entries = dict[int, Entry]


def numbers(kind: int, values: Iterable[int]) -> Entry:
    """Make an entry of SHORT, LONG or LONG8 numbers."""
    flat = tuple(values)
    return Entry(kind, len(flat), struct.pack(f"{ORDER}{len(flat)}{_LETTERS[kind]}", *flat))


def rational(value: float) -> Entry:
    """Make an entry of one positive RATIONAL."""
    close = Fraction(value).limit_denominator(10_000)
    return Entry(RATIONAL, 1, struct.pack(ORDER + "II", close.numerator, close.denominator))


def text(value: str) -> Entry:
    """Make an ASCII entry (UTF-8, as Exif readers expect, ends with NUL)."""
    data = value.encode("utf-8", "replace") + b"\0"
    return Entry(ASCII, len(data), data)


def blob(kind: int, data: bytes) -> Entry:
    """Make an entry of BYTE or UNDEFINED."""
    return Entry(kind, len(data), data)


def from_exif(block: bytes) -> tuple[Entries, dict[int, Entries]]:
    """Take the entries of an Exif block that go into a picture's own directory.

    Parameters
    ----------
    block : bytes
        A small TIFF, as in :class:`divere_cli.image.layout.PictureMetadata`.

    Returns
    -------
    Entries
        Of the main directory, without what describes the block's own picture.
    dict of Entries
        The Exif and GPS sub-directories by their tag.

    Raises
    ------
    CorruptInput
    """
    if not block:
        return {}, {}
    tiff = parse(Held(block))
    main = tiff.directory(tiff.first)
    subs: dict[int, Entries] = {}
    for code in (EXIF, GPS):
        if code in main.entries:
            offset = int(tiff.values(main.entries[code], 1)[0])
            subs[code] = _copied(tiff, offset, frozenset([_INTEROPERABILITY, _MAKER_NOTE]))
    return _copied(tiff, tiff.first, _NOT_CARRIED), subs


def _copied(tiff: Tiff, offset: int, without: frozenset[int]) -> Entries:
    entries: Entries = {}
    for code, tag in tiff.directory(offset).entries.items():
        if code in without or size_of(tag) > _MAX_VALUE:
            continue
        data = tiff.source.read(tag.offset, size_of(tag), f"TIFF tag {code}")
        letter = letter_of(tag)
        if letter not in "sBb" and tiff.order != ORDER:
            count = len(data) // struct.calcsize("=" + letter)
            values = struct.unpack(f"{tiff.order}{count}{letter}", data)
            data = struct.pack(f"{ORDER}{count}{letter}", *values)
        entries[code] = Entry(tag.kind, tag.count, data)
    return entries


def lay_out(entries: Entries, subs: dict[int, Entries], at: int, big: bool) -> tuple[bytes, int]:
    """Lay out a directory with its values and sub-directories.

    Parameters
    ----------
    entries : Entries
    subs : dict of Entries
        Sub-directories by the tag that points to them.
    at : int
        Where in the file the bytes will stand; even.
    big : bool
        BigTIFF.

    Returns
    -------
    bytes
    int
        Where in the file the directory starts.
    """
    made = b""
    pointers = dict(entries)
    for code, sub in subs.items():
        if sub:
            part, start = lay_out(sub, {}, at + len(made), big)
            made += part
            pointers[code] = numbers(LONG8 if big else LONG, [start])
    values, table = _values(pointers, at + len(made), big)
    made += values
    count = struct.pack(ORDER + ("Q" if big else "H"), len(pointers))
    end = struct.pack(ORDER + ("Q" if big else "I"), 0)
    return made + count + table + end, at + len(made)


def _values(entries: Entries, at: int, big: bool) -> tuple[bytes, bytes]:
    """Values that do not fit into an entry, padded to even places, and the entries."""
    word, head = (8, "HHQ") if big else (4, "HHI")
    values, table = b"", b""
    for code, entry in sorted(entries.items()):
        place = entry.data.ljust(word, b"\0")
        if len(entry.data) > word:
            place = struct.pack(ORDER + ("Q" if big else "I"), at + len(values))
            values += entry.data + b"\0" * (len(entry.data) % 2)
        table += struct.pack(ORDER + head, code, entry.kind, entry.count) + place
    return values, table
