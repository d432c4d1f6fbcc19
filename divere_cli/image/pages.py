"""Sorts the pages of a file: pictures, thumbnails, masks and infrared.

Covers the roles of a file's pages: first by their tags, then by their sizes and the program that
wrote them. Decisions without a tag are noted. Pure functions of plain records: nothing here opens
a file. Not covered: camera raw and scanners with habits of their own
(:mod:`divere_cli.image.tiff.dialects`).
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.image.ifd.tags import Photometric, Subfile
from divere_cli.image.layout import Page

_GRAY = (Photometric.MIN_IS_WHITE, Photometric.MIN_IS_BLACK, Photometric.MASK)
_NO_PICTURES = (Photometric.DEPTH_MAP, Photometric.SEMANTIC_MASK)
# a page with at most this share of the area is a preview, even with a border
_TINY = 16
_MOST_SAID = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a file, and the page of infrared that belongs to it."""

    page: Page
    infrared: Page | None = None


@dataclass(frozen=True, slots=True)
class Sorted:
    """The pictures of a file in their order, and notes on decisions without a tag."""

    pictures: tuple[Picture, ...]
    notes: tuple[str, ...] = ()


def sort(pages: tuple[Page, ...], silverfast: bool) -> Sorted:
    """Sort the pages of a file into pictures and others.

    Parameters
    ----------
    pages : tuple of Page
        All of a file's directories, at least one.
    silverfast : bool
        Whether SilverFast wrote it: then infrared is the page after a picture.

    Returns
    -------
    Sorted
        At least one picture: a file of nothing but thumbnails gives its largest.
    """
    notes: list[str] = []
    picture_pages = [page for page in pages if not _no_picture(page)]
    candidates = [page for page in picture_pages if not page.subfile & Subfile.MASK]
    candidates = [page for page in candidates if page.photometric != Photometric.MASK]
    if not candidates:
        return Sorted((Picture(max(pages, key=area)),))
    originals = [page for page in candidates if not _is_copy(page, candidates)]
    small = [page for page in candidates if page not in originals]
    halves = _halves(originals, small) if silverfast else {}
    small = [page for page in small if page not in halves.values()]
    notes += _notes_on_copies(pages, small)
    notes += [
        _note(pages, page, "is taken as infrared: gray, and of half the picture's size")
        for page in halves.values()
    ]
    masks = [page for page in picture_pages if page not in candidates]
    infrared = halves | _tagged(originals, masks)
    used = list(infrared.values())
    notes += [_note(pages, page, "is left out: a mask") for page in masks if page not in used]
    guessed = _guessed(originals, infrared, silverfast)
    notes += [
        _note(pages, page, "is taken as infrared: gray, and of the picture's size")
        for page in guessed.values()
    ]
    infrared |= guessed
    used += guessed.values()
    pictures = [Picture(page, infrared.get(page.ifd)) for page in originals if page not in used]
    return Sorted(tuple(pictures), tuple(notes))


def area(page: Page) -> int:
    """Return the number of pixels of a page.

    Parameters
    ----------
    page : Page
        One picture of the TIFF.
    """
    return page.width * page.height


def _no_picture(page: Page) -> bool:
    odd = page.photometric in _NO_PICTURES or bool(page.subfile & Subfile.DEPTH)
    return bool(page.subfile & Subfile.REDUCED) or odd


def _says_picture(page: Page, silverfast: bool = False) -> bool:
    """Return whether the tags declare a picture; tools number SilverFast's infrared (of 0)."""
    numbered = page.number is not None and (page.number[1] > 0 or not silverfast)
    return bool(page.subfile & Subfile.PAGE) or numbered


def _is_copy(page: Page, pages: list[Page]) -> bool:
    """Return whether an undeclared page is a smaller copy of another."""
    if _says_picture(page):
        return False
    return any(_smaller(page, larger) for larger in pages if larger is not page)


def _smaller(page: Page, larger: Page) -> bool:
    """Return whether a page is a half-size or smaller copy, is tiny, or is a sub-page."""
    if area(page) >= area(larger):
        return False
    if page.sub and not larger.sub:
        return True
    half = 2 * page.width <= larger.width + 1 and 2 * page.height <= larger.height + 1
    # same shape: the height scales like the width, to a pixel
    same = abs(page.height - larger.height * page.width / max(1, larger.width)) <= 1
    return half and (same or _TINY * area(page) <= area(larger))


def _fits(page: Page, picture: Page) -> bool:
    same = (page.width, page.height, page.bits) == (picture.width, picture.height, picture.bits)
    return same and page.samples == 1 and page.photometric in _GRAY


def _halves(pictures: list[Page], small: list[Page]) -> dict[int, Page]:
    """Return SilverFast's half-resolution infrared: gray pages with half a picture's sides."""
    infrared: dict[int, Page] = {}
    for picture in pictures:
        sides = [{side // 2, -(-side // 2)} for side in (picture.width, picture.height)]
        fitting = [
            page
            for page in small
            if page.width in sides[0] and page.height in sides[1] and page.bits == picture.bits
            and page.samples == 1 and page.photometric in _GRAY
        ]  # fmt: skip
        if picture.samples >= 3 and len(fitting) == 1 and fitting[0] not in infrared.values():
            infrared[picture.ifd] = fitting[0]
    return infrared


def _may_repair(page: Page, picture: Page) -> bool:
    """Return whether a page has the size of a picture or half of it, as stored infrared has."""
    rounds = (0, 1)
    half = any(
        (page.width, page.height) == ((picture.width + x) // 2, (picture.height + y) // 2)
        for x in rounds
        for y in rounds
    )
    gray = page.samples == 1 and page.photometric in _GRAY and page.bits == picture.bits
    return _fits(page, picture) or (half and gray)


def _tagged(pictures: list[Page], masks: list[Page]) -> dict[int, Page]:
    """Return pages tagged as masks that are infrared, by their size and bits."""
    infrared: dict[int, Page] = {}
    for mask in masks:
        for picture in pictures:
            if picture.ifd not in infrared and mask.bits > 1 and _may_repair(mask, picture):
                infrared[picture.ifd] = mask
                break
    return infrared


def _guessed(originals: list[Page], infrared: dict[int, Page], silverfast: bool) -> dict[int, Page]:
    """Return untagged gray pages that are infrared: one for each color picture, in order."""
    color = [page for page in originals if page.samples >= 3 and page.ifd not in infrared]
    gray = [page for page in originals if page.samples == 1]
    gray = [page for page in gray if not _says_picture(page, silverfast)]
    if color and len(color) == len(gray) and all(map(_fits, gray, color)):
        return {picture.ifd: page for picture, page in zip(color, gray, strict=True)}
    pairs = list(zip(gray[::2], gray[1::2], strict=False))
    alone = not color and not infrared and len(gray) == len(originals) and len(gray) % 2 == 0
    if silverfast and alone and all(_fits(page, picture) for picture, page in pairs):
        return {picture.ifd: page for picture, page in pairs}
    return {}


def _notes_on_copies(pages: tuple[Page, ...], small: list[Page]) -> list[str]:
    lines = [
        _note(pages, page, "is left out: a reduced copy, by its size")
        for page in small[:_MOST_SAID]
    ]
    more = len(small) - _MOST_SAID
    return [*lines, f"{more} more reduced copies left out"] if more > 0 else lines


def _note(pages: tuple[Page, ...], page: Page, text: str) -> str:
    number = next(index for index, each in enumerate(pages, 1) if each is page)
    return f"page {number} ({page.width} x {page.height}) {text}"
