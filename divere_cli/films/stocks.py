"""Look up film stocks by DX number or name: name, process, speed.

Covers the table beside this module (``stocks.tsv``, which names its sources). Names are
compared without case, spaces and hyphens; the maker may be omitted if the name is unique
without it. Standard library only, as the parent process uses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

_DX = re.compile(r"\d{1,4}-\d{1,2}")
_MAKERS = ("kodak", "fujifilm", "fuji", "ilford", "agfa", "konica", "cinestill", "lomography")

Process = Literal["C-41", "E-6", "B&W", "K-14"]
REVERSAL = ("E-6", "K-14")


@dataclass(frozen=True, slots=True)
class Stock:
    """A film stock. ``speed`` is ISO; None if the film has no fixed speed."""

    dx: str
    name: str
    process: Process
    speed: int | None


@cache
def all_stocks() -> tuple[Stock, ...]:
    """Return the stocks of the table; those sold today come first."""
    text = resources.files("divere_cli.films").joinpath("stocks.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(
        Stock(dx, name, process, int(speed) if speed else None)  # type: ignore[arg-type]
        for dx, name, process, speed in rows
    )


@cache
def _by_number() -> dict[str, Stock]:
    return {stock.dx: stock for stock in all_stocks()}


def by_number(dx: str) -> Stock | None:
    """Return the stock of a DX number in the form of :func:`normalized`; None if unknown.

    Parameters
    ----------
    dx : str
        DX number as ``115-4``.
    """
    return _by_number().get(dx)


def fits(process: Process, *, inverts: bool, monochrome: bool) -> bool:
    """Return whether a preset fits films of a process; a monochrome one fits any negative.

    Parameters
    ----------
    process : str
    inverts, monochrome : bool
        Whether the preset is for negatives, and whether it is black-and-white.
    """
    if process in REVERSAL:
        return not inverts
    return inverts and (process == "C-41" or monochrome)


def normalized(text: str) -> str | None:
    """Return a DX number in the form ``115-4``; None if the text is not a DX number.

    Accepts ``115-4``, the four digits of a DX extract (``1844``), and the six digits of a
    cartridge (``018443``).

    Parameters
    ----------
    text : str
        The text.
    """
    parts = re.fullmatch(r"(\d{1,3})-(\d{1,2})", text.strip())
    if parts:
        number = int(parts[1]) * 16 + int(parts[2])
        valid = int(parts[2]) < 16
    elif re.fullmatch(r"\d{4}", text.strip()):
        number, valid = int(text), True
    elif re.fullmatch(r"\d{6}", text.strip()):
        number, valid = int(text.strip()[1:5]), True
    else:
        return None
    return f"{number // 16}-{number % 16}" if valid and 0 < number < 2048 else None


def search(text: str) -> tuple[Stock, ...]:
    """Return the stocks whose names contain all words of the text, in the table's order.

    Parameters
    ----------
    text : str
        The text.
    """
    words = text.casefold().split()
    return tuple(
        stock for stock in all_stocks() if all(word in stock.name.casefold() for word in words)
    )


def by_name_or_number(text: str) -> Stock | None:
    """Return the stock with a name or a DX number (``115-4``).

    None if no stock or several match: the maker may be omitted (``Portra 400``) if the name
    is unique without it.

    Parameters
    ----------
    text : str
        The text.
    """
    if _DX.fullmatch(text.strip()):
        return by_number(normalized(text) or "")
    return _by_name().get(_folded(text))


def canonical(text: str) -> str:
    """Return a film in the form in which films are compared: its name in the table.

    If it is not in the table: its DX number as ``115-4``, else the text without outer spaces.

    Parameters
    ----------
    text : str
        Name or DX number of a film.
    """
    stock = by_name_or_number(text)
    return stock.name if stock is not None else normalized(text) or text.strip()


def maker(name: str) -> str:
    """Return the first word of a film's name if it is a known maker, else an empty text.

    Parameters
    ----------
    name : str
        The name.
    """
    first = name.split(" ", 1)[0]
    return first if first.casefold() in _MAKERS else ""


@cache
def _by_name() -> dict[str, Stock]:
    """Return stocks by full name, and by the name without maker if that is unique."""
    names: dict[str, Stock] = {}
    for stock in all_stocks():
        names.setdefault(_folded(stock.name), stock)
    short: dict[str, set[str]] = {}
    for stock in all_stocks():
        if maker(stock.name):
            short.setdefault(_folded(stock.name.split(" ", 1)[1]), set()).add(stock.name)
    for name, full_names in short.items():
        if len(full_names) == 1:
            names.setdefault(name, names[_folded(next(iter(full_names)))])
    return names


def _folded(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "", name.casefold())
