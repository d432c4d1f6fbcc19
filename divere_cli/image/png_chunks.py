"""PNG's color types and chunks."""

from __future__ import annotations

import struct
import zlib

# (color channels, alpha) -> color type (PNG section 11.2.1)
COLOR_TYPES = {(1, False): 0, (3, False): 2, (1, True): 4, (3, True): 6}


def chunk(name: bytes, data: bytes) -> bytes:
    """Return data as a chunk, with its length and check sum.

    Parameters
    ----------
    name : bytes
        Type of the chunk.
    data : bytes
        Its data.
    """
    check = zlib.crc32(data, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", check)))
