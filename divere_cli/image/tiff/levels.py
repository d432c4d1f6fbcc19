"""Black, white and crop of a linear DNG.

Source: Adobe DNG specification 1.7.1, chapter 5 (mapping raw values to linear
reference values) and the descriptions of the tags. No decoder, no numpy.
"""

from __future__ import annotations

import math
from dataclasses import replace

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image.ifd.reader import Tiff
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.layout import Levels, Page, Tag
from divere_cli.image.tiff.page import MAX_SAMPLES

Entries = dict[int, Tag]
_MOST_BLACKS = 1024
_MOST_CODE = 65_535  # largest value of a LinearizationTable
_WHOLE_CROP = (0.0, 0.0, 1.0, 1.0)
_OPCODES = {
    TiffTag.OPCODE_LIST_1: "OpcodeList1",
    TiffTag.OPCODE_LIST_2: "OpcodeList2",
    TiffTag.OPCODE_LIST_3: "OpcodeList3",
}


def with_levels(tiff: Tiff, page: Page, entries: Entries) -> Page:
    """Add black, white and crop from its DNG tags to a page.

    Parameters
    ----------
    tiff : Tiff
        The open TIFF structure.
    page : Page
        One picture of the TIFF.
    entries : Entries
        Entries of the page's directory.

    Raises
    ------
    CorruptInput
        Black, white, active area or crop is not possible.
    Unsupported
        Rows, columns or tiles are interleaved.
    """
    if not 1 <= page.samples <= MAX_SAMPLES:
        raise Unsupported(f"{page.samples} samples a pixel; 1 to {MAX_SAMPLES} can be read")
    _check_interleaving(tiff, entries)
    active = _active(tiff, page, entries.get(TiffTag.ACTIVE_AREA))
    repeat = _numbers(tiff, entries.get(TiffTag.BLACK_LEVEL_REPEAT), 2) or (1.0, 1.0)
    if len(repeat) != 2 or not all(1 <= side <= 64 for side in repeat):
        raise CorruptInput("BlackLevelRepeatDim is not possible")
    rows, columns = int(repeat[0]), int(repeat[1])
    levels = Levels(
        linearization=entries.get(TiffTag.LINEARIZATION_TABLE),
        repeat=(rows, columns),
        black=_black(tiff, page, entries.get(TiffTag.BLACK_LEVEL), rows * columns),
        delta_h=entries.get(TiffTag.BLACK_LEVEL_DELTA_H),
        delta_v=entries.get(TiffTag.BLACK_LEVEL_DELTA_V),
        white=_white(tiff, page, entries.get(TiffTag.WHITE_LEVEL)),
        active=active,
        crop=_crop(tiff, page, entries, active),
    )
    if any(white <= max(levels.black) for white in levels.white):
        raise CorruptInput("the white of the DNG is not above its black")
    highest = _MOST_CODE if levels.linearization else (1 << max(1, page.bits)) - 1
    if (
        page.sample != "float" and max(levels.white) > highest + 1
    ):  # some store the first code above white
        raise CorruptInput(f"WhiteLevel is {max(levels.white):.0f}; no code is above {highest}")
    return replace(page, levels=levels)


def warnings_of(tiff: Tiff, entries: Entries) -> list[str]:
    """Return warnings about corrections in the DNG that divere does not apply.

    Parameters
    ----------
    tiff : Tiff
        The open TIFF structure.
    entries : Entries
        Entries of the page's directory.
    """
    lists = [name for code, name in _OPCODES.items() if _has_opcodes(tiff, entries.get(code))]
    if not lists:
        return []
    return [f"corrections that the DNG lists ({', '.join(lists)}) are not applied"]


def notes_of(tiff: Tiff, entries: Entries) -> list[str]:
    """Return notes about what the DNG's tags say of its picture and divere leaves.

    Parameters
    ----------
    tiff : Tiff
        The open TIFF structure.
    entries : Entries
        Entries of the page's directory.
    """
    crop = _numbers(tiff, entries.get(TiffTag.DEFAULT_USER_CROP), 4)
    if not crop or crop == _WHOLE_CROP:
        return []
    return ["the crop that a user set in the DNG (DefaultUserCrop) is not applied"]


def _has_opcodes(tiff: Tiff, tag: Tag | None) -> bool:
    return tag is not None and tag.count >= 4 and any(tiff.values(tag, 4))


def _numbers(tiff: Tiff, tag: Tag | None, most: int) -> tuple[float, ...]:
    if tag is None:
        return ()
    return tuple(float(value) for value in tiff.values(tag, most))


def _check_interleaving(tiff: Tiff, entries: Entries) -> None:
    factors = (
        *_numbers(tiff, entries.get(TiffTag.ROW_INTERLEAVE_FACTOR), 1),
        *_numbers(tiff, entries.get(TiffTag.COLUMN_INTERLEAVE_FACTOR), 1),
        *_numbers(tiff, entries.get(TiffTag.SUB_TILE_BLOCK_SIZE), 2),
    )
    if any(factor != 1 for factor in factors):
        raise Unsupported(
            "a DNG whose rows or columns are interleaved",
            hint="convert it with Adobe DNG Converter, or export a 16-bit TIFF",
        )


def _active(tiff: Tiff, page: Page, tag: Tag | None) -> tuple[int, int, int, int]:
    if tag is None:
        return 0, 0, page.height, page.width
    edges = _numbers(tiff, tag, 4)
    if len(edges) == 4:
        top, left, bottom, right = (int(value) for value in edges)
        if 0 <= top < bottom <= page.height and 0 <= left < right <= page.width:
            return top, left, bottom, right
    raise CorruptInput("the ActiveArea of the DNG is not within its picture")


def _black(tiff: Tiff, page: Page, tag: Tag | None, pattern: int) -> tuple[float, ...]:
    count = pattern * page.samples
    levels = _numbers(tiff, tag, _MOST_BLACKS) or (0.0,)
    if not all(math.isfinite(value) for value in levels):
        raise CorruptInput("BlackLevel is not a finite number")
    if len(levels) == count:
        return levels
    if len(set(levels)) == 1:  # one for all samples, as many writers have it
        return (levels[0],) * count
    raise CorruptInput(f"BlackLevel has {len(levels)} values instead of {count}")


def _white(tiff: Tiff, page: Page, tag: Tag | None) -> tuple[float, ...]:
    full = 1.0 if page.sample == "float" else float((1 << max(1, page.bits)) - 1)
    levels = _numbers(tiff, tag, page.samples) or (full,)
    if len(levels) < page.samples:
        if len(set(levels)) > 1:
            raise CorruptInput(f"WhiteLevel has {len(levels)} values instead of {page.samples}")
        levels = (levels[0],) * page.samples
    if not all(math.isfinite(value) and value > 0 for value in levels):
        raise CorruptInput("WhiteLevel is not a number above 0")
    return levels


def _crop(
    tiff: Tiff, page: Page, entries: Entries, active: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    """Return the crop: DefaultCrop, relative to the active area, or else the active area."""
    top, left, bottom, right = active
    origin = _numbers(tiff, entries.get(TiffTag.DEFAULT_CROP_ORIGIN), 2)
    size = _numbers(tiff, entries.get(TiffTag.DEFAULT_CROP_SIZE), 2)
    if not origin and not size:
        return left, top, right - left, bottom - top
    x, y = (round(value) for value in (origin if len(origin) == 2 else (0, 0)))
    room = (right - left - x, bottom - top - y)
    width, height = (round(value) for value in (size if len(size) == 2 else room))
    if x < 0 or y < 0 or not (0 < width <= room[0] and 0 < height <= room[1]):
        raise CorruptInput("the DefaultCrop of the DNG is not within its ActiveArea")
    return left + x, top + y, width, height
