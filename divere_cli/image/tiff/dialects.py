"""Chooses the picture page of a TIFF, by the program or the camera that wrote it.

Covers camera raw files that are TIFF inside (left to LibRaw), linear DNG (read
by our own reader), Nikon Scan NEF (the scan is a sub-directory), Imacon and
Hasselblad ``.fff``, SilverFast HDR and HDRi (infrared as a further page),
VueScan. By tags only, never by content; what any TIFF's pages are is told by
:mod:`divere_cli.image.pages`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from divere_cli.errors import Unsupported
from divere_cli.image import pages as roles
from divere_cli.image.ifd.tags import Photometric, Subfile, TiffTag
from divere_cli.image.layout import Page
from divere_cli.image.pages import Picture, area

RAW_SUFFIXES = frozenset(
    {
        ".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".fff", ".iiq",
        ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf",
        ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
    }
)  # fmt: skip
# film scanners use these suffixes, too; others are of cameras, also without a sensor page (CR2)
_PLAIN = (Photometric.RGB, Photometric.MIN_IS_BLACK)
_RENDERED = "a DNG without raw samples: its picture is read as a TIFF's"
SCANNER_SUFFIXES = frozenset({".fff", ".nef"})
CAMERA_SUFFIXES = RAW_SUFFIXES - SCANNER_SUFFIXES


@dataclass(frozen=True, slots=True)
class Identity:
    """The writer of the file: its name, texts of page 0, and the tag codes there."""

    path: str
    make: str
    model: str
    software: str
    codes: frozenset[int]

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.path)[1].lower()

    @property
    def silverfast(self) -> bool:
        return "silverfast" in self.software.lower()

    @property
    def infrared_last(self) -> bool:
        """Whether this program's fourth sample is infrared, even without a tag."""
        return self.silverfast or "vuescan" in self.software.lower()


@dataclass(frozen=True, slots=True)
class Choice:
    """The picture page of a file, its infrared page, and notes.

    ``kind`` is ``plain``, ``linear`` (demosaiced raw: our own reader) or ``sensor``
    (a mosaic, or a camera's file: LibRaw). ``pictures`` counts those of the file.
    """

    picture: Page
    infrared: Page | None = None
    variant: str = ""
    kind: Literal["plain", "linear", "sensor"] = "plain"
    pictures: int = 1
    notes: tuple[str, ...] = ()


def choose(pages: tuple[Page, ...], identity: Identity, picture: int = 0) -> Choice:
    """Choose the picture page.

    Parameters
    ----------
    pages : tuple of Page
    identity : Identity
    picture : int
        Index of the picture in the file, from 0.

    Raises
    ------
    Unsupported
        The file has no such picture.
    """
    sensor = _of(pages, Photometric.CFA)
    linear = [] if sensor else _of(pages, Photometric.LINEAR_RAW)
    dng = TiffTag.DNG_VERSION in identity.codes
    rendered = dng and not sensor and any(map(_is_rendered, pages))
    if not (linear or rendered) and (dng or sensor or identity.suffix in CAMERA_SUFFIXES):
        # the .fff of a digital back is not that of a Flextight
        suffix = {".fff": "hasselblad"}.get(identity.suffix, identity.suffix.lstrip("."))
        variant = "dng" if dng else suffix
        return Choice(max(sensor or pages, key=area), variant=variant, kind="sensor")
    sorted_pages = roles.sort(pages, identity.silverfast)
    pictures = sorted_pages.pictures
    if linear:
        pictures = tuple(each for each in pictures if each.page in linear) or tuple(
            Picture(page) for page in linear
        )
    elif identity.suffix in SCANNER_SUFFIXES:
        pictures = (max(pictures, key=lambda each: area(each.page)),)
    if picture >= len(pictures):
        raise Unsupported(f"the file has {len(pictures)} pictures and no picture {picture + 1}")
    chosen = pictures[picture]
    return Choice(
        picture=chosen.page,
        infrared=chosen.infrared,
        variant="dng" if linear else _variant(identity, chosen.infrared is not None),
        kind="linear" if linear else "plain",
        pictures=len(pictures),
        notes=(
            *sorted_pages.notes,
            *_note_on_rest(sorted_pages.pictures, pictures),
            *([_RENDERED] if rendered and not linear else []),
        ),
    )


def _is_rendered(page: Page) -> bool:
    """Return whether a DNG's page is a picture that is neither raw nor a preview."""
    return page.photometric in _PLAIN and not page.subfile & ~Subfile.PAGE


def is_preview(picture: Page, pages: tuple[Page, ...], identity: Identity) -> bool:
    """Return whether the chosen picture may be a preview, if further pages cannot be read.

    Parameters
    ----------
    picture : Page
        The chosen page.
    pages : tuple of Page
        All pages.
    identity : Identity
        Maker, model and program of the scan.
    """
    may_hide = identity.suffix in SCANNER_SUFFIXES or TiffTag.DNG_VERSION in identity.codes
    first = picture is pages[0] and may_hide
    return first or bool(picture.subfile & Subfile.REDUCED)


def _of(pages: tuple[Page, ...], photometric: Photometric) -> list[Page]:
    """Return the pages of a kind, without reduced copies if there are others."""
    matching = [page for page in pages if page.photometric == photometric]
    return [page for page in matching if not page.subfile & Subfile.REDUCED] or matching


def _variant(identity: Identity, infrared: bool) -> str:
    if identity.suffix == ".fff":
        return "fff"
    if identity.suffix == ".nef":
        return "nikon-scan"
    if identity.silverfast:
        return "hdri" if infrared else "hdr"
    if "vuescan" in identity.software.lower():
        return "vuescan"
    return ""


def _note_on_rest(pictures: tuple[Picture, ...], chosen: tuple[Picture, ...]) -> tuple[str, ...]:
    count = len(pictures) - len(chosen)
    if count <= 0:
        return ()
    return (f"{count} further page{'s' if count > 1 else ''} left out",)
