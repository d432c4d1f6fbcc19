"""Raw files with their JPEG: what a camera that is set to RAW+JPEG leaves of one frame.

Covers telling that two files of one name are one frame. The raw is the scan; the
JPEG is left with a word, or graded under a name of its own. What it does not:
other files of one name, which are two scans for one output (:mod:`.plan`).
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from divere_cli.image.tiff.dialects import RAW_SUFFIXES

if TYPE_CHECKING:
    from divere_cli.batch.walked import Found, Scan

_COPIES = frozenset({".jpg", ".jpeg", ".heic", ".heif", ".hif"})
_MOST_NAMED = 3


def settle(found: Found, *, both: bool) -> None:
    """Leave out the JPEGs of raw files, with a note; with ``both``, mark them.

    Parameters
    ----------
    found : Found
        The scans that were found; changed in place.
    both : bool
        Whether raw files and JPEGs are graded.
    """
    raw = {stem for stem, suffix in map(_split, found.scans) if suffix in RAW_SUFFIXES}
    copies = [scan for scan in found.scans if _split(scan)[1] in _COPIES and _split(scan)[0] in raw]
    if not copies:
        return
    left = {id(scan) for scan in copies}
    if both:
        found.scans = [
            replace(scan, paired=True) if id(scan) in left else scan for scan in found.scans
        ]
        return
    found.scans = [scan for scan in found.scans if id(scan) not in left]
    found.warnings.append(_said(copies))


def _split(scan: Scan) -> tuple[str, str]:
    """Folder and stem, as file systems may compare them, and the suffix."""
    stem, suffix = os.path.splitext(scan.name)
    return stem.casefold(), suffix.lower()


def _said(copies: list[Scan]) -> str:
    names = ", ".join(f"'{scan.name}'" for scan in copies[:_MOST_NAMED])
    more = f" and {len(copies) - _MOST_NAMED} more" if len(copies) > _MOST_NAMED else ""
    what = "is" if len(copies) == 1 else "are"
    return (
        f"{names}{more} {what} left out: the raw file of the same name is the scan"
        " (--pairs both grades both)"
    )
