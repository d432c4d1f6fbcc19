"""From TIFF directories to a Header: what the picture page is, and whether it can be read.

Covers the meaning of the tags. Which page is the picture is for
:mod:`divere_cli.image.tiff.dialects`, whether its storage can be read for
:mod:`divere_cli.image.tiff.checks`. No decoder, no numpy.
"""

from __future__ import annotations

import math

from divere_cli.errors import CorruptInput, ScanError, Unsupported
from divere_cli.image.ifd.reader import Directory, Tiff, parse, size_of
from divere_cli.image.layout import Extra, Header, Page, Resolution, Sample, Tag
from divere_cli.image.limits import check_size
from divere_cli.image.source import Source
from divere_cli.image.tiff import dialects
from divere_cli.image.tiff.checks import COMPRESSIONS, check_page

PHOTOMETRICS = {
    3: "a color palette",
    4: "a mask",
    5: "CMYK separations",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "a color filter array",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear camera raw",
}
MIN_IS_WHITE, MIN_IS_BLACK, RGB, YCBCR = 0, 1, 2, 6
MAX_SAMPLES = 8


def read(source: Source, path: str, max_pixels: int) -> Header:
    """Read the header of a TIFF file.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    tiff = parse(source)
    directories, cut = tiff.chain()
    pages = tuple(page_of(tiff, directory) for directory in directories)
    first = directories[0].entries
    identity = dialects.Identity(
        path=path,
        make=tiff.text(first.get(271)),
        model=tiff.text(first.get(272)),
        software=tiff.text(first.get(305)),
        codes=frozenset(first),
    )
    choice = dialects.choose(pages, identity)
    if choice.raw:
        return _raw(tiff, identity, choice, directories)
    page = choice.picture
    if cut and dialects.is_preview(page, pages, identity):
        raise CorruptInput("the chain of TIFF pages breaks off before the picture")
    check_size(page.width, page.height, max_pixels)
    channels, assumed = _channels(page)
    check_page(tiff, page)
    entries = _entries(directories, page)
    infrared, lost = _readable(tiff, choice.infrared)
    extra, supposed = _extra(page, channels, infrared is not None)
    warnings = [*assumed, *supposed, *choice.warnings, *lost]
    if cut:
        warnings.append("the chain of TIFF pages is broken or too long; the rest was left out")
    return Header(
        format="tiff",
        width=page.width,
        height=page.height,
        channels=channels,
        bits=page.bits,
        file_size=source.size,
        sample=page.sample or "uint",
        extra=extra,
        compression=COMPRESSIONS[page.compression],
        planar=page.planar,
        inverted=page.photometric == MIN_IS_WHITE,
        big_endian=tiff.order == ">",
        variant=choice.variant or ("bigtiff" if tiff.big else "tiff"),
        orientation=page.orientation,
        resolution=_resolution(tiff, entries),
        icc=_place(entries.get(34675)),
        make=identity.make,
        model=identity.model,
        software=identity.software,
        date=tiff.text(first.get(306)),
        pages=len(pages),
        page=page,
        infrared_page=infrared,
        warnings=tuple(warnings),
        notes=choice.notes,
    )


def _entries(directories: tuple[Directory, ...], page: Page) -> dict[int, Tag]:
    return next(d.entries for d in directories if d.offset == page.ifd)


def page_of(tiff: Tiff, directory: Directory) -> Page:
    """Read one directory's facts, in TIFF's own numbers; nothing is judged but its readability."""
    entries = directory.entries

    def one(code: int, default: int) -> int:
        return int(tiff.number(entries.get(code), default))

    samples = one(277, 1)
    bits = _same(tiff, entries.get(258), samples, 1, "bits")
    tile = (one(322, 0), one(323, 0)) if 322 in entries or 324 in entries else None
    height = one(257, 0)
    return Page(
        ifd=directory.offset,
        subfile=one(254, 0),
        width=one(256, 0),
        height=height,
        samples=samples,
        bits=bits,
        sample=_sample(_same(tiff, entries.get(339), samples, 1, "sample format")),
        photometric=one(262, -1),
        compression=one(259, 1),
        predictor=one(317, 1),
        planar=one(284, 1) == 2 and samples > 1,
        rows_per_strip=min(one(278, height), height),
        tile=tile,
        extras=tuple(int(v) for v in tiff.values(entries[338], MAX_SAMPLES) if math.isfinite(v))
        if 338 in entries
        else (),
        orientation=one(274, 1),
        offsets=entries.get(273 if tile is None else 324),
        counts=entries.get(279 if tile is None else 325),
        tables=entries.get(347),
        fill_order=one(266, 1),
    )


def _same(tiff: Tiff, tag: Tag | None, samples: int, default: int, what: str) -> int:
    if tag is None:
        return default
    values = set(tiff.values(tag, min(max(samples, 1), 16)))
    return int(tiff.number(tag, -1)) if len(values) == 1 else -1


def _sample(code: int) -> Sample | None:
    return {1: "uint", 4: "uint", 3: "float"}.get(code)  # type: ignore[return-value]


def _channels(page: Page) -> tuple[int, list[str]]:
    name = PHOTOMETRICS.get(page.photometric)
    if name is not None:
        raise Unsupported(f"the picture is stored as {name}")
    if not 1 <= page.samples <= MAX_SAMPLES:
        raise Unsupported(f"{page.samples} samples a pixel; 1 to {MAX_SAMPLES} can be read")
    if page.photometric in (MIN_IS_WHITE, MIN_IS_BLACK):
        return 1, []
    if page.photometric in (RGB, YCBCR):
        if page.samples < 3:
            raise CorruptInput(f"an RGB picture with {page.samples} samples a pixel")
        return 3, []
    if page.photometric != -1:
        raise Unsupported(f"unknown photometric interpretation {page.photometric}")
    channels = 1 if page.samples < 3 else 3
    said = "gray" if channels == 1 else "RGB"
    return channels, [f"no photometric interpretation is stored; taken as {said}"]


def _readable(tiff: Tiff, page: Page | None) -> tuple[Page | None, list[str]]:
    """Infrared that cannot be read is left out and said; the picture does not suffer from it."""
    if page is None:
        return None, []
    try:
        check_page(tiff, page)
    except ScanError as error:
        return None, [f"the infrared page cannot be read: {error.message}"]
    return page, []


def _extra(page: Page, channels: int, separate: bool) -> tuple[tuple[Extra, ...], list[str]]:
    known: dict[int, Extra] = {0: "infrared", 1: "alpha", 2: "alpha"}
    extra: list[Extra] = []
    warnings: list[str] = []
    for index in range(page.samples - channels):
        code = page.extras[index] if index < len(page.extras) else -1
        extra.append(known.get(code, "unknown"))
        if code == 1:
            warnings.append("alpha is premultiplied (ExtraSamples 1); color is taken as stored")
        if code not in known:
            warnings.append(f"sample {channels + index + 1} of each pixel is of unknown meaning")
    return (*extra, *(("infrared",) if separate else ())), warnings


def _resolution(tiff: Tiff, entries: dict[int, Tag]) -> Resolution | None:
    if 282 not in entries or 283 not in entries:
        return None
    x, y = (float(tiff.number(entries[code], 0)) for code in (282, 283))
    unit = int(tiff.number(entries.get(296), 2))
    if not (0 < x < 1e6 and 0 < y < 1e6):
        return None
    return Resolution(x=x, y=y, unit=unit if unit in (1, 2, 3) else 2)


def _place(tag: Tag | None) -> tuple[int, int] | None:
    return None if tag is None else (tag.offset, size_of(tag))


def _raw(
    tiff: Tiff,
    identity: dialects.Identity,
    choice: dialects.Choice,
    directories: tuple[Directory, ...],
) -> Header:
    page, first = choice.picture, directories[0].entries
    entries = _entries(directories, page)
    # scanners write linear DNG: gray, RGB, or RGB with infrared
    linear = page.photometric == dialects.LINEAR_RAW
    channels = 1 if linear and page.samples < 3 else 3
    extra, supposed = _extra(page, channels, separate=False) if linear else ((), [])
    return Header(
        format="raw",
        width=page.width,
        height=page.height,
        channels=channels,
        bits=16,
        file_size=tiff.source.size,
        extra=extra,
        compression="raw",
        big_endian=tiff.order == ">",
        variant=choice.variant,
        orientation=int(tiff.number(first.get(274), 1)),
        make=identity.make,
        model=identity.model,
        software=identity.software,
        date=tiff.text(first.get(306)),
        resolution=_resolution(tiff, entries) or _resolution(tiff, first),
        pages=len(directories),
        page=page,
        warnings=(*supposed, *choice.warnings),
        notes=choice.notes,
    )
