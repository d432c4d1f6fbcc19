"""Which page of a TIFF is the picture, by the program or the camera that wrote it.

Covers camera raw files that are TIFF inside (left to LibRaw), Nikon Scan NEF
(the scan is a sub-directory), Imacon and Hasselblad ``.fff``, SilverFast HDR
and HDRi (infrared as a further page), VueScan. By tags only, never by content.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from divere_cli.image.layout import Page

DNG_VERSION = 50706
LINEAR_RAW = 34892
RAW_PHOTOMETRICS = (32803, LINEAR_RAW)
RAW_SUFFIXES = frozenset(
    {
        ".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".fff", ".iiq",
        ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf",
        ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    }
)  # fmt: skip
# film scanners write these, too; the others are cameras', also without a sensor page (CR2)
SCANNER_SUFFIXES = frozenset({".fff", ".nef"})
CAMERA_SUFFIXES = RAW_SUFFIXES - SCANNER_SUFFIXES
REDUCED, MASK = 1, 4


@dataclass(frozen=True, slots=True)
class Identity:
    """Who wrote the file: its name, texts of page 0, and the tag codes there."""

    path: str
    make: str
    model: str
    software: str
    codes: frozenset[int]

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.path)[1].lower()


@dataclass(frozen=True, slots=True)
class Choice:
    """The picture among a file's pages, and what else was found."""

    picture: Page
    infrared: Page | None = None
    variant: str = ""
    raw: bool = False
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def choose(pages: tuple[Page, ...], identity: Identity) -> Choice:
    """Choose the picture page.

    Page 0, but for files whose page 0 says that it is a reduced copy, and for
    those of scanners that put a preview first: then the largest page that does
    not say so.
    """
    sensor = [page for page in pages if page.photometric in RAW_PHOTOMETRICS]
    if DNG_VERSION in identity.codes or sensor or identity.suffix in CAMERA_SUFFIXES:
        largest = max(sensor or pages, key=_area)
        variant = "dng" if DNG_VERSION in identity.codes else identity.suffix.lstrip(".")
        return Choice(picture=largest, variant=variant, raw=True)
    picture = pages[0]
    whole = [page for page in pages if not page.subfile & (REDUCED | MASK)]
    if whole and (picture.subfile & REDUCED or identity.suffix in SCANNER_SUFFIXES):
        picture = max(whole, key=_area)
    infrared = _infrared(pages, picture)
    return Choice(
        picture=picture,
        infrared=infrared,
        variant=_variant(identity, infrared is not None),
        warnings=_larger(whole, picture),
        notes=_notes(pages, picture, infrared),
    )


def is_preview(picture: Page, pages: tuple[Page, ...], identity: Identity) -> bool:
    """Whether what was chosen may be a preview only, where further pages cannot be read."""
    first = picture is pages[0] and identity.suffix in SCANNER_SUFFIXES
    return first or bool(picture.subfile & REDUCED)


def _area(page: Page) -> int:
    return page.width * page.height


def _infrared(pages: tuple[Page, ...], picture: Page) -> Page | None:
    for page in pages:
        same = (page.width, page.height, page.bits) == (picture.width, picture.height, picture.bits)
        one = page.samples == 1 and page.photometric in (0, 1, 4)
        if page is not picture and same and one and picture.samples == 3:
            return page
    return None


def _variant(identity: Identity, infrared: bool) -> str:
    if identity.suffix == ".fff":
        return "fff"
    if identity.suffix == ".nef":
        return "nikon-scan"
    if "silverfast" in identity.software.lower():
        return "hdri" if infrared else "hdr"
    if "vuescan" in identity.software.lower():
        return "vuescan"
    return ""


def _larger(whole: list[Page], picture: Page) -> tuple[str, ...]:
    largest = max(whole, key=_area, default=picture)
    if _area(largest) <= _area(picture):
        return ()
    return (
        f"a further page is larger ({largest.width} x {largest.height}); the first is taken as"
        " the picture because it does not say that it is a preview",
    )


def _notes(pages: tuple[Page, ...], picture: Page, infrared: Page | None) -> tuple[str, ...]:
    others = [page for page in pages if page is not picture and page is not infrared]
    whole = sum(not page.subfile & (REDUCED | MASK) for page in others)
    if not whole:
        return ()
    return (f"{whole} further page{'s' if whole > 1 else ''} left out",)
