"""What was written down about the film of one scan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilmNotes:
    """One picture's notes, checked; empty or None is not known.

    ``aperture`` is the f-number, ``shutter`` a fraction of seconds ``(top, below)``,
    ``iso`` what it was exposed at. ``date`` is ISO 8601, of a year, a month, a day, or to
    the second with or without an offset. ``process`` is the stock's (C-41).
    """

    film: str = ""
    maker: str = ""
    process: str = ""
    iso: int | None = None
    camera: str = ""
    lens: str = ""
    aperture: float | None = None
    shutter: tuple[int, int] | None = None
    date: str = ""
    roll: str = ""
    frame: str = ""
    lab: str = ""
    developer: str = ""
    notes: str = ""
    photographer: str = ""
    copyright: str = ""
