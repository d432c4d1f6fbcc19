"""Exif as a block of its own: entries taken from any TIFF-like structure, built into a small TIFF.

What it covers: raw values of chosen tags, brought to little-endian order,
with bounds on each, and the little TIFF that Exif is. What it does not: what
a tag means (``metadata`` chooses them), and the directories' own layout
(``tiff_tags``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from divere_cli.errors import CorruptInput
from divere_cli.image.tiff_tags import Directory, Tiff, letter_of, size_of

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
EXIF_IFD, GPS_IFD = 34665, 34853

_UNIT = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag of a TIFF type (1 to 12), its values little-endian."""

    code: int
    kind: int
    data: bytes

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.data) // _UNIT[self.kind]


def text(code: int, value: str) -> Entry:
    """Make an ASCII entry (in UTF-8, as Exif readers expect it where ASCII is not enough)."""
    return Entry(code, ASCII, value.encode("utf-8", "replace") + b"\0")


def pick(
    tiff: Tiff, directory: Directory, wanted: Mapping[int, int]
) -> tuple[list[Entry], list[int]]:
    """Take entries out of a directory.

    Parameters
    ----------
    tiff : Tiff
        The structure that the directory is part of.
    directory : Directory
        Where to look.
    wanted : mapping of int to int
        Tag code to the most bytes that are taken of it. Text that is longer
        is cut there, any other longer value is left out.

    Returns
    -------
    list of Entry
        In the order of their codes; of what the file really holds.
    list of int
        Codes that were cut or left out.
    """
    found, lost = [], []
    for code in sorted(wanted.keys() & directory.entries.keys()):
        tag = directory.entries[code]
        size, limit = size_of(tag), wanted[code]
        if tag.kind not in _UNIT or not size or (size > limit and tag.kind != ASCII):
            lost.append(code)
            continue
        try:
            data = tiff.source.read(tag.offset, min(size, limit))
        except CorruptInput:
            lost.append(code)
            continue
        if size > limit:
            lost.append(code)
        unit = struct.calcsize("=" + letter_of(tag))
        found.append(Entry(code, tag.kind, _little(data, unit) if tiff.order == ">" else data))
    return found, lost


def build(ifd0: list[Entry], exif: list[Entry], gps: list[Entry]) -> bytes:
    """Build an Exif block: a little-endian TIFF of IFD0 with its Exif and GPS directories.

    Each code at most once in a list; the pointers are added here.
    """
    parts = [(code, entries) for code, entries in ((EXIF_IFD, exif), (GPS_IFD, gps)) if entries]
    stubs = [Entry(code, LONG, bytes(4)) for code, _ in parts]
    position = 8 + len(_directory([*ifd0, *stubs], 8))
    known, tail = list(ifd0), b""
    for code, entries in parts:
        known.append(Entry(code, LONG, struct.pack("<I", position + len(tail))))
        tail += _directory(entries, position + len(tail))
    return struct.pack("<2sHI", b"II", 42, 8) + _directory(known, 8) + tail


def _directory(entries: list[Entry], offset: int) -> bytes:
    """One directory as it lies at ``offset``, its long values behind it."""
    ordered = sorted(entries, key=lambda entry: entry.code)
    table, values = struct.pack("<H", len(ordered)), b""
    end = offset + 2 + 12 * len(ordered) + 4
    for entry in ordered:
        field = entry.data.ljust(4, b"\0")
        if len(entry.data) > 4:
            field = struct.pack("<I", end + len(values))
            values += entry.data + bytes(len(entry.data) % 2)
        table += struct.pack("<HHI", entry.code, entry.kind, entry.count) + field
    return table + bytes(4) + values


def _little(data: bytes, unit: int) -> bytes:
    """Swap big-endian values of ``unit`` bytes."""
    if unit == 1:
        return data
    letter = {2: "H", 4: "I", 8: "Q"}[unit]
    count = len(data) // unit
    return struct.pack(f"<{count}{letter}", *struct.unpack(f">{count}{letter}", data))
