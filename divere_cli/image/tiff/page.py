"""Reads one directory as a Page: the values of its tags, and impossible ones among them.

Covers reading the tags of one directory, with a fault for each impossible number and a doubt for
each ambiguous one. Not covered: whether the page is the picture (:mod:`divere_cli.image.pages`)
and whether it can be read (:mod:`divere_cli.image.tiff.checks`). No decoder, no numpy.
"""

from __future__ import annotations

import math

from divere_cli.image.ifd.reader import Directory, Tiff
from divere_cli.image.ifd.tags import Compression, Photometric, Subfile, TiffTag
from divere_cli.image.layout import Page, Sample, Tag

MAX_SAMPLES = 8
# tags with one integer value; with another count the value would be an offset
_SINGLE = (
    TiffTag.IMAGE_WIDTH,
    TiffTag.IMAGE_LENGTH,
    TiffTag.COMPRESSION,
    TiffTag.PHOTOMETRIC,
    TiffTag.FILL_ORDER,
    TiffTag.SAMPLES_PER_PIXEL,
    TiffTag.ROWS_PER_STRIP,
    TiffTag.PLANAR_CONFIGURATION,
    TiffTag.PREDICTOR,
    TiffTag.TILE_WIDTH,
    TiffTag.TILE_LENGTH,
)
_DECISIVE = {
    *_SINGLE,
    TiffTag.BITS_PER_SAMPLE,
    TiffTag.STRIP_OFFSETS,
    TiffTag.STRIP_BYTE_COUNTS,
    TiffTag.TILE_OFFSETS,
    TiffTag.TILE_BYTE_COUNTS,
    TiffTag.SAMPLE_FORMAT,
    TiffTag.EXTRA_SAMPLES,
    TiffTag.COLOR_MAP,
    TiffTag.MAX_SAMPLE_VALUE,
    TiffTag.BLACK_LEVEL,
    TiffTag.WHITE_LEVEL,
    TiffTag.LINEARIZATION_TABLE,
}
_WHOLE_NUMBERS = {1, 3, 4, 6, 8, 9, 13, 16, 17, 18}
_MOST_BITS = 16  # samples whose bits are compared


def page_of(tiff: Tiff, directory: Directory) -> Page:
    """Return the values of a directory in TIFF's own numbers, without judging them.

    Parameters
    ----------
    tiff : Tiff
        The open TIFF structure.
    directory : Directory
        The directory.
    """
    entries = directory.entries

    def number(code: int, default: int) -> int:
        return int(tiff.number(entries.get(code), default))

    notices = _doubled(directory)
    compression, photometric = number(TiffTag.COMPRESSION, 1), number(TiffTag.PHOTOMETRIC, -1)
    samples = number(TiffTag.SAMPLES_PER_PIXEL, 1)
    bits = _same(tiff, entries.get(TiffTag.BITS_PER_SAMPLE), samples, 1)
    height = number(TiffTag.IMAGE_LENGTH, 0)
    rows = min(number(TiffTag.ROWS_PER_STRIP, height), height)
    tiled = TiffTag.TILE_WIDTH in entries or TiffTag.TILE_OFFSETS in entries
    offsets = entries.get(TiffTag.TILE_OFFSETS if tiled else TiffTag.STRIP_OFFSETS)
    counts = entries.get(TiffTag.TILE_BYTE_COUNTS if tiled else TiffTag.STRIP_BYTE_COUNTS)
    stream = entries.get(TiffTag.JPEG_INTERCHANGE_FORMAT)
    if compression == Compression.OLD_JPEG and stream is not None:
        # the whole picture is one JPEG stream, whatever the strips say
        offsets, counts = stream, entries.get(TiffTag.JPEG_INTERCHANGE_FORMAT_LENGTH)
        rows, tiled = height, False
        photometric = Photometric.YCBCR if samples == 3 else photometric
    planar = number(TiffTag.PLANAR_CONFIGURATION, 1)
    if planar not in (1, 2):
        notices.append(f"PlanarConfiguration is {planar}; samples are taken as interleaved")
    return Page(
        ifd=directory.offset,
        subfile=_subfile(tiff, entries),
        width=number(TiffTag.IMAGE_WIDTH, 0),
        height=height,
        samples=samples,
        bits=bits,
        sample=_sample(_same(tiff, entries.get(TiffTag.SAMPLE_FORMAT), samples, 1)),
        photometric=photometric,
        compression=compression,
        predictor=number(TiffTag.PREDICTOR, 1),
        planar=planar == 2 and samples > 1,
        rows_per_strip=rows,
        tile=(number(TiffTag.TILE_WIDTH, 0), number(TiffTag.TILE_LENGTH, 0)) if tiled else None,
        extras=_numbers(tiff, entries.get(TiffTag.EXTRA_SAMPLES), MAX_SAMPLES),
        orientation=number(TiffTag.ORIENTATION, 1),
        offsets=offsets,
        counts=counts,
        tables=entries.get(TiffTag.JPEG_TABLES),
        fill_order=number(TiffTag.FILL_ORDER, 1),
        number=_page_number(tiff, entries.get(TiffTag.PAGE_NUMBER)),
        sub=directory.sub,
        colors=entries.get(TiffTag.COLOR_MAP),
        white=_white(tiff, entries, bits, notices),
        subsampling=_subsampling(tiff, entries.get(TiffTag.YCBCR_SUBSAMPLING), photometric),
        faults=tuple(_faults(directory, samples, photometric)),
        doubts=tuple(notices),
    )


def _doubled(directory: Directory) -> list[str]:
    return [
        f"{_name(code)} stands in the directory twice with two values; the first is taken"
        for code in directory.doubled
        if code in _DECISIVE
    ]


def _faults(directory: Directory, samples: int, photometric: int) -> list[str]:
    entries = directory.entries
    faults = [
        f"the entry of {_name(code)} is damaged"
        for code in directory.damaged
        if code in _DECISIVE and code not in directory.doubled
    ]
    faults += [
        f"{_name(code)} has {entries[code].count} values of TIFF type {entries[code].kind}"
        " and not one whole number"
        for code in _SINGLE
        if code in entries
        and (entries[code].count != 1 or entries[code].kind not in _WHOLE_NUMBERS)
    ]
    if TiffTag.BITS_PER_SAMPLE not in entries and (
        samples >= 3 or photometric in (Photometric.CFA, Photometric.LINEAR_RAW)
    ):
        faults.append("BitsPerSample is missing")
    return faults


def _name(code: int) -> str:
    """``ImageWidth (256)``: as the specification writes it."""
    words = TiffTag(code).name.split("_")
    return f"{''.join(word.capitalize() for word in words)} ({code})"


def _same(tiff: Tiff, tag: Tag | None, samples: int, default: int) -> int:
    """Return the number that all samples share, or -1."""
    if tag is None:
        return default
    values = set(tiff.values(tag, min(max(samples, 1), _MOST_BITS)))
    return int(tiff.number(tag, -1)) if len(values) == 1 else -1


def _sample(code: int) -> Sample | None:
    return {1: "uint", 4: "uint", 3: "float"}.get(code)  # type: ignore[return-value]


def _subfile(tiff: Tiff, entries: dict[int, Tag]) -> int:
    """Return NewSubfileType, or its equivalent of the older SubfileType."""
    if TiffTag.NEW_SUBFILE_TYPE in entries:
        return int(tiff.number(entries[TiffTag.NEW_SUBFILE_TYPE], 0))
    old = int(tiff.number(entries.get(TiffTag.SUBFILE_TYPE), 1))
    return {2: int(Subfile.REDUCED), 3: int(Subfile.PAGE)}.get(old, 0)


def _numbers(tiff: Tiff, tag: Tag | None, most: int) -> tuple[int, ...]:
    if tag is None:
        return ()
    return tuple(int(value) for value in tiff.values(tag, most) if math.isfinite(value))


def _page_number(tiff: Tiff, tag: Tag | None) -> tuple[int, int] | None:
    numbers = _numbers(tiff, tag, 2)
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _white(tiff: Tiff, entries: dict[int, Tag], bits: int, notices: list[str]) -> int:
    """Return MaxSampleValue if it is a white: equal for all samples, with black at 0."""
    limits = (TiffTag.MIN_SAMPLE_VALUE, TiffTag.MAX_SAMPLE_VALUE)
    if TiffTag.MAX_SAMPLE_VALUE not in entries:
        limits = (TiffTag.S_MIN_SAMPLE_VALUE, TiffTag.S_MAX_SAMPLE_VALUE)
    lowest, highest = (_numbers(tiff, entries.get(code), MAX_SAMPLES) for code in limits)
    format_ = _same(tiff, entries.get(TiffTag.SAMPLE_FORMAT), 1, 1)
    if not highest or not 1 < bits <= 32 or format_ != 1:
        return 0
    full = (1 << bits) - 1
    if all(value in (0, full) or value > full for value in highest):
        return 0
    if len(set(highest)) > 1 or any(lowest):
        listed = ", ".join(str(value) for value in highest)
        notices.append(
            f"MaxSampleValue ({listed}) is taken as the brightest sample of the picture, "
            "not as white"
        )
        return 0
    return highest[0]


def _subsampling(tiff: Tiff, tag: Tag | None, photometric: int) -> tuple[int, int]:
    """Return how many pixels share their chroma, across and down; TIFF's default is 2 x 2."""
    if photometric != Photometric.YCBCR:
        return (1, 1)
    factors = _numbers(tiff, tag, 2)
    return (factors[0], factors[1]) if len(factors) == 2 else (2, 2)
