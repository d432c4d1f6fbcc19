"""TIFF files made by hand, byte by byte, for what no library agrees to write."""

from __future__ import annotations

import struct
from collections.abc import Sequence

LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 7: "B", 16: "Q"}
Entry = tuple[int, Sequence[int]]


def entries(width: int, height: int, **changed: Entry | None) -> dict[int, Entry]:
    """An 8-bit RGB picture in one strip at byte 8; ``t<code>=(kind, values)`` changes a tag."""
    plain: dict[int, Entry] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8, 8, 8]),
        259: (3, [1]),
        262: (3, [2]),
        273: (4, [8]),
        277: (3, [3]),
        278: (4, [height]),
        279: (4, [width * height * 3]),
    }
    for name, entry in changed.items():
        code = int(name[1:])
        plain.pop(code, None)
        if entry is not None:
            plain[code] = entry
    return plain


def directory(found: dict[int, Entry], at: int, following: int = 0, order: str = "<") -> bytes:
    """A classic directory that stands at byte ``at``, its values behind it."""
    values, table = b"", b""
    behind = at + 2 + 12 * len(found) + 4
    for code, (kind, numbers) in sorted(found.items()):
        data = struct.pack(f"{order}{len(numbers)}{LETTERS[kind]}", *numbers)
        count = len(numbers) // (2 if kind == 5 else 1)
        place = data.ljust(4, b"\0")
        if len(data) > 4:
            place = struct.pack(order + "I", behind + len(values))
            values += data
        table += struct.pack(order + "HHI", code, kind, count) + place
    head = struct.pack(order + "H", len(found))
    return head + table + struct.pack(order + "I", following) + values


def file(
    found: dict[int, Entry], pixels: bytes = b"", order: str = "<", following: int = 0
) -> bytes:
    """A whole file: head, pixels at byte 8, directory."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    pixels += b"\0" * (len(pixels) % 2)
    at = 8 + len(pixels)
    return mark + struct.pack(order + "I", at) + pixels + directory(found, at, following, order)
