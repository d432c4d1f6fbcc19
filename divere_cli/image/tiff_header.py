"""From TIFF directories to a Header: what the picture page is, and whether it can be read.

Covers the meaning of the tags, the choice of the picture among pages and
sub-directories, and the checks that need no table of segments (those are in
:mod:`divere_cli.image.tiff_segments`). No decoder, no numpy.
"""

from __future__ import annotations

import math

from divere_cli.errors import CorruptInput, LimitExceeded, ScanError, Unsupported
from divere_cli.image import tiff_dialects
from divere_cli.image.layout import Extra, Header, Page, Resolution, Sample, Tag
from divere_cli.image.source import Source
from divere_cli.image.tiff_tags import Directory, Tiff, parse, size_of

COMPRESSIONS = {
    1: "none",
    5: "lzw",
    7: "jpeg",
    8: "deflate",
    32773: "packbits",
    32946: "deflate",
    50000: "zstd",
}
OTHER_COMPRESSIONS = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "old JPEG", 33003: "JPEG 2000", 33005: "JPEG 2000",
    34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG", 34925: "LZMA", 34926: "old zstd",
    50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
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
SAMPLES = (("uint", 8), ("uint", 16), ("float", 16), ("float", 32))
MIN_IS_WHITE, MIN_IS_BLACK, RGB, YCBCR = 0, 1, 2, 6
JPEG = 7
MAX_SAMPLES = 8
MAX_SEGMENTS = 1 << 20
# a deflate stream expands 1032 times at most; a scan, with its grain, 3 times
BOMB_RATIO = 500
BOMB_BYTES = 100_000_000


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
    identity = tiff_dialects.Identity(
        path=path,
        make=tiff.text(first.get(271)),
        model=tiff.text(first.get(272)),
        software=tiff.text(first.get(305)),
        codes=frozenset(first),
    )
    choice = tiff_dialects.choose(pages, identity)
    if choice.raw:
        return _raw(source, tiff, identity, choice, pages)
    page = choice.picture
    check_size(page.width, page.height, max_pixels)
    channels, assumed = _channels(page)
    _check_page(tiff, page)
    entries = next(d.entries for d in directories if d.offset == page.ifd)
    infrared, lost = _readable(tiff, choice.infrared)
    extra, supposed = _extra(page, channels, infrared is not None)
    warnings = [*assumed, *supposed, *choice.warnings, *lost]
    if cut:
        warnings.append("the chain of TIFF pages is broken or endless; the rest was left out")
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


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise LimitExceeded unless the sides are sane and the area is within the limit."""
    if not (0 < width <= 200_000 and 0 < height <= 200_000):
        raise LimitExceeded(
            f"the header says {width} x {height} pixels; a side must be 1 to 200000",
            hint="the file may be damaged",
        )
    if width * height > max_pixels:
        raise LimitExceeded(f"{width} x {height} pixels are more than the limit of {max_pixels}")


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
        _check_page(tiff, page)
    except ScanError as error:
        return None, [f"the infrared page cannot be read: {error.message}"]
    return page, []


def _check_page(tiff: Tiff, page: Page) -> None:
    _check_storage(page)
    _check_segments(page)
    _check_expansion(page, tiff.source.size)
    _check_last_segment(tiff, page)


def _check_storage(page: Page) -> None:
    if page.compression not in COMPRESSIONS:
        name = OTHER_COMPRESSIONS.get(page.compression, "unknown")
        raise Unsupported(f"TIFF compression {page.compression} ({name}) cannot be read")
    if (page.sample, page.bits) not in SAMPLES:
        raise Unsupported(_said_of_bits(page))
    if page.compression == JPEG and (page.bits, page.sample) != (8, "uint"):
        raise Unsupported("a JPEG-compressed TIFF of more than 8 bits a sample")
    if page.compression == JPEG and not page.planar and page.samples not in (1, 3):
        raise Unsupported(f"a JPEG-compressed TIFF of {page.samples} samples a pixel")
    if page.photometric == YCBCR and page.compression != JPEG:
        raise Unsupported("the picture is stored as YCbCr without JPEG compression")
    if page.fill_order != 1:
        raise Unsupported("the bits are stored in reverse order (FillOrder 2)")
    allowed = (1, 2) if page.sample == "uint" else (1, 2, 3)
    if page.predictor not in allowed and page.compression not in (1, JPEG, 32773):
        raise Unsupported(f"TIFF predictor {page.predictor} cannot be read")


def _said_of_bits(page: Page) -> str:
    if page.bits < 0 or page.sample is None:
        return "samples of different or unknown kinds in one pixel"
    return f"{page.bits}-bit {'integer' if page.sample == 'uint' else 'float'} samples"


def _check_segments(page: Page) -> None:
    name = page.segment_name
    if page.tile is not None and not (
        all(0 < side <= 65536 and side % 8 == 0 for side in page.tile)
        and page.tile[0] * page.tile[1] <= 1 << 28
    ):
        raise CorruptInput(f"tiles of {page.tile[0]} x {page.tile[1]} pixels")
    if page.tile is None and page.rows_per_strip < 1:
        raise CorruptInput("strips of no rows")
    if page.segments > MAX_SEGMENTS:
        raise LimitExceeded(
            f"{page.segments} {name}s; the limit is {MAX_SEGMENTS}",
            hint="save it with larger strips or tiles",
        )
    for tag in (page.offsets, page.counts):
        if tag is None or not tag.count:
            raise CorruptInput(f"the table of {name}s is missing")
        if tag.count < page.segments or tag.kind not in (3, 4, 13, 16, 18):
            raise CorruptInput(
                f"the table of {name}s has {tag.count} entries instead of {page.segments}"
            )


def _check_last_segment(tiff: Tiff, page: Page) -> None:
    """A cut file mostly shows here already; the other segments are checked when it is read."""
    assert page.offsets is not None, "checked before"
    assert page.counts is not None, "checked before"
    last = page.segments - 1
    offset = int(tiff.value_at(page.offsets, last))
    count = int(tiff.value_at(page.counts, last))
    tiff.source.inside(offset, count, f"{page.segment_name} {last}")


def _check_expansion(page: Page, file_size: int) -> None:
    full = page.width * page.height * page.samples * page.bits // 8
    if page.compression == 1 and full > file_size:
        raise CorruptInput(f"{full} bytes of pixels cannot be in a file of {file_size}")
    if full > BOMB_BYTES and full > BOMB_RATIO * file_size:
        raise LimitExceeded(
            f"{file_size} bytes would expand to {full}; a scan does not compress like that",
            hint="save it without compression if it is meant",
        )


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
    source: Source,
    tiff: Tiff,
    identity: tiff_dialects.Identity,
    choice: tiff_dialects.Choice,
    pages: tuple[Page, ...],
) -> Header:
    page = choice.picture
    return Header(
        format="raw",
        width=page.width,
        height=page.height,
        channels=3,
        bits=16,
        file_size=source.size,
        compression="raw",
        big_endian=tiff.order == ">",
        variant=choice.variant,
        orientation=pages[0].orientation,
        make=identity.make,
        model=identity.model,
        software=identity.software,
        pages=len(pages),
        page=page,
        warnings=choice.warnings,
        notes=choice.notes,
    )
