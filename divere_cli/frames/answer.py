"""What looking for frames asks and answers, as plain data: all that passes between processes.

Covers the question (:class:`Wanted`), the answer for a scan (:class:`FoundScan`), and what
the strips of a roll show together. Standard library only: the parent process holds it.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from divere_cli.records.serialize import LATER, from_plain, to_plain

VERSION = 2  # raised when the same scan would be cut otherwise
TASK = "divere_cli.frames.task:find"
LEAST_SHOWN = 2  # pictures that show a format and a width to others

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: a format or ``auto``, how many a strip; what others have shown.

    ``aspect`` is a picture's width over its height, 0 where nothing is known.
    ``picture`` asks for a small picture of what was found, in that format.
    """

    film: str = "auto"
    count: int | None = None
    form: str = ""
    aspect: float = 0.0
    picture: str = ""


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """A picture: its crop in parts of the stored frame, its turn in degrees, how sure it is.

    ``number`` is that of the film's edge, empty where it was not read.
    """

    id: str
    crop: Box
    turn: float
    sure: bool
    why: str
    number: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class FoundScan:
    """A scan's answer.

    ``film`` is the format, empty where none was seen. ``shown`` are the widths over
    heights of its pictures that are seen on all sides. ``picture`` is base64.
    """

    film: str
    turn: float
    frames: tuple[FoundFrame, ...]
    shown: tuple[float, ...] = ()
    picture: str = ""


def to_json(record: Wanted | FoundScan) -> str:
    """Return a question or an answer as one line of JSON.

    Parameters
    ----------
    record : Wanted or FoundScan
        The question or answer.
    """
    return json.dumps(to_plain(record), separators=(",", ":"), allow_nan=False)


def wanted(text: str) -> Wanted:
    """Read a question.

    Parameters
    ----------
    text : str
        The text.
    """
    return from_plain(Wanted, json.loads(text))


def found(text: str) -> FoundScan:
    """Read an answer.

    Parameters
    ----------
    text : str
        The text.
    """
    return from_plain(FoundScan, json.loads(text))


def shown(scans: Iterable[FoundScan]) -> tuple[str, float] | None:
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


def helped(scan: FoundScan, film: str) -> bool:
    """Return whether the other scans of a roll may help this one.

    Parameters
    ----------
    scan : FoundScan
        The scan.
    film : str
        The option ``--film``.
    """
    return not scan.frames or scan.film != film or any(not frame.sure for frame in scan.frames)
