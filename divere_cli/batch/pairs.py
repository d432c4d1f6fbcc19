"""Raw files with their JPEG, as written by a camera that is set to RAW+JPEG.

Detects that two files of one name are the same frame. The raw file is the scan; the JPEG
is left out with a warning, or graded under a name of its own. Other files of one name
are two scans for one output, see :mod:`.plan`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from divere_cli.image.tiff.dialects import RAW_SUFFIXES

if TYPE_CHECKING:
    from divere_cli.batch.walked import Scan, WalkResult

_COPIES = frozenset({".jpg", ".jpeg", ".heic", ".heif", ".hif"})
_MOST_NAMED = 3


def settle(result: WalkResult, *, both: bool) -> None:
    """Leave out the JPEGs of raw files, with a warning; with ``both``, mark them instead.

    Parameters
    ----------
    result : WalkResult
        The scans found in INPUT; changed in place.
    both : bool
        Whether raw files and JPEGs are graded.
    """
    raws = (scan for scan in result.scans if _suffix(scan) in RAW_SUFFIXES)
    raw = {_split(scan)[0] for scan in raws}
    if not raw:
        return
    copies = [
        scan for scan in result.scans if _split(scan)[1] in _COPIES and _split(scan)[0] in raw
    ]
    if not copies:
        return
    copy_ids = {id(scan) for scan in copies}
    if both:
        result.scans = [
            replace(scan, paired=True) if id(scan) in copy_ids else scan for scan in result.scans
        ]
        return
    result.scans = [scan for scan in result.scans if id(scan) not in copy_ids]
    result.warnings.append(_warning(copies))


def _split(scan: Scan) -> tuple[str, str]:
    """Return path without suffix, with case folded as on some file systems, and the suffix."""
    stem, suffix = os.path.splitext(scan.name)
    return stem.casefold(), suffix.lower()


def _suffix(scan: Scan) -> str:
    return scan.name[scan.name.rfind(".") :].lower()


def _warning(copies: list[Scan]) -> str:
    names = ", ".join(f"'{scan.name}'" for scan in copies[:_MOST_NAMED])
    more = f" and {len(copies) - _MOST_NAMED} more" if len(copies) > _MOST_NAMED else ""
    verb = "is" if len(copies) == 1 else "are"
    return (
        f"{names}{more} {verb} left out: the raw file of the same name is the scan"
        " (--pairs both grades both)"
    )
