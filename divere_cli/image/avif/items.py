"""Reads the items of an AVIF: their kinds, references, properties and where their data begins.

Covers the boxes of HEIF in ``meta``, by bounded reads. Not covered: what the properties say
(:mod:`divere_cli.image.avif.header`). Standard library only.

Source: ISO/IEC 14496-12 section 8.11; ISO/IEC 23008-12 section 9.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image import containers
from divere_cli.image.source import Source

EXPORT = "save it as a 16-bit RGB TIFF and try again"
# a grid of 4096 parts needs 100,000 bytes
_MOST_BOX_BYTES = 1 << 18
# one for each version and size of numbers
_MOST_MAPS = 4
# what is read of an item's data: its first part, with the sequence header
_HEAD_BYTES = 256
_IN_FILE, _IN_IDAT = 0, 1

Span = tuple[int, int]


def _check_small(span: Span, name: str) -> None:
    size = span[1] - span[0]
    if size > _MOST_BOX_BYTES:
        raise CorruptInput(f"the AVIF box {name} has {size} bytes")


class Content:
    """The content of a small box, read from its start to its end."""

    def __init__(self, source: Source, span: Span, name: str) -> None:
        self._name = f"the AVIF box {name}"
        _check_small(span, name)
        self._data = source.read(span[0], span[1] - span[0], self._name)
        self._at = 0

    def bytes(self, count: int) -> bytes:
        """Return the next bytes."""
        self._at += count
        if self._at > len(self._data):
            raise CorruptInput(f"{self._name} is too short")
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        """Return the next bytes as a number."""
        return int.from_bytes(self.bytes(size), "big")

    def version(self) -> tuple[int, int]:
        """Return version and flags, with which a full box begins."""
        return self.number(1), self.number(3)


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an item."""

    kind: bytes
    span: Span
    essential: bool


@dataclass(slots=True)
class Items:
    """The items of a file by number: kinds, references (kind, from, to), properties.

    ``places`` are the way of storage, start and length of the first part of their data.
    """

    primary: int = 0
    idat: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    properties: dict[int, list[Property]] = field(default_factory=dict)
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def of(self, kind: bytes, to: int | None = None) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield the references of a kind, of all items or to one of them."""
        for name, begin, ends in self.references:
            if name == kind and (to is None or to in ends):
                yield begin, ends


def _meta(source: Source) -> dict[bytes, Span]:
    """Return the boxes in ``meta``; all boxes of the file must lie inside it."""
    meta: Span | None = None
    for kind, start, end in containers.boxes(source, 0, source.size):
        if kind == b"moov" or (kind == b"ftyp" and source.read(start, 4) == b"avis"):
            raise Unsupported("an AVIF with a sequence of pictures", hint=EXPORT)
        if kind == b"meta" and meta is None:
            meta = start, end
    if meta is None:
        raise CorruptInput("the AVIF has no meta box")
    children: dict[bytes, Span] = {}
    for kind, start, end in containers.boxes(source, meta[0] + 4, meta[1]):
        children.setdefault(kind, (start, end))
    return children


def read(source: Source) -> Items:
    """Read the items of a file.

    Parameters
    ----------
    source : Source
        The open file.

    Raises
    ------
    CorruptInput, Unsupported
    """
    meta = _meta(source)
    missing = [kind.decode() for kind in (b"pitm", b"iinf", b"iprp", b"iloc") if kind not in meta]
    if missing:
        raise CorruptInput(f"the AVIF has no box {missing[0]}")
    items = Items(idat=meta.get(b"idat", (0, 0))[0])
    content = Content(source, meta[b"pitm"], "pitm")
    items.primary = content.number(2 if content.version()[0] == 0 else 4)
    _read_kinds(source, meta[b"iinf"], items)
    if b"iref" in meta:
        _read_references(source, meta[b"iref"], items)
    _read_properties(source, meta[b"iprp"], items)
    _read_places(source, meta, items)
    return items


def _read_kinds(source: Source, span: Span, items: Items) -> None:
    _check_small(span, "iinf")
    count = 2 if source.read(span[0], 1, "the AVIF box iinf") == b"\0" else 4
    for kind, start, end in containers.boxes(source, span[0] + 4 + count, span[1]):
        if kind == b"infe":
            content = Content(source, (start, end), "infe")
            version, flags = content.version()
            number = content.number(4 if version > 2 else 2)
            content.number(2)
            items.kinds.setdefault(number, content.bytes(4) if version > 1 else b"")
            if flags & 1:
                items.hidden.add(number)


def _read_references(source: Source, span: Span, items: Items) -> None:
    _check_small(span, "iref")
    size = 2 if source.read(span[0], 1, "the AVIF box iref") == b"\0" else 4
    for kind, start, end in containers.boxes(source, span[0] + 4, span[1]):
        content = Content(source, (start, end), "iref")
        begin = content.number(size)
        ends = tuple(content.number(size) for _ in range(content.number(2)))
        items.references.append((kind, begin, ends))


def _read_properties(source: Source, span: Span, items: Items) -> None:
    properties: list[tuple[bytes, Span]] = []
    maps: list[Span] = []
    for kind, start, end in containers.boxes(source, *span):
        if kind == b"ipco" and not properties:
            inside = containers.boxes(source, start, end)
            properties = [(name, (first, last)) for name, first, last in inside]
        elif kind == b"ipma":
            maps.append((start, end))
    if len(maps) > _MOST_MAPS:
        raise CorruptInput(f"the AVIF has {len(maps)} boxes ipma")
    for one in maps:
        content = Content(source, one, "ipma")
        version, flags = content.version()
        for _ in range(content.number(4)):
            number = content.number(2 if version < 1 else 4)
            own: list[Property] = []
            items.properties.setdefault(number, own)
            for _ in range(content.number(1)):
                index = content.number(2 if flags & 1 else 1)
                top = 0x8000 if flags & 1 else 0x80
                place = index & (top - 1)
                if place > len(properties):
                    raise CorruptInput(f"the AVIF has no property {place}")
                if place:
                    own.append(Property(*properties[place - 1], bool(index & top)))


def _read_places(source: Source, meta: dict[bytes, Span], items: Items) -> None:
    """Read where the first part of each item's data lies."""
    content = Content(source, meta[b"iloc"], "iloc")
    version, _ = content.version()
    sizes = content.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> at & 15 for at in (12, 8, 4, 0))
    index_size = index_size if version else 0
    for _ in range(content.number(2 if version < 2 else 4)):
        number = content.number(2 if version < 2 else 4)
        method = content.number(2) & 15 if version else _IN_FILE
        content.number(2)
        base = content.number(base_size)
        parts = content.number(2)
        if not parts:
            continue
        content.number(index_size)
        start, length = base + content.number(offset_size), content.number(length_size)
        items.places.setdefault(number, (method, start, length))
        # at once: sizes of 0 make billions of parts out of a small box
        content.bytes((parts - 1) * (index_size + offset_size + length_size))


def head(source: Source, items: Items, number: int) -> bytes:
    """Return the first bytes of an item's data.

    Parameters
    ----------
    source : Source
        The open file.
    items : Items
        The items of the file.
    number : int
        The item.

    Raises
    ------
    CorruptInput, Unsupported
    """
    method, start, length = items.places.get(number, (_IN_FILE, source.size, 1))
    if method == _IN_IDAT:
        start += items.idat
    elif method != _IN_FILE:
        raise Unsupported("an AVIF whose data is part of another item", hint=EXPORT)
    # a length of 0 means all that follows
    length = min(length or _HEAD_BYTES, _HEAD_BYTES, source.size - start)
    return source.read(start, max(length, 1), f"the data of item {number}")


def first(own: Iterable[Property], kind: bytes) -> Span | None:
    """Return the content of the first property of a kind; None if there is none.

    Parameters
    ----------
    own : iterable of Property
        Properties of one item.
    kind : bytes
        Four letters.
    """
    return next((each.span for each in own if each.kind == kind), None)
