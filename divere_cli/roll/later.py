"""Frames that come to a folder whose rolls an earlier run decided.

Covers which of them join a decided roll, and what is another film: slides, another
stock, black-and-white film. Standard library only. What joins is graded by the roll's own
numbers; what does not is decided by itself, and changes nothing that was delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from divere_cli.roll import bare, films, stocks
from divere_cli.roll.bare import Group
from divere_cli.roll.films import FilmKind, Part
from divere_cli.roll.measurement import FrameLooks

Looks = Mapping[int, FrameLooks]


@dataclass(frozen=True, slots=True)
class Decided:
    """A roll of an earlier run: its film, its base, its gray (print density, u and v)."""

    film_kind: FilmKind
    base: Group | None
    gray: tuple[float, float]


def part(frames: Sequence[FrameLooks | None], decided: Sequence[Decided]) -> tuple[Part, ...]:
    """Part new frames: those that join a decided roll, and other films.

    Parameters
    ----------
    frames : sequence of FrameLooks or None
        In the order of their names; one of which nothing was measured joins the first roll.
    decided : sequence of Decided
        One at least; that of most scans comes first.

    Returns
    -------
    tuple of Part
        ``joins`` is set on those that join.
    """
    looks = {i: frame for i, frame in enumerate(frames) if frame is not None}
    joined: dict[int, list[int]] = {}
    by_kind: dict[FilmKind, list[int]] = {}
    for i in range(len(frames)):
        kind, roll = ("film", 0) if i not in looks else _kind(looks[i], decided)
        if roll is None:
            by_kind.setdefault(kind, []).append(i)
        else:
            joined.setdefault(roll, []).append(i)
    for roll in list(joined):
        strangers = _strangers(joined[roll], looks, decided[roll])
        joined[roll] = [i for i in joined[roll] if i not in strangers]
        by_kind.setdefault("film", []).extend(strangers)
    parts = [
        Part(decided[roll].film_kind, tuple(numbers), decided[roll].base, joins=roll)
        for roll, numbers in sorted(joined.items())
        if numbers
    ]
    return (*parts, *_other_films(by_kind, looks))


def _kind(frame: FrameLooks, decided: Sequence[Decided]) -> tuple[FilmKind, int | None]:
    """What a frame is, and which decided roll it joins; None where it joins none."""
    for roll, earlier in enumerate(decided):
        if earlier.base is not None and bare.shows(frame, earlier.base.density):
            return earlier.film_kind, roll
    first = decided[0]
    kind: FilmKind = "film" if first.film_kind != "film" else _against(frame, first)
    if kind == first.film_kind or first.film_kind != "film":
        return first.film_kind, 0
    return kind, next(
        (roll for roll, earlier in enumerate(decided) if earlier.film_kind == kind), None
    )


def _against(frame: FrameLooks, roll: Decided) -> FilmKind:
    """What a frame is beside a roll of color negatives."""
    color = frame.looks[0].chroma
    if films.is_gray(frame) and films.away(color, roll.gray) > films.GRAY_AWAY:
        return "black-and-white"
    if roll.base is not None and films.is_positive(frame, roll.base.density, roll.gray):
        return "positive"
    return "film"


def _strangers(frames: list[int], looks: Looks, roll: Decided) -> list[int]:
    """Frames that show the base of another stock."""
    if roll.base is None or roll.film_kind != "film":
        return []
    return stocks.strangers([i for i in frames if i in looks], looks, roll.base.density)


def _other_films(by_kind: Mapping[FilmKind, list[int]], looks: Looks) -> list[Part]:
    """The films that join no decided roll."""
    parts = [
        Part("film", tuple(numbers), base)
        for numbers, base in stocks.part(by_kind.get("film", []), looks)
    ]
    if silver := by_kind.get("black-and-white"):
        parts.append(films.silver(silver, looks))
    if positives := by_kind.get("positive"):
        parts.append(Part("positive", tuple(positives)))
    return parts
