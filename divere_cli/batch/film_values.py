"""Strict parsing of values in a film log: apertures, shutter times, dates.

Covers one cell of a table. Ambiguous values are refused with a message how to write them,
never guessed. Which cell belongs to which scan is decided in :mod:`.film_data`.
"""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction

# Texts that mean "no value" in such tables.
NOTHING = {"", "-", "--", "?", "n/a", "na", "none", "unknown", "null"}
_FRACTION = re.compile(r"(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)")
_SECONDS = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:s|sec|secs|seconds|\"|”|″|'')")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)")
_YEAR_FIRST = re.compile(r"(\d{4})(?:[-:/.](\d{1,2})(?:[-:/.](\d{1,2}))?)?(?:[ T]+(.+))?")
_CLOCK = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp][Mm])?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_FRAMES = re.compile(r"\d+[A-Za-z]?(?:\s*[-–]\s*\d+)?(?:\s*[,;+]\s*\d+(?:\s*[-–]\s*\d+)?)*")


def aperture(text: str) -> float:
    """Read an aperture: ``f/2.8``, ``2,8`` or ``F2.8`` is 2.8. ValueError explains the format.

    Parameters
    ----------
    text : str
        The text.
    """
    bare = re.sub(r"^[fFƒ]\s*/?\s*", "", text).replace(",", ".")
    try:
        value = float(bare)
    except ValueError:
        value = 0.0
    if not 0.3 <= value <= 1024.0:
        raise ValueError("write an f-number: 2.8 or f/2.8")
    return value


def shutter(text: str) -> tuple[int, int] | None:
    """Read a shutter time as a fraction of seconds: ``1/125``, ``0.5``, ``2"``; bulb is None.

    Parameters
    ----------
    text : str
        The text.
    """
    bare = text.strip().casefold()
    if bare in ("b", "bulb", "t", "time"):
        return None
    fraction = _FRACTION.fullmatch(re.sub(r"\s*(?:s|sec|\")$", "", bare))
    if fraction is not None and int(fraction[3]):
        value = int(fraction[1] or 0) + Fraction(int(fraction[2]), int(fraction[3]))
        return value.numerator, value.denominator
    timed = _SECONDS.fullmatch(bare)
    plain = re.fullmatch(r"0?[.,]\d+|1", bare)
    if timed is None and plain is None:
        raise ValueError("write 1/125, 0.5 or 2s: a whole number alone may be either")
    seconds = Fraction((timed[1] if timed else bare).replace(",", ".")).limit_denominator(10_000)
    if not seconds:
        raise ValueError("write 1/125, 0.5 or 2s")
    return seconds.numerator, seconds.denominator


def iso(text: str) -> int:
    """Read a film speed: ``400``, ``ISO 400`` or ``400/27°`` is 400.

    Parameters
    ----------
    text : str
        The text.
    """
    match = re.fullmatch(r"(?:iso|ei|asa)?\s*(\d{1,6})(?:\s*/\s*\d+\s*°?)?", text.casefold())
    if match is None or not int(match[1]):
        raise ValueError("write a speed: 400")
    return int(match[1])


def date(text: str) -> str:
    """Read a day, month, year or time as ISO 8601; ambiguous dates are refused.

    Parameters
    ----------
    text : str
        The text.
    """
    day_first = _DAY_FIRST.fullmatch(text)
    slashed = _SLASHED.fullmatch(text)
    year_first = _YEAR_FIRST.fullmatch(text)
    if day_first is not None:
        parts, clock = (day_first[3], day_first[2], day_first[1]), day_first[4]
    elif slashed is not None:
        first, second = int(slashed[1]), int(slashed[2])
        if first <= 12 and second <= 12 and first != second:
            raise ValueError("day or month first? write 2024-05-17")
        month, day = (second, first) if first > 12 else (first, second)
        parts, clock = (slashed[3], str(month), str(day)), slashed[4]
    elif year_first is not None:
        parts, clock = (
            (year_first[1], year_first[2] or "", year_first[3] or ""),
            year_first[4] or "",
        )
    else:
        raise ValueError("write 2024-05-17 or 2024-05-17 14:30")
    return _checked(parts, clock.strip().lstrip(",T").strip())


def _checked(parts: tuple[str, str, str], clock: str) -> str:
    year, month, day = (int(part) if part else 0 for part in parts)
    try:
        datetime(year, month or 1, day or 1)
    except ValueError as error:
        raise ValueError(f"no such day: {error}") from error
    day_text = "-".join([f"{year:04}", *(f"{part:02}" for part in (month, day) if part)])
    if not clock or not day:
        return day_text
    time = _CLOCK.fullmatch(clock)
    if time is None:
        raise ValueError("write the time as 14:30 or 14:30:05")
    hour = int(time[1])
    if time[4]:
        hour = hour % 12 + (12 if time[4].casefold() == "pm" else 0)
    if hour > 23 or int(time[2]) > 59 or int(time[3] or 0) > 59:
        raise ValueError("no such time of day")
    zone = (time[5] or "").replace("Z", "+00:00")
    if zone and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day_text}T{hour:02}:{time[2]}:{time[3] or '00'}{zone}"


def frames(text: str) -> frozenset[int] | None:
    """Read frame numbers: ``12``, ``12A``, ``1-12``, ``1,3-5``; None for anything else.

    Parameters
    ----------
    text : str
        The text.
    """
    if _FRAMES.fullmatch(text.strip()) is None:
        return None
    numbers: set[int] = set()
    for part in re.split(r"[,;+]", text):
        ends = [int(number) for number in re.findall(r"\d+", part)]
        if ends[-1] - ends[0] > 10_000:
            return None
        numbers.update(range(ends[0], ends[-1] + 1))
    return frozenset(numbers)
