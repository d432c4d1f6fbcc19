"""Reads headers of containers that are decoded as a whole: JPEG 2000, WebP, BMP, GIF.

Covers size, samples and bits, so that the result of a library can be checked. Bounded reads, no
decoder, standard library only.

Source: ISO/IEC 15444-1 annexes A and I; the WebP container specification; the
BMP structures of Windows (BITMAPINFOHEADER); GIF89a.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from divere_cli.errors import CorruptInput, DivereError, Unsupported
from divere_cli.image import containers, orientation
from divere_cli.image.ifd.reader import parse
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.layout import Extra, Format, Header
from divere_cli.image.limits import METADATA_BYTES, check_size
from divere_cli.image.source import Source

JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
J2K_START = b"\xff\x4f\xff\x51"
EXPORT = "save it as a 16-bit RGB TIFF and try again"
_SRGB, _GRAY = 16, 17
_MOST_COMPONENTS = 4
# largest number of pictures in memory during reading, besides the file (measured, rounded up)
_TIMES = {"jp2": 5, "webp": 8, "gif": 4, "bmp": 4}
_WEBP_ALPHA, _WEBP_ANIMATION = 0x10, 0x02


@dataclass(frozen=True, slots=True)
class _Facts:
    """Values of one header."""

    width: int
    height: int
    channels: int
    bits: int = 8
    extra: tuple[Extra, ...] = ()
    compression: str = "none"
    notes: tuple[str, ...] = ()
    orientation: int = 1


def format_of(head: bytes) -> Format | None:
    """Return which of these formats a file's first 16 bytes show; None for none.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    """
    if head.startswith((JP2_SIGNATURE, J2K_START)):
        return "jp2"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    return "bmp" if head[:2] == b"BM" and head[6:10] == bytes(4) else None


def read(source: Source, format_: Format, max_pixels: int) -> Header:
    """Read the header of a file of one of these formats.

    Parameters
    ----------
    source : Source
        The open file.
    format_ : Format
        The format that the first bytes show.
    max_pixels : int
        Larger pictures are refused.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    readers: dict[str, Callable[[Source], _Facts]] = {
        "jp2": _jp2,
        "webp": _webp,
        "gif": _gif,
        "bmp": _bmp,
    }
    facts = readers[format_](source)
    check_size(facts.width, facts.height, max_pixels)
    samples, size = facts.channels + len(facts.extra), -(-facts.bits // 8)
    return Header(
        format=format_,
        width=facts.width,
        height=facts.height,
        channels=facts.channels,
        bits=facts.bits,
        file_size=source.size,
        extra=facts.extra,
        compression=facts.compression,
        variant=format_,
        reader="whole",
        band="" if facts.bits in (8, 16) else "uint8" if facts.bits < 8 else "uint16",
        memory=source.size + _TIMES[format_] * facts.width * facts.height * samples * size,
        notes=facts.notes,
        orientation=facts.orientation,
    )


def _jp2(source: Source) -> _Facts:
    if source.read(0, 4) == J2K_START:
        return _codestream(source, 0)
    gray = None
    for kind, start, end in containers.boxes(source, 0, source.size):
        if kind == b"jp2h":
            gray = _jp2_color(source, start, end)
        if kind == b"jp2c":
            facts = _codestream(source, start)
            if gray is not None and gray != (facts.channels == 1):
                raise Unsupported(
                    "a JPEG 2000 whose color box does not fit its samples", hint=EXPORT
                )
            return facts
    raise CorruptInput("the JPEG 2000 has no codestream")


def _jp2_color(source: Source, start: int, end: int) -> bool | None:
    """Return whether the boxes declare gray; None if they do not tell."""
    for kind, at, _ in containers.boxes(source, start, end):
        if kind == b"pclr":
            raise Unsupported("a JPEG 2000 with a color palette", hint=EXPORT)
        if kind == b"colr" and source.read(at, 1) == b"\x01":
            (space,) = struct.unpack(">I", source.read(at + 3, 4, "the JPEG 2000 color"))
            if space not in (_SRGB, _GRAY):
                raise Unsupported(f"a JPEG 2000 of color space {space}", hint=EXPORT)
            return bool(space == _GRAY)
    return None


def _codestream(source: Source, start: int) -> _Facts:
    """Read SIZ, the first segment of a codestream."""
    data = source.read(start, 42, "the JPEG 2000 head")
    if data[:4] != J2K_START:
        raise CorruptInput("the JPEG 2000 codestream has no header")
    right, bottom, left, top = struct.unpack(">IIII", data[8:24])
    (components,) = struct.unpack(">H", data[40:42])
    if not 1 <= components <= _MOST_COMPONENTS:
        raise Unsupported(f"a JPEG 2000 of {components} components", hint=EXPORT)
    table = source.read(start + 42, 3 * components, "the JPEG 2000 head")
    depths, steps = set(table[::3]), {*table[1::3], *table[2::3]}
    if len(depths) != 1 or steps != {1}:
        raise Unsupported("a JPEG 2000 whose components differ in bits or size", hint=EXPORT)
    depth = depths.pop()
    bits = (depth & 0x7F) + 1
    if depth & 0x80 or bits > 16:
        raise Unsupported(f"{bits}-bit samples in a JPEG 2000, signed or of too many bits",
                          hint=EXPORT)  # fmt: skip
    channels = 1 if components < 3 else 3
    extra: tuple[Extra, ...] = ("alpha",) if components > channels else ()
    return _Facts(right - left, bottom - top, channels, bits, extra, "JPEG 2000")


def _webp(source: Source) -> _Facts:
    (size,) = struct.unpack("<I", source.read(4, 4, "the WebP head"))
    source.inside(8, size, "the WebP")
    kind = source.read(12, 4, "the WebP head")
    data = source.read(20, 10, "the WebP head")
    if kind == b"VP8X":
        if data[0] & _WEBP_ANIMATION:
            raise Unsupported("an animated WebP", hint=EXPORT)
        alpha = bool(data[0] & _WEBP_ALPHA)
        width = 1 + int.from_bytes(data[4:7], "little")
        height = 1 + int.from_bytes(data[7:10], "little")
    elif kind == b"VP8L":
        (packed,) = struct.unpack("<I", data[1:5])
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        alpha = bool(packed >> 28 & 1)
    elif kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[6:10]))
        alpha = False
    else:
        raise CorruptInput("the WebP has no picture")
    extra: tuple[Extra, ...] = ("alpha",) if alpha else ()
    return _Facts(width, height, 3, 8, extra, "WebP", orientation=_webp_orientation(source))


def _webp_orientation(source: Source) -> int:
    """Return the orientation of the Exif chunk, else of the XMP chunk; 1 if there is none."""
    turned = {b"EXIF": 0, b"XMP ": 0}
    try:
        for name, at, length in containers.webp_chunks(source):
            if name == b"XMP " and length <= METADATA_BYTES:
                turned[name] = orientation.of_xmp(source.read(at, length))
            elif name == b"EXIF":
                start = at + 6 if source.read(at, min(length, 6)) == b"Exif\0\0" else at
                tiff = parse(source, start)
                tag = tiff.directory(tiff.first).entries.get(TiffTag.ORIENTATION)
                turned[name] = int(tiff.number(tag, 0))
    except DivereError:
        pass  # a damaged block counts as absent
    return turned[b"EXIF"] or turned[b"XMP "] or 1


def _gif(source: Source) -> _Facts:
    width, height = struct.unpack("<HH", source.read(6, 4, "the GIF head"))
    note = "a GIF: its first picture alone is taken, of at most 256 colors"
    return _Facts(width, height, 3, 8, (), "LZW", (note,))


def _bmp(source: Source) -> _Facts:
    (size,) = struct.unpack("<I", source.read(14, 4, "the BMP head"))
    if size < 40:
        raise Unsupported("a BMP of OS/2", hint=EXPORT)
    width, height, _, bits, code = struct.unpack("<iiHHI", source.read(18, 16, "the BMP head"))
    if bits not in (1, 4, 8, 24, 32) or code not in (0, 1, 2, 3):
        raise Unsupported(f"a BMP of {bits} bits a pixel, compression {code}", hint=EXPORT)
    return _Facts(width, abs(height), 3, 8, (), "none" if code in (0, 3) else "RLE")
