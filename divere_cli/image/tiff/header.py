"""Converts TIFF directories to a Header: the picture page, and whether it can be read.

Covers the meaning of the tags. Not covered: the tags of one directory
(:mod:`divere_cli.image.tiff.page`), choosing the picture (:mod:`divere_cli.image.tiff.dialects`),
and whether its storage can be read (:mod:`divere_cli.image.tiff.checks`). No decoder, no numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from divere_cli.errors import CorruptInput, ScanError, Unsupported
from divere_cli.image import orientation
from divere_cli.image.ifd.reader import Directory, Tiff, parse, size_of
from divere_cli.image.ifd.tags import Compression, Extra, Photometric, TiffTag
from divere_cli.image.layout import Band, Header, Page, Resolution, Tag
from divere_cli.image.layout import Extra as Meaning
from divere_cli.image.limits import METADATA_BYTES, check_size
from divere_cli.image.source import Source
from divere_cli.image.tiff import dialects
from divere_cli.image.tiff.checks import (
    COMPRESSIONS,
    STREAMS,
    check_page,
    check_sensor,
    memory,
)
from divere_cli.image.tiff.levels import notes_of, warnings_of, with_levels
from divere_cli.image.tiff.page import MAX_SAMPLES, page_of

_COLOR = "convert it to 16-bit RGB in an image editor, by the profile of its maker"
_EXPORT = "save it as a 16-bit RGB TIFF and try again"
# formats that no film scan has, with the reason and the cure
REFUSED = {
    Photometric.MASK: ("a mask", _EXPORT),
    Photometric.SEPARATED: (
        "CMYK separations: the inks of a print, not light through film",
        _COLOR,
    ),
    Photometric.CIELAB: ("CIE L*a*b*: what an eye sees, not light through film", _COLOR),
    Photometric.ICCLAB: ("ICC L*a*b*: what an eye sees, not light through film", _COLOR),
    Photometric.ITULAB: ("ITU L*a*b*: what an eye sees, not light through film", _COLOR),
    Photometric.LOGL: ("LogL: its white is unknown", _EXPORT),
    Photometric.LOGLUV: ("LogLuv: its white is unknown", _EXPORT),
    Photometric.DEPTH_MAP: ("a depth map", _EXPORT),
    Photometric.SEMANTIC_MASK: ("a mask", _EXPORT),
}
_GRAY = (Photometric.MIN_IS_WHITE, Photometric.MIN_IS_BLACK)
_RGB = (Photometric.RGB, Photometric.YCBCR)
_MOST_INDEX, _MOST_BYTE = 8, 255
_EXACT_IN_8 = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The directories, pages and writer of a file."""

    tiff: Tiff
    directories: tuple[Directory, ...]
    cut: bool
    pages: tuple[Page, ...]
    identity: dialects.Identity

    def entries(self, page: Page) -> dict[int, Tag]:
        return next(d.entries for d in self.directories if d.offset == page.ifd)

    @property
    def first(self) -> dict[int, Tag]:
        return self.directories[0].entries


def read(source: Source, path: str, max_pixels: int, picture: int = 0) -> Header:
    """Read the header of a TIFF file.

    Parameters
    ----------
    source : Source
    path : str
        Its suffix tells scanners' dialects.
    max_pixels : int
    picture : int
        Which of its pictures, from 0 on.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    parsed = _parsed(source, path)
    choice = dialects.choose(parsed.pages, parsed.identity, picture)
    if choice.kind == "sensor":
        return _sensor(parsed, choice)
    page = choice.picture
    if parsed.cut and dialects.is_preview(page, parsed.pages, parsed.identity):
        raise CorruptInput("the list of TIFF pages ends before the picture")
    if page.faults:
        raise CorruptInput(page.faults[0])
    check_size(page.width, page.height, max_pixels)
    if choice.kind == "linear":
        page = with_levels(parsed.tiff, page, parsed.entries(page))
    header = replace(_picture(parsed, page, choice), picture=picture, pictures=choice.pictures)
    if parsed.cut:
        cut = "the chain of TIFF pages is broken or too long; the rest was left out"
        header = replace(header, warnings=(*header.warnings, cut))
    return header


def _parsed(source: Source, path: str) -> _Parsed:
    tiff = parse(source)
    directories, cut = tiff.chain()
    first = directories[0].entries
    identity = dialects.Identity(
        path=path,
        make=tiff.text(first.get(TiffTag.MAKE)),
        model=tiff.text(first.get(TiffTag.MODEL)),
        software=tiff.text(first.get(TiffTag.SOFTWARE)),
        codes=frozenset(first),
    )
    pages = tuple(page_of(tiff, directory) for directory in directories)
    return _Parsed(tiff, directories, cut, pages, identity)


def _picture(parsed: _Parsed, page: Page, choice: dialects.Choice) -> Header:
    channels, assumed = _channels(page)
    check_page(parsed.tiff, page)
    infrared, lost = _readable(parsed.tiff, choice.infrared)
    extra, supposed, noted = _extra(page, channels, infrared is not None, parsed.identity)
    entries = parsed.entries(page)
    linear = page.levels is not None
    compression = "jpeg" if page.compression == Compression.OLD_JPEG else ""
    return Header(
        format="raw" if linear else "tiff",
        width=page.levels.crop[2] if page.levels else page.width,
        height=page.levels.crop[3] if page.levels else page.height,
        channels=channels,
        bits=page.bits,
        file_size=parsed.tiff.source.size,
        sample=page.sample or "uint",
        extra=extra,
        compression=compression or COMPRESSIONS[Compression(page.compression)],
        planar=page.planar,
        inverted=page.photometric == Photometric.MIN_IS_WHITE,
        big_endian=parsed.tiff.order == ">",
        variant=choice.variant or ("bigtiff" if parsed.tiff.big else "tiff"),
        orientation=_orientation(parsed, page),
        resolution=_resolution(parsed.tiff, entries) or _resolution(parsed.tiff, parsed.first),
        icc=_location(entries.get(TiffTag.ICC_PROFILE)),
        make=parsed.identity.make,
        model=parsed.identity.model,
        software=parsed.identity.software,
        date=parsed.tiff.text(parsed.first.get(TiffTag.DATE_TIME)),
        pages=len(parsed.pages),
        page=page,
        infrared_page=infrared,
        reader="linear" if linear else "",
        band=_band(page),
        memory=memory(page),
        warnings=(
            *page.doubts,
            *assumed,
            *supposed,
            *_of_white(page),
            *_of_transfer_function(entries),
            *lost,
            *(warnings_of(parsed.tiff, entries) if linear else ()),
        ),
        notes=(
            *choice.notes,
            *noted,
            *_of_rounding(page),
            *_of_palette(parsed.tiff, page),
            *(notes_of(parsed.tiff, entries) if linear else ()),
        ),
    )


def _channels(page: Page) -> tuple[int, list[str]]:
    """Return the color channels of the bands, and assumptions about the samples."""
    if page.photometric in REFUSED:
        name, cure = REFUSED[Photometric(page.photometric)]
        raise Unsupported(f"the picture is stored as {name}", hint=cure)
    if not 1 <= page.samples <= MAX_SAMPLES:
        raise Unsupported(f"{page.samples} samples a pixel; 1 to {MAX_SAMPLES} can be read")
    if page.photometric in _GRAY:
        return _gray_or_rgb(page)
    if page.photometric in _RGB:
        if page.samples < 3:
            raise CorruptInput(f"an RGB picture with {page.samples} samples a pixel")
        return 3, []
    if page.photometric == Photometric.PALETTE:
        _check_palette(page)
        return 3, []
    if page.photometric == Photometric.LINEAR_RAW:
        return (1 if page.samples < 3 else 3), []
    if page.photometric != -1:
        raise Unsupported(f"unknown photometric interpretation {page.photometric}")
    channels = 1 if page.samples < 3 else 3
    color = "gray" if channels == 1 else "RGB"
    return channels, [f"no photometric interpretation is stored; taken as {color}"]


def _gray_or_rgb(page: Page) -> tuple[int, list[str]]:
    """Return the channels of MinIsBlack: some writers of arrays use it for RGB."""
    meanings = page.extras[: page.samples - 1]
    if page.samples < 3 or any(code != Extra.UNSPECIFIED for code in meanings[:2]):
        return 1, []
    if page.photometric != Photometric.MIN_IS_BLACK:
        raise Unsupported(
            f"{page.samples} samples a pixel are called MinIsWhite: RGB or its inverse",
            hint=_EXPORT,
        )
    return 3, [f"{page.samples} samples a pixel are called MinIsBlack; taken as RGB"]


def _check_palette(page: Page) -> None:
    if page.sample != "uint" or not 1 <= page.bits <= 16:
        raise Unsupported(f"a color palette of {page.bits}-bit samples", hint=_EXPORT)
    if page.colors is None or page.colors.count != 3 << page.bits:
        raise CorruptInput("the ColorMap of the palette is missing or of the wrong length")


def _band(page: Page) -> Band:
    """Return the type of the bands if it differs from the stored samples."""
    if page.sample == "float":
        if page.bits == 64 and not page.levels:
            return "uint16"
        return "float32" if page.bits not in (16, 32) else ""
    scaled = page.photometric in (Photometric.PALETTE, Photometric.YCBCR) or page.white
    if page.photometric == Photometric.YCBCR and page.compression not in STREAMS:
        scaled = 0  # picture compressions store RGB
    if page.levels or scaled or page.bits not in (*_EXACT_IN_8, 16):
        return "uint16"
    return "uint8" if page.bits < 8 else ""


def _of_rounding(page: Page) -> list[str]:
    wide = page.bits == 64 or (page.sample == "uint" and page.bits > 16)
    return [f"{page.bits}-bit samples are rounded to 16 bits"] if wide and not page.levels else []


def _of_palette(tiff: Tiff, page: Page) -> list[str]:
    """Note a ColorMap of 8-bit values, which old writers store."""
    if page.photometric != Photometric.PALETTE or page.colors is None or page.bits > _MOST_INDEX:
        return []
    if max(tiff.values(page.colors, page.colors.count)) > _MOST_BYTE:
        return []
    return ["the colors of the palette have 8 bits; they are scaled to 16"]


def _of_transfer_function(entries: dict[int, Tag]) -> list[str]:
    if TiffTag.TRANSFER_FUNCTION not in entries or TiffTag.ICC_PROFILE in entries:
        return []
    return ["its TransferFunction is not used; --input-transfer says what its samples are"]


def _of_white(page: Page) -> list[str]:
    if not page.white:
        return []
    return [
        f"MaxSampleValue says that {page.white} of {(1 << page.bits) - 1} is white; "
        "this value is used"
    ]


def _readable(tiff: Tiff, page: Page | None) -> tuple[Page | None, list[str]]:
    """Return the infrared page; if it cannot be read, leave it out with a warning."""
    if page is None:
        return None, []
    try:
        check_page(tiff, page)
    except ScanError as error:
        return None, [f"the infrared page cannot be read: {error.message}"]
    return page, []


def _extra(
    page: Page, channels: int, separate: bool, identity: dialects.Identity
) -> tuple[tuple[Meaning, ...], list[str], list[str]]:
    """Return the extra samples of each pixel, with warnings and notes on assumptions."""
    meanings: dict[int, Meaning] = {0: "infrared", 1: "alpha", 2: "alpha"}
    color = 1 if page.photometric == Photometric.PALETTE else channels
    extra: list[Meaning] = []
    warnings: list[str] = []
    notes: list[str] = []
    # MinIsBlack with three samples counts two of its colors as extra
    skip = color - 1 if page.photometric == Photometric.MIN_IS_BLACK else 0
    codes = page.extras[skip:] if len(page.extras) == page.samples - 1 else page.extras
    for index in range(page.samples - color):
        code = codes[index] if index < len(codes) else -1
        meaning = meanings.get(code, "unknown")
        if code == Extra.PREMULTIPLIED:
            warnings.append("alpha is premultiplied (ExtraSamples 1); color is taken as stored")
        elif (
            code not in meanings and identity.infrared_last and color + index == 3 and not separate
        ):
            meaning = "infrared"
            notes.append(
                "the fourth sample of each pixel is taken as infrared, as its program writes it"
            )
        elif code not in meanings:
            warnings.append(f"sample {color + index + 1} of each pixel has an unknown meaning")
        extra.append(meaning)
    return (*extra, *(("infrared",) if separate else ())), warnings, notes


def _orientation(parsed: _Parsed, page: Page) -> int:
    """Return the orientation by the picture's tag or XMP; a DNG has it in its first directory."""
    entries = parsed.entries(page)
    for directory in (entries, parsed.first) if page.levels or page.sub else (entries,):
        if TiffTag.ORIENTATION in directory:
            return int(parsed.tiff.number(directory[TiffTag.ORIENTATION], 1))
        value = _orientation_of_xmp(parsed.tiff, directory.get(TiffTag.XMP))
        if value:
            return value
    return 1


def _orientation_of_xmp(tiff: Tiff, tag: Tag | None) -> int:
    if tag is None or size_of(tag) > METADATA_BYTES:
        return 0
    try:
        return orientation.of_xmp(tiff.source.read(tag.offset, size_of(tag)))
    except CorruptInput:
        return 0


def _resolution(tiff: Tiff, entries: dict[int, Tag]) -> Resolution | None:
    if TiffTag.X_RESOLUTION not in entries or TiffTag.Y_RESOLUTION not in entries:
        return None
    x = float(tiff.number(entries[TiffTag.X_RESOLUTION], 0))
    y = float(tiff.number(entries[TiffTag.Y_RESOLUTION], 0))
    unit = int(tiff.number(entries.get(TiffTag.RESOLUTION_UNIT), 2))
    if not (0 < x < 1e6 and 0 < y < 1e6):
        return None
    return Resolution(x=x, y=y, unit=unit if unit in (1, 2, 3) else 2)


def _location(tag: Tag | None) -> tuple[int, int] | None:
    return None if tag is None else (tag.offset, size_of(tag))


def _sensor(parsed: _Parsed, choice: dialects.Choice) -> Header:
    """Return the header of a mosaic or camera file for LibRaw; check tags it would guess."""
    page, first, tiff = choice.picture, parsed.first, parsed.tiff
    entries = parsed.entries(page)
    if choice.variant == "dng" and page.photometric == Photometric.CFA:
        check_sensor(page, frozenset(entries))
    return Header(
        format="raw",
        width=page.width,
        height=page.height,
        channels=3,
        bits=16,
        file_size=tiff.source.size,
        compression="raw",
        big_endian=tiff.order == ">",
        variant=choice.variant,
        orientation=int(tiff.number(first.get(TiffTag.ORIENTATION), 1)),
        make=parsed.identity.make,
        model=parsed.identity.model,
        software=parsed.identity.software,
        date=tiff.text(first.get(TiffTag.DATE_TIME)),
        resolution=_resolution(tiff, entries) or _resolution(tiff, first),
        pages=len(parsed.directories),
        page=page,
        warnings=page.doubts,
        notes=choice.notes,
    )
