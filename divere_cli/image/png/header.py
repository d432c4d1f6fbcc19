"""The header of a PNG: IHDR and the small chunks before the pixels.

Source: PNG specification, third edition (W3C, 2025), sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from itertools import islice

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image import containers
from divere_cli.image.layout import Header, Resolution
from divere_cli.image.limits import check_size
from divere_cli.image.source import Source

MAX_CHUNKS = 256
_COLORS = {0: (1, False), 2: (3, False), 4: (1, True), 6: (3, True)}


def read(source: Source, max_pixels: int) -> Header:
    """Read the header of a PNG file.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    data = source.read(8, 25, "the PNG header")
    length, kind = struct.unpack(">I4s", data[:8])
    (check,) = struct.unpack(">I", data[21:])
    if (length, kind) != (13, b"IHDR") or check != zlib.crc32(data[4:21]):
        raise CorruptInput("the PNG header is damaged")
    width, height, bits, color, method, filters, interlace = struct.unpack(">IIBBBBB", data[8:21])
    check_size(width, height, max_pixels)
    if color == 3:
        raise Unsupported("the picture is stored as a color palette")
    if color not in _COLORS or (method, filters) != (0, 0) or interlace > 1:
        raise CorruptInput("the PNG header is damaged")
    if bits not in (8, 16):
        raise Unsupported(f"{bits}-bit integer samples")
    channels, alpha = _COLORS[color]
    header = Header(
        format="png",
        width=width,
        height=height,
        channels=channels,
        bits=bits,
        file_size=source.size,
        extra=("alpha",) if alpha else (),
        compression="deflate",
        variant="interlaced" if interlace else "png",
    )
    return _with_chunks(source, header)


def _with_chunks(source: Source, header: Header) -> Header:
    for kind, at, length in islice(containers.chunks(source), MAX_CHUNKS):
        if kind in (b"IDAT", b"IEND"):
            return header
        if kind == b"pHYs" and length == 9:
            x, y, unit = struct.unpack(">IIB", source.read(at, 9, "the PNG resolution"))
            if unit == 1 and x and y:
                header = replace(header, resolution=Resolution(x / 100, y / 100, 3))
        elif kind == b"tRNS":
            note = "the transparent color is left out"
            header = replace(header, notes=(*header.notes, note))
    raise CorruptInput(f"no pixels in the first {MAX_CHUNKS} chunks")
