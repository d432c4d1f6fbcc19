"""Builds TIFF directories: new entries, or entries copied from any TIFF-like file.

Covers raw values of chosen tags with bounds on each, and laying out classic and
BigTIFF directories with their sub-directories, in this machine's byte order.
What a tag means is for others: :mod:`divere_cli.image.metadata.carried` and
:mod:`divere_cli.image.tiff.writer` choose.

Source: TIFF 6.0 section 2.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.reader import Directory, Tiff, letter_of, size_of, unit_of

ORDER = "<" if sys.byteorder == "little" else ">"
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
EXIF_KINDS = range(1, 13)


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag with its values; ``data`` is in this machine's byte order."""

    code: int
    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.data) // unit_of(self.kind)


def numbers(code: int, kind: int, values: Iterable[int]) -> Entry:
    """Return an entry of SHORT, LONG or LONG8 numbers.

    Parameters
    ----------
    code : int
        Number of the tag.
    kind : int
        Number of the TIFF type.
    values : iterable of int
        The numbers.
    """
    flat = tuple(values)
    return Entry(code, kind, struct.pack(f"{ORDER}{len(flat)}{letter_of(kind)}", *flat))


def rational(code: int, value: float) -> Entry:
    """Return an entry of one positive RATIONAL.

    Parameters
    ----------
    code : int
        Number of the tag.
    value : float
        The number.
    """
    close = Fraction(value).limit_denominator(10_000)
    return Entry(code, RATIONAL, struct.pack(ORDER + "II", close.numerator, close.denominator))


def text(code: int, value: str) -> Entry:
    """Return an ASCII entry, in UTF-8 where ASCII is not enough, as Exif readers expect it.

    Parameters
    ----------
    code : int
        Number of the tag.
    value : str
        The text.
    """
    return Entry(code, ASCII, value.encode("utf-8", "replace") + b"\0")


def pick(
    tiff: Tiff, directory: Directory, limits: Mapping[int, int]
) -> tuple[list[Entry], list[int]]:
    """Copy entries from a directory.

    Parameters
    ----------
    tiff : Tiff
        The structure that the directory is part of.
    directory : Directory
        Where to look. Types that Exif does not know count as left out.
    limits : mapping of int to int
        Tag code to the most bytes that are taken of it. Text that is longer
        is cut there, any other longer value is left out.

    Returns
    -------
    list of Entry
        In the order of their codes; of what the file really holds.
    list of int
        Codes that were cut or left out.
    """
    picked, lost = [], []
    for code in sorted(limits.keys() & directory.entries.keys()):
        tag = directory.entries[code]
        size, limit = size_of(tag), limits[code]
        if tag.kind not in EXIF_KINDS or not size or (size > limit and tag.kind != ASCII):
            lost.append(code)
            continue
        try:
            data = tiff.source.read(tag.offset, min(size, limit))
        except CorruptInput:
            lost.append(code)
            continue
        if size > limit:
            lost.append(code)
        picked.append(Entry(code, tag.kind, _native(data, tiff.order + letter_of(tag.kind))))
    return picked, lost


def _native(data: bytes, letter: str) -> bytes:
    """Convert values to this machine's byte order; ``letter`` as in :mod:`struct`."""
    unit = struct.calcsize(letter)
    if unit == 1 or letter[0] == ORDER:
        return data
    return b"".join(data[at : at + unit][::-1] for at in range(0, len(data), unit))


def lay_out(
    entries: Iterable[Entry], subs: Mapping[int, Iterable[Entry]], at: int, big: bool
) -> tuple[bytes, int]:
    """Return the bytes of a directory with its values and sub-directories.

    Parameters
    ----------
    entries : iterable of Entry
        Each code at most once.
    subs : mapping of int to iterable of Entry
        Sub-directories by the tag that points to them; empty ones are left out.
    at : int
        Offset of the bytes in the file; even.
    big : bool
        BigTIFF.

    Returns
    -------
    bytes
    int
        Where in the file the directory starts.
    """
    made = b""
    all_entries = list(entries)
    for code, sub in subs.items():
        inner = list(sub)
        if inner:
            part, start = lay_out(inner, {}, at + len(made), big)
            made += part
            all_entries.append(numbers(code, LONG8 if big else LONG, [start]))
    values, table = _values(all_entries, at + len(made), big)
    made += values
    count = struct.pack(ORDER + ("Q" if big else "H"), len(all_entries))
    end = struct.pack(ORDER + ("Q" if big else "I"), 0)
    return made + count + table + end, at + len(made)


def _values(entries: list[Entry], at: int, big: bool) -> tuple[bytes, bytes]:
    """Return values that do not fit into an entry, padded to even offsets, and the entries."""
    word, head = (8, "HHQ") if big else (4, "HHI")
    values, table = b"", b""
    for entry in sorted(entries, key=lambda entry: entry.code):
        cell = entry.data.ljust(word, b"\0")
        if len(entry.data) > word:
            cell = struct.pack(ORDER + ("Q" if big else "I"), at + len(values))
            values += entry.data + b"\0" * (len(entry.data) % 2)
        table += struct.pack(ORDER + head, entry.code, entry.kind, entry.count) + cell
    return values, table
