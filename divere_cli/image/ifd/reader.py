"""TIFF and BigTIFF directories: entries and their values, by bounded reads.

Covers the file's head, the chain of directories and their sub-directories, and the values of
single entries. Not covered: the meaning of tags. A hostile file costs a fixed number of small
reads: chains are limited to ``MAX_PAGES``, directories to ``MAX_ENTRIES``, values to the limit of
the caller.

Source: TIFF 6.0 (1992); BigTIFF as in libtiff's ``doc/specification/bigtiff``.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from typing import cast

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.layout import Tag
from divere_cli.image.source import Source

MAX_PAGES = 64
_HEAD = 8
MAX_ENTRIES = 1024
HEADS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}

# TIFF type -> (struct letter, bytes); rationals are two of their letter
_KINDS = {
    1: ("B", 1),
    2: ("s", 1),
    3: ("H", 2),
    4: ("I", 4),
    5: ("I", 8),
    6: ("b", 1),
    7: ("s", 1),
    8: ("h", 2),
    9: ("i", 4),
    10: ("i", 8),
    11: ("f", 4),
    12: ("d", 8),
    13: ("I", 4),
    16: ("Q", 8),
    17: ("q", 8),
    18: ("Q", 8),
}

Values = tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory: its offset in the file and its entries by code (the first one counts).

    ``doubled`` are codes that stand there again with another value, ``damaged`` those
    of no known type or whose value would lie in the file's head, ``sub`` whether
    another directory has it as a sub-directory.
    """

    offset: int
    entries: dict[int, Tag]
    following: int
    doubled: tuple[int, ...] = ()
    damaged: tuple[int, ...] = ()
    sub: bool = False


@dataclass(frozen=True, slots=True)
class Tiff:
    """A TIFF structure inside a source, ``base`` bytes into it (0 but for Exif blocks)."""

    source: Source
    order: str
    big: bool
    first: int
    base: int = 0

    def directory(self, offset: int) -> Directory:
        """Read one directory.

        Raises
        ------
        CorruptInput
            It is outside the file, or has no entry or too many.
        """
        name = "the TIFF directory"
        count_kind, entry_kind, word = ("Q", "HHQ", 8) if self.big else ("H", "HHI", 4)
        head = struct.calcsize("=" + count_kind)
        size = struct.calcsize("=" + entry_kind) + word
        start = self.base + offset
        (count,) = struct.unpack(self.order + count_kind, self.source.read(start, head, name))
        if not 0 < count <= MAX_ENTRIES:
            raise CorruptInput(f"{name} at byte {start} has {count} entries")
        data = self.source.read(start + head, count * size, name)
        entries: dict[int, Tag] = {}
        stored: dict[int, bytes] = {}
        doubled: list[int] = []
        damaged: list[int] = []
        for index in range(count):
            at = index * size
            code, kind, number = struct.unpack_from(self.order + entry_kind, data, at)
            if kind not in _KINDS:
                damaged.append(code)
                continue
            if stored.setdefault(code, data[at : at + size]) != data[at : at + size]:
                doubled.append(code)
            values = start + head + at + size - word
            if number * _KINDS[kind][1] > word:
                (values,) = struct.unpack_from(self.order + "IQ"[self.big], data, at + size - word)
                if values < _HEAD:
                    damaged.append(code)
                values += self.base
            entries.setdefault(code, Tag(code=code, kind=kind, count=number, offset=values))
        following = self._following(start + head + count * size)
        return Directory(offset, entries, following, tuple(doubled), tuple(damaged))

    def extent(self, offset: int) -> tuple[int, int]:
        """Return the start and end of a directory in the file."""
        head, entry, word = (8, 20, 8) if self.big else (2, 12, 4)
        start = self.base + offset
        kind = "Q" if self.big else "H"
        (count,) = struct.unpack(self.order + kind, self.source.read(start, head))
        return start, start + head + entry * count + word

    def _following(self, at: int) -> int:
        word = "IQ"[self.big]
        if at + struct.calcsize("=" + word) > self.source.size:
            return 0
        (offset,) = struct.unpack(
            self.order + word, self.source.read(at, struct.calcsize("=" + word))
        )
        return int(offset)

    def chain(self) -> tuple[tuple[Directory, ...], bool]:
        """Read all directories in order, with their sub-directories.

        Returns
        -------
        tuple of Directory
            The first is page 0; a broken later one ends the chain.
        bool
            Whether pages are missing: a break, or more than ``MAX_PAGES``. A page
            that is pointed to twice (a loop, or sub-directories that also follow
            each other) is read once.
        """
        directories = [self.directory(self.first)]
        visited = {self.first}
        waiting = self._next_of(directories[0])
        while waiting:
            offset, sub = waiting.pop(0)
            if offset in visited:
                continue
            if len(directories) >= MAX_PAGES:
                return tuple(directories), True
            visited.add(offset)
            try:
                directories.append(replace(self.directory(offset), sub=sub))
            except CorruptInput:
                return tuple(directories), True
            waiting += self._next_of(directories[-1])
        return tuple(directories), False

    def _next_of(self, directory: Directory) -> list[tuple[int, bool]]:
        """Return offsets of the next directories, and whether each is a sub-directory."""
        subs = directory.entries.get(TiffTag.SUB_IFDS)
        offsets = [(int(v), True) for v in self.values(subs, 8) if math.isfinite(v)] if subs else []
        if directory.following:
            offsets.append((directory.following, directory.sub))
        return offsets

    def values(self, tag: Tag, limit: int) -> Values:
        """Read up to ``limit`` numbers of an entry; rationals as quotients (0 when over 0)."""
        letter, size = _KINDS[tag.kind]
        count = min(tag.count, limit)
        data = self.source.read(tag.offset, count * size, f"TIFF tag {tag.code}")
        if letter == "s":
            return tuple(data)
        if tag.kind in (5, 10):
            flat = struct.unpack(f"{self.order}{2 * count}{letter}", data)
            pairs = zip(flat[::2], flat[1::2], strict=True)
            return tuple(top / below if below else 0.0 for top, below in pairs)
        return struct.unpack(f"{self.order}{count}{letter}", data)

    def number(self, tag: Tag | None, default: float) -> float:
        """Read the first number of an entry; ``default`` when there is none or it is not finite."""
        values = self.values(tag, 1) if tag else ()
        return values[0] if values and math.isfinite(values[0]) else default

    def value_at(self, tag: Tag, index: int) -> int | float:
        """Read one number of an entry's many (no rational)."""
        letter, size = _KINDS[tag.kind]
        data = self.source.read(tag.offset + index * size, size, f"TIFF tag {tag.code}")
        return cast(int | float, struct.unpack(self.order + letter, data)[0])

    def text(self, tag: Tag | None, limit: int = 200) -> str:
        """Read an ASCII entry, cut at its first NUL and at ``limit`` bytes; empty when absent."""
        if tag is None or tag.kind not in (1, 2, 7):
            return ""
        data = self.source.read(tag.offset, min(tag.count, limit), f"TIFF tag {tag.code}")
        return data.split(b"\0", 1)[0].decode("utf-8", "replace").strip()


def size_of(tag: Tag) -> int:
    """Return the bytes of an entry's value.

    Parameters
    ----------
    tag : Tag
        The entry.
    """
    return tag.count * unit_of(tag.kind)


def unit_of(kind: int) -> int:
    """Return the bytes of one value of a TIFF type.

    Parameters
    ----------
    kind : int
        Number of the TIFF type.
    """
    return _KINDS[kind][1]


def letter_of(kind: int) -> str:
    """Return the :mod:`struct` letter of a TIFF type's numbers; a rational has two numbers.

    Parameters
    ----------
    kind : int
        Number of the TIFF type.
    """
    return _KINDS[kind][0]


def parse(source: Source, base: int = 0) -> Tiff:
    """Read the head of a TIFF structure.

    Parameters
    ----------
    source : Source
        The open file.
    base : int, default 0
        Offset of the structure in the file.

    Raises
    ------
    CorruptInput
        When the head is cut or its first directory cannot be in the file.
    """
    head = source.read(base, 8, "the TIFF head")
    order = HEADS[head[:4]]
    big = b"+" in head[:4]
    if big:
        (first,) = struct.unpack(order + "Q", source.read(base + 8, 8, "the TIFF head"))
        if struct.unpack(order + "HH", head[4:]) != (8, 0):
            raise CorruptInput("the BigTIFF header is damaged")
    else:
        (first,) = struct.unpack(order + "I", head[4:])
    if first < 8 or base + first >= source.size:
        raise CorruptInput(f"the first TIFF directory (byte {first}) is not in the file")
    return Tiff(source=source, order=order, big=big, first=first, base=base)
