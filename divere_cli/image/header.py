"""Reads the header of a picture: format, size, storage; without a decoder.

Covers recognizing formats by their first bytes, wrong file names, and limits for all formats.
Standard library only, bounded reads: safe in the parent process, whatever the file contains. The
header of each format is read by the module ``header`` in its folder.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.avif import header as header_avif
from divere_cli.image.containers import PNG_SIGNATURE
from divere_cli.image.dump import header as header_dump
from divere_cli.image.ifd.reader import HEADS
from divere_cli.image.jpeg import header as header_jpeg
from divere_cli.image.jxl import header as header_jxl
from divere_cli.image.layout import Format, Header
from divere_cli.image.limits import MAX_PIXELS
from divere_cli.image.orientation import TURNS
from divere_cli.image.other import header as header_other
from divere_cli.image.png import header as header_png
from divere_cli.image.pnm import header as header_pnm
from divere_cli.image.raw import header as header_raw
from divere_cli.image.source import Source
from divere_cli.image.tiff import header as tiff_header
from divere_cli.image.tiff.dialects import RAW_SUFFIXES

HEAD = 64
DUMP = ".raw"


def own_turn(header: Header | None) -> tuple[bool, int]:
    """Return the orientation of a file's picture from its tag.

    Parameters
    ----------
    header : Header or None

    Returns
    -------
    mirrored : bool
        Left for right, before the turn.
    degrees : int
        Counter-clockwise.
    """
    if header is None:
        return False, 0
    return TURNS.get(header.orientation, (False, 0))


# suffix -> formats that a file with it may have
EXPECTED: dict[str, set[str]] = {
    ".tif": {"tiff"},
    ".tiff": {"tiff"},
    ".png": {"png"},
    ".jpg": {"jpeg"},
    ".jpeg": {"jpeg"},
    ".jxl": {"jxl"},
    **{suffix: {"pnm"} for suffix in (".pbm", ".pgm", ".ppm", ".pnm", ".pam", ".pfm")},
    **{suffix: {"jp2"} for suffix in (".jp2", ".j2k", ".j2c", ".jpf", ".jpx")},
    ".webp": {"webp"},
    ".bmp": {"bmp"},
    ".gif": {"gif"},
    **{suffix: {"heif"} for suffix in (".heic", ".hif")},
    ".heif": {"heif", "avif"},
    ".avif": {"avif"},
    **{suffix: {"raw", "tiff"} for suffix in RAW_SUFFIXES},
}
NAMES = {
    "tiff": "TIFF",
    "png": "PNG",
    "jpeg": "JPEG",
    "jxl": "JPEG XL",
    "raw": "camera raw file",
    "pnm": "portable pixmap",
    "jp2": "JPEG 2000",
    "webp": "WebP",
    "bmp": "BMP",
    "gif": "GIF",
    "avif": "AVIF",
    "heif": "HEIC",
}
SUFFIXES = {
    "tiff": ".tif",
    "png": ".png",
    "jpeg": ".jpg",
    "jxl": ".jxl",
    "raw": "its own suffix",
    "pnm": ".pnm",
    "jp2": ".jp2",
    "webp": ".webp",
    "bmp": ".bmp",
    "gif": ".gif",
    "avif": ".avif",
    "heif": ".heic",
}
_EXPORT = "open it in the program that made it and export a 16-bit RGB TIFF"
FOREIGN = {
    b"8BPS": "Photoshop file",
    b"RIFF": "RIFF (WAV, AVI) file",
    b"%PDF": "PDF",
    b"v/1\x01": "OpenEXR file",
    b"PK\x03\x04": "ZIP archive",
    b"SIMPLE  =": "FITS file",
    b"#?RADIANCE": "Radiance HDR file",
    b"II\xbc": "JPEG XR file",
    b"SDPX": "DPX file",
    b"XPDS": "DPX file",
    b"\x80\x2a\x5f\xd7": "Cineon file",
}
_HEIF = {
    b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC",
    b"hevx": "HEIC", b"heim": "HEIC", b"heis": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC",
}  # fmt: skip


def read(path: str, max_pixels: int = MAX_PIXELS, picture: int = 0) -> Header:
    """Read the header of a scan.

    Parameters
    ----------
    path : str
        The scan, as :func:`os.fsdecode` gives it.
    max_pixels : int
        Larger pictures are refused.
    picture : int
        Index of the picture in the file, from 0.

    Returns
    -------
    Header

    Raises
    ------
    Unreadable
        The file cannot be opened or read.
    Unsupported
        It is no picture, differs from its name, or is of a kind that divere does not grade.
    CorruptInput
        It is empty, cut, or contradicts itself.
    LimitExceeded
        It is larger than ``max_pixels``, a side is out of 1..200000, or it
        would expand like a bomb.
    """
    with Source(path) as source:
        if not source.size:
            raise CorruptInput("the file is empty")
        head = source.read(0, min(HEAD, source.size))
        format_ = format_of(head)
        suffix = os.path.splitext(path)[1].lower()
        if not format_ and suffix == DUMP and header_dump.find(source) is not None:
            return header_dump.read(source, max_pixels)
        _check_name(format_, suffix, head)
        return _read(source, path, format_, max_pixels, picture)


def _read(source: Source, path: str, format_: str, max_pixels: int, picture: int) -> Header:
    if format_ == "tiff":
        return tiff_header.read(source, path, max_pixels, picture)
    if picture:
        raise Unsupported(f"the file has one picture and no picture {picture + 1}")
    if format_ == "png":
        return header_png.read(source, max_pixels)
    if format_ == "jpeg":
        return header_jpeg.read(source, max_pixels)
    if format_ == "jxl":
        return _of_jxl(header_jxl.read(source, max_pixels))
    if format_ == "avif":
        return header_avif.read(source, max_pixels)
    if format_ == "pnm":
        return header_pnm.read(source, max_pixels)
    other_format = header_other.format_of(source.read(0, min(HEAD, source.size)))
    if other_format is not None:
        return header_other.read(source, other_format, max_pixels)
    return header_raw.read(source, os.path.splitext(path)[1].lower())


def _of_jxl(header: Header) -> Header:
    """Return a JPEG XL header; the decoder returns integers at full scale for any bits."""
    memory = header.file_size + 3 * header.pixels * (header.channels + 1) * -(-header.bits // 8)
    if header.sample == "float" or header.bits in (8, 16):
        return replace(header, memory=memory)
    if header.bits > 16:
        raise Unsupported(f"{header.bits}-bit integer samples in a JPEG XL", hint=_EXPORT)
    return replace(header, memory=memory, band="uint8" if header.bits < 8 else "uint16")


def format_of(head: bytes) -> Format | Literal[""]:
    """Return the format that a file's first 64 bytes show, or an empty string.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    """
    if head[:4] in HEADS:
        return "tiff"
    if head.startswith(PNG_SIGNATURE):
        return "png"
    if head.startswith(header_jpeg.START):
        return "jpeg"
    if header_jxl.is_jxl(head):
        return "jxl"
    if header_avif.is_avif(head):
        return "avif"
    if header_pnm.is_pixmap(head):
        return "pnm"
    if header_raw.is_raw(head):
        return "raw"
    return header_other.format_of(head) or ""


def _check_name(format_: str, suffix: str, head: bytes) -> None:
    expected = EXPECTED.get(suffix, set(NAMES))
    if format_ in expected:
        return
    if format_:
        raise Unsupported(
            f"is a {NAMES[format_]} although its suffix is {suffix}",
            hint=f"rename it to {SUFFIXES[format_]}",
        )
    _check_foreign(head)
    if suffix == DUMP:
        raise Unsupported(
            "is neither a camera's raw file nor a lab scanner's dump of a known size",
            hint=header_dump.HINT,
        )
    if not any(head) or _is_cut(head, expected):
        raise CorruptInput("the file's first bytes are damaged")
    names = "/".join(sorted(NAMES[name] for name in expected))
    named = ", although its name says so" if suffix in EXPECTED else ""
    raise Unsupported(f"is no {names}{named}")


def _check_foreign(head: bytes) -> None:
    for start, name in FOREIGN.items():
        if head.startswith(start):
            raise Unsupported(f"is a {name}", hint=_EXPORT)
    name = _HEIF.get(head[8:12], "") if head[4:8] == b"ftyp" else ""
    if name:
        raise Unsupported(f"is a {name}, for which there is no decoder here", hint=_EXPORT)


def _is_cut(head: bytes, expected: set[str]) -> bool:
    starts = {"tiff": tuple(HEADS), "png": (PNG_SIGNATURE,), "jpeg": (header_jpeg.START,)}
    return len(head) < HEAD and any(
        start.startswith(head) for name in expected for start in starts.get(name, ())
    )
