"""Reads the header of a JPEG: its frame and the segments before it.

Source: ITU-T T.81 annex B; JFIF 1.02; Exif 2.32 section 4.5; CIPA DC-007.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from divere_cli.errors import CorruptInput, DivereError, Unsupported
from divere_cli.image import containers, orientation
from divere_cli.image.ifd.reader import HEADS, parse
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.layout import Header, Resolution
from divere_cli.image.limits import check_size
from divere_cli.image.source import Source

START = b"\xff\xd8\xff"
_FRAMES = {0xC0: "jpeg", 0xC1: "jpeg", 0xC2: "progressive", 0xC3: "lossless"}
_OTHER_FRAMES = {*range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
_JPEG_LS = 0xF7
_MPF = b"MPF\0"
_NO_INK = "convert it to RGB by its own profile in an image editor, as 16-bit TIFF"


def read(source: Source, max_pixels: int) -> Header:
    """Read the header of a JPEG file.

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
    about = Header("jpeg", 0, 0, 0, 8, source.size, compression="jpeg", orientation=0)
    stray: list[int] = []
    of_xmp = 0
    for code, at, length in containers.segments(source, stray=stray):
        if code in _OTHER_FRAMES or code == _JPEG_LS:
            raise Unsupported("a hierarchical, arithmetic or JPEG-LS JPEG")
        if code in _FRAMES and not about.channels:
            about = _frame(source, at, replace(about, variant=_FRAMES[code]), max_pixels)
        elif code == 0xE0:
            about = _jfif(source, at, length, about)
        elif code == 0xE1:
            about = _exif(source, at, length, about)
            of_xmp = of_xmp or _orientation_of_xmp(source, at, length)
        elif code == 0xE2:
            about = _further(source, at, length, about)
    if not about.width and not about.channels:
        raise CorruptInput("the JPEG has no frame before its first scan")
    about = replace(about, orientation=about.orientation or of_xmp or 1)
    return _said_of_stray(about, stray)


def _orientation_of_xmp(source: Source, at: int, length: int) -> int:
    start = orientation.XMP_START
    if length < len(start) or source.read(at, len(start)) != start:
        return 0
    return orientation.of_xmp(source.read(at, length))


def _said_of_stray(about: Header, stray: list[int]) -> Header:
    if not stray:
        return about
    text = f"stray bytes between the segments of the JPEG, from byte {stray[0]} on, are skipped"
    return replace(about, warnings=(*about.warnings, text))


def _frame(source: Source, at: int, about: Header, max_pixels: int) -> Header:
    bits, height, width, components = struct.unpack(">BHHB", source.read(at, 6, "the JPEG frame"))
    lossless = about.variant == "lossless"
    if components == 4:
        raise Unsupported(
            "a CMYK JPEG (4 components): inks of a print, not light through film", hint=_NO_INK
        )
    if components not in (1, 3):
        raise Unsupported(f"a JPEG of {components} components")
    if bits != 8 and not (lossless and 2 <= bits <= 16) and bits != 12:
        raise Unsupported(f"{bits}-bit integer samples in a JPEG")
    check_size(width, height, max_pixels)
    at_once = lossless or bits != 8
    return replace(
        about,
        width=width,
        height=height,
        channels=components,
        bits=bits,
        band="" if bits in (8, 16) else "uint16",
        reader="whole" if at_once else "",
        memory=width * height * components * 4 if at_once else 0,
    )


def _further(source: Source, at: int, length: int, about: Header) -> Header:
    """Note that the file has more pictures."""
    if source.read(at, min(length, len(_MPF))) != _MPF:
        return about
    note = "further pictures behind the JPEG's own (MPF) are left out"
    return replace(about, notes=(*about.notes, note))


def _jfif(source: Source, at: int, length: int, about: Header) -> Header:
    if length < 14 or about.resolution is not None:
        return about
    name, _, unit, x, y = struct.unpack(">5sHBHH", source.read(at, 12, "the JFIF segment"))
    if name != b"JFIF\0" or unit not in (1, 2) or not x or not y:
        return about
    return replace(about, resolution=Resolution(x, y, unit + 1))


def _exif(source: Source, at: int, length: int, about: Header) -> Header:
    """Read page 0 of the Exif block; a damaged block is only a warning."""
    if length < 14 or source.read(at, 6) != b"Exif\0\0" or source.read(at + 6, 4) not in HEADS:
        return about
    if about.orientation:
        return about  # the first block counts
    try:
        tiff = parse(source, at + 6)
        entries = tiff.directory(tiff.first).entries
        turned = int(tiff.number(entries.get(TiffTag.ORIENTATION), 0))
        x, y, unit = (float(tiff.number(entries.get(code), 0)) for code in (282, 283, 296))
        texts = [tiff.text(entries.get(code)) for code in (271, 272, 305, 306)]
    except DivereError:
        return replace(about, warnings=(*about.warnings, "the Exif block is damaged"))
    resolution = about.resolution
    if 0 < x < 1e6 and 0 < y < 1e6:
        resolution = Resolution(x, y, int(unit) if unit in (1, 2, 3) else 2)
    return replace(
        about,
        orientation=turned,
        resolution=resolution,
        make=texts[0],
        model=texts[1],
        software=texts[2],
        date=texts[3],
    )
