"""What a file says of its picture: format, size, storage. Never a decoder.

Covers telling formats apart by their first bytes, names that lie about them,
and the limits that hold for every format. Standard library only, bounded
reads: safe in the parent process, whatever the file. What each format's
header means is in ``tiff_header``, ``header_png``, ``header_jpeg`` and
``header_raw``.
"""

from __future__ import annotations

import os

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.containers import PNG_SIGNATURE
from divere_cli.image.ifd.reader import HEADS
from divere_cli.image.jpeg import header as header_jpeg
from divere_cli.image.jxl import header as header_jxl
from divere_cli.image.layout import Header
from divere_cli.image.limits import MAX_PIXELS
from divere_cli.image.png import header as header_png
from divere_cli.image.raw import header as header_raw
from divere_cli.image.source import Source
from divere_cli.image.tiff import header as tiff_header
from divere_cli.image.tiff.dialects import RAW_SUFFIXES

HEAD = 16

# suffix -> the formats that such a file may have
EXPECTED = {
    ".tif": {"tiff"},
    ".tiff": {"tiff"},
    ".png": {"png"},
    ".jpg": {"jpeg"},
    ".jpeg": {"jpeg"},
    ".jxl": {"jxl"},
    **{suffix: {"raw", "tiff"} for suffix in RAW_SUFFIXES},
}
NAMES = {
    "tiff": "TIFF",
    "png": "PNG",
    "jpeg": "JPEG",
    "jxl": "JPEG XL",
    "raw": "camera raw file",
}
SUFFIXES = {
    "tiff": ".tif",
    "png": ".png",
    "jpeg": ".jpg",
    "jxl": ".jxl",
    "raw": "its own suffix",
}
FOREIGN = {
    b"8BPS": "Photoshop file",
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"RIFF": "RIFF (WebP, WAV) file",
    b"%PDF": "PDF",
    b"\0\0\0\x0cjP": "JPEG 2000",
    b"v/1\x01": "OpenEXR file",
    b"PK\x03\x04": "ZIP archive",
}


def read(path: str, max_pixels: int = MAX_PIXELS, picture: int = 0) -> Header:
    """Read the header of a scan.

    Parameters
    ----------
    path : str
        The scan, as :func:`os.fsdecode` gives it.
    max_pixels : int
        Larger pictures are refused.
    picture : int
        Which of the file's pictures, from 0 on.

    Returns
    -------
    Header

    Raises
    ------
    Unreadable
        The file cannot be opened or read.
    Unsupported
        It is no picture, not what its name says, or of a kind that is not graded.
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
        found = format_of(head)
        suffix = os.path.splitext(path)[1].lower()
        _check_name(found, suffix, head)
        if found == "tiff":
            return tiff_header.read(source, path, max_pixels, picture)
        if found == "png":
            return header_png.read(source, max_pixels)
        if found == "jpeg":
            return header_jpeg.read(source, max_pixels)
        if found == "jxl":
            return header_jxl.read(source, max_pixels)
        return header_raw.read(source, suffix)


def format_of(head: bytes) -> str:
    """Tell the format by a file's first 16 bytes: tiff, png, jpeg, jxl, raw, or empty."""
    if head[:4] in HEADS:
        return "tiff"
    if head.startswith(PNG_SIGNATURE):
        return "png"
    if head.startswith(header_jpeg.START):
        return "jpeg"
    if header_jxl.is_jxl(head):
        return "jxl"
    return "raw" if header_raw.is_raw(head) else ""


def _check_name(found: str, suffix: str, head: bytes) -> None:
    expected = EXPECTED.get(suffix, set(NAMES))
    if found in expected:
        return
    if found:
        raise Unsupported(
            f"is a {NAMES[found]} and not what {suffix} says",
            hint=f"rename it to {SUFFIXES[found]}",
        )
    if not any(head) or _is_cut(head, expected):
        raise CorruptInput("the file has no readable head")
    for start, name in FOREIGN.items():
        if head.startswith(start):
            raise Unsupported(f"is a {name}")
    said = "/".join(sorted(NAMES[name] for name in expected))
    raise Unsupported(f"is no {said}, whatever its name says")


def _is_cut(head: bytes, expected: set[str]) -> bool:
    starts = {"tiff": tuple(HEADS), "png": (PNG_SIGNATURE,), "jpeg": (header_jpeg.START,)}
    return len(head) < HEAD and any(
        start.startswith(head) for name in expected for start in starts.get(name, ())
    )
