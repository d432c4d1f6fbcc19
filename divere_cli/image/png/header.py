"""Reads the header of a PNG: IHDR and the small chunks around the pixels.

Covers size and samples, the transfer function (cICP, iCCP, sRGB, gAMA, in this order) and the
orientation (eXIf, also after the pixels).

Source: PNG specification, third edition (W3C, 2025), sections 4.3, 5 and 11;
ITU-T H.273 for cICP.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from divere_cli.errors import CorruptInput, DivereError
from divere_cli.image import containers, orientation
from divere_cli.image.ifd.reader import HEADS, parse
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.layout import Header, Resolution
from divere_cli.image.limits import check_size
from divere_cli.image.metadata import png_texts
from divere_cli.image.source import Source

MAX_CHUNKS = 256
# with their pixels; libpng's chunks of these hold 8192 bytes
MOST_PARTS = 1 << 15
GRAY, RGB, PALETTE = 0, 2, 3
_COLORS = {0: (1, False), 2: (3, False), 3: (3, False), 4: (1, True), 6: (3, True)}
_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# transfer characteristics of H.273
H273_TRANSFERS = {1: "bt709", 6: "bt709", 14: "bt709", 15: "bt709", 4: "gamma 2.2", 5: "gamma 2.8",
         8: "linear", 13: "srgb", 16: "pq", 18: "hlg"}  # fmt: skip
_UNSPECIFIED = 2
# chunks with the transfer function; the first one present is used
_PRECEDENCE = ("cICP", "iCCP", "sRGB", "gAMA")
# first letters of the texts that hold XMP, or Exif as ImageMagick writes it
_MAY_BE_METADATA = (b"XML:", b"Raw ")
_WHOLE_GAMMA = 100_000


def read(source: Source, max_pixels: int) -> Header:
    """Read the header of a PNG file.

    Parameters
    ----------
    source : Source
        The open file.
    max_pixels : int
        Larger pictures are refused.

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
    if color not in _COLORS or (method, filters) != (0, 0) or interlace > 1:
        raise CorruptInput("the PNG header is damaged")
    if bits not in _BITS[color]:
        raise CorruptInput(f"the PNG header says {bits} bits of color type {color}")
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
        variant="palette" if color == PALETTE else "interlaced" if interlace else "png",
        band="uint8" if bits < 8 or color == PALETTE else "",
        memory=2 * width * height * channels * -(-bits // 8) if interlace else 0,
        orientation=0,
    )
    header = _with_chunks(source, header)
    return replace(header, orientation=header.orientation or 1)


def _with_chunks(source: Source, header: Header) -> Header:
    transfers: dict[str, str] = {}
    pixels = texts = False
    small = 0
    for kind, at, length in _walked(source):
        if kind == b"IDAT":
            pixels = True
            continue
        small += 1
        if small > MAX_CHUNKS:
            break
        name = kind.decode("latin-1")
        if kind == b"pHYs" and length == 9:
            x, y, unit = struct.unpack(">IIB", source.read(at, 9, "the PNG resolution"))
            if unit == 1 and x and y:
                header = replace(header, resolution=Resolution(x / 100, y / 100, 3))
        elif kind == b"tRNS":
            header = _noted(header, "the transparent color is left out")
        elif kind == b"acTL":
            header = _noted(header, "an animation: its first picture alone is taken")
        elif name in _PRECEDENCE and not pixels and name not in transfers:
            transfer, doubt = _transfer(source, name, at, length)
            if transfer:
                transfers[name] = transfer
            if doubt:
                header = replace(header, warnings=(*header.warnings, doubt))
        elif kind == b"eXIf":
            header = _oriented(source, at, length, header)
        elif kind in png_texts.NAMES:
            texts = texts or source.read(at, min(length, 4)) in _MAY_BE_METADATA
    if texts and not header.orientation:
        header = replace(header, orientation=orientation.of_blocks(source))
    if not pixels:
        raise CorruptInput(f"no pixels in the first {MAX_CHUNKS} chunks")
    names = [name for name in _PRECEDENCE if name in transfers]
    if not names:
        return header
    header = replace(header, transfer=transfers[names[0]], transfer_by=names[0])
    if names[0] == "iCCP" and len(names) > 1:
        other = names[1]
        header = replace(header, transfer_else=transfers[other], transfer_else_by=other)
    return header


def _walked(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks; stop at a cut after the first pixels, which the decoder reports."""
    has_pixels = False
    try:
        for chunk in islice(containers.chunks(source), MOST_PARTS):
            has_pixels = has_pixels or chunk[0] == b"IDAT"
            yield chunk
    except CorruptInput:
        if not has_pixels:
            raise


def _noted(header: Header, note: str) -> Header:
    return header if note in header.notes else replace(header, notes=(*header.notes, note))


def _transfer(source: Source, name: str, at: int, length: int) -> tuple[str, str]:
    """Return the transfer function of a chunk (empty: none that can be used), and a warning."""
    if name == "iCCP":
        return "icc", ""
    if name == "sRGB":
        return "srgb", ""
    data = source.read(at, min(length, 4), f"the PNG chunk {name}")
    if name == "cICP" and length == 4:
        return _cicp(data)
    if name == "gAMA" and length == 4:
        (gamma,) = struct.unpack(">I", data)
        if abs(gamma - _WHOLE_GAMMA) < 100:
            return "linear", ""
        if 0 < gamma <= 10 * _WHOLE_GAMMA:
            return f"gamma {_WHOLE_GAMMA / gamma:.5g}", ""
    return "", f"the PNG chunk {name} is damaged; it is not used"


def _cicp(data: bytes) -> tuple[str, str]:
    """Return the transfer function of the code points of H.273, and a warning."""
    _, code, matrix, full_range = data
    if matrix:  # the samples would not be RGB
        return "", f"the PNG chunk cICP says matrix {matrix}; it is not used"
    narrow = "" if full_range else "cICP says narrow range; the samples are taken as full range"
    if code == _UNSPECIFIED:
        return "", narrow
    return H273_TRANSFERS.get(code, f"transfer function {code} of H.273"), narrow


def _oriented(source: Source, at: int, length: int, header: Header) -> Header:
    """Read the orientation of an Exif block; a damaged block is only a warning."""
    if length < 14 or source.read(at, 4) not in HEADS:
        return header
    try:
        tiff = parse(source, at)
        entries = tiff.directory(tiff.first).entries
        turned = int(tiff.number(entries.get(TiffTag.ORIENTATION), 0))
    except DivereError:
        return replace(header, warnings=(*header.warnings, "the Exif block is damaged"))
    return replace(header, orientation=turned)
