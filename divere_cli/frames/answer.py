"""Request and result of the search for frames, as plain data passed between processes.

Covers the request (:class:`FrameRequest`), the result for a scan (:class:`FoundScan`), and the
format that the strips of a roll show together. Standard library only, because the parent
process uses it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from divere_cli.records.serialize import LATER

VERSION = 4  # raised when the same scan would be cut differently
TASK = "divere_cli.frames.task:find"
LEAST_SHOWN = 2  # pictures needed to pass a format and a width on to other scans

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """The request: film format or ``auto``, pictures per strip, and hints from other scans.

    ``form`` and ``aspect`` are hints: a format, and the width of a picture over its height,
    0 if unknown. ``picture`` is the file format of a small picture of the result; empty for
    none.
    """

    film: str = "auto"
    count: int | None = None
    form: str = ""
    aspect: float = 0.0
    picture: str = ""


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """One picture: its crop as shares of the stored frame, its turn in degrees, whether it is sure.

    ``why`` is the reason if it is not sure. ``number`` is the frame number at the edge of the
    film, empty if not read.
    """

    id: str
    crop: Box
    turn: float
    sure: bool
    why: str
    number: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class FoundScan:
    """The result for one scan.

    ``film`` is the format, empty if none was recognized. ``shown`` has width over height of
    its pictures that are visible on all sides. ``picture`` is base64.
    """

    film: str
    turn: float
    frames: tuple[FoundFrame, ...]
    shown: tuple[float, ...] = ()
    picture: str = ""


def common_format(scans: Iterable[FoundScan]) -> tuple[str, float] | None:
    """Return the format that most pictures of a roll have, and their width over height.

    Parameters
    ----------
    scans : iterable of FoundScan
        The scans of the roll.
    """
    widths: dict[str, list[float]] = {}
    for scan in scans:
        if scan.film:
            widths.setdefault(scan.film, []).extend(scan.shown)
    if not widths:
        return None
    film = max(widths, key=lambda name: len(widths[name]))
    if len(widths[film]) < LEAST_SHOWN:
        return None
    return film, statistics.median(widths[film])


def needs_second_search(scan: FoundScan, film: str) -> bool:
    """Return whether hints from other scans of a roll may improve this result.

    Parameters
    ----------
    scan : FoundScan
        The scan.
    film : str
        The format that most scans of the roll have.
    """
    return not scan.frames or scan.film != film or any(not frame.sure for frame in scan.frames)
