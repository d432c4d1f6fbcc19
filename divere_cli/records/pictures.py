"""Pictures of scans that lie beside a report's page, and the list of them there.

The list is what tells a later run which pictures are of which scan. What it does
not: writing files (:mod:`divere_cli.batch.report_pictures`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA = "divere-report-pictures/1"


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A small JPEG beside a report.

    ``of`` is as in ``Thumbnail``: empty for the scan itself. ``file`` is a hash of
    names and content, ``bytes`` its size.
    """

    of: str
    width: int
    height: int
    file: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ScanPictures:
    """The pictures of one scan, and the positives that they show.

    ``page`` is the picture of a file of several, from 1 on, else 0. ``positives``
    are path and SHA-256 (may be empty): other positives are not what the pictures show.
    """

    input: str
    page: int
    positives: tuple[tuple[str, str], ...]
    pictures: tuple[PictureFile, ...]


@dataclass(frozen=True, slots=True)
class PictureList:
    """All that lies beside one report, as its list is saved."""

    scans: tuple[ScanPictures, ...] = ()
    schema: str = SCHEMA


@dataclass(frozen=True, slots=True)
class Album:
    """What a page shows from beside it: ``folder``'s name, pictures by place in ``files``."""

    folder: str
    pictures: Mapping[int, tuple[PictureFile, ...]] = field(default_factory=dict)
