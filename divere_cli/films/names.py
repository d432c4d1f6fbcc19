"""Film stocks by what people write: ``Kodak Portra 400``, ``portra400``, or a DX number.

Covers case, spaces, hyphens and a maker that is left out where only one film is meant.
Not covered: reading an edge code from a scan.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

_DX = re.compile(r"\d{1,4}-\d{1,2}")
_MAKERS = ("kodak", "fujifilm", "fuji", "ilford", "agfa", "konica", "cinestill", "lomography")


@dataclass(frozen=True, slots=True)
class Stock:
    """One film: its DX number ``part 1-part 2``, name, process and box speed (ISO)."""

    dx: str
    name: str
    process: str
    speed: int


def find(text: str) -> Stock | None:
    """Return the film that a name or a DX number means; None where none or several are."""
    wanted = text.strip()
    if _DX.fullmatch(wanted):
        return _by_dx().get(wanted)
    named = _by_name()
    return named.get(_folded(wanted))


def maker(name: str) -> str:
    """Return the first word of a film's name where that is a known maker; else nothing."""
    first = name.split(" ", 1)[0]
    return first if first.casefold() in _MAKERS else ""


@functools.cache
def _stocks() -> tuple[Stock, ...]:
    text = (Path(__file__).parent / "stocks.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and line[0] != "#"]
    return tuple(
        Stock(dx, name, process, int(speed)) for dx, name, process, speed, *_ in rows if speed
    )


@functools.cache
def _by_dx() -> dict[str, Stock]:
    return {stock.dx: stock for stock in _stocks()}


@functools.cache
def _by_name() -> dict[str, Stock | None]:
    """By whole names, and by names without their maker that mean one film."""
    found: dict[str, Stock | None] = {}
    for stock in _stocks():
        found.setdefault(_folded(stock.name), stock)
    short: dict[str, set[str]] = {}
    for stock in _stocks():
        if maker(stock.name):
            short.setdefault(_folded(stock.name.split(" ", 1)[1]), set()).add(stock.name)
    for name, whole in short.items():
        if len(whole) == 1:
            found.setdefault(name, found[_folded(next(iter(whole)))])
    return found


def _folded(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "", name.casefold())
