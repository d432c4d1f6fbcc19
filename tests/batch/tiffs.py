"""Small whole TIFF files, made without any library."""

from __future__ import annotations

import struct


def tiff(width: int = 8, height: int = 6, fill: int = 7) -> bytes:
    """An uncompressed 16-bit RGB TIFF of one value."""
    pixels = struct.pack("<H", fill) * (width * height * 3)
    bits = 8 + len(pixels)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(pixels)),
    ]
    head = struct.pack("<2sHI", b"II", 42, bits + 6)
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return head + pixels + struct.pack("<3H", 16, 16, 16) + directory
