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
from divere_cli.roll.films import Part, What
from divere_cli.roll.measurement import FrameLooks

Looks = Mapping[int, FrameLooks]


@dataclass(frozen=True, slots=True)
class Decided:
    """A roll of an earlier run: its film, its base, its gray (print density, u and v)."""

    what: What
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
    other: dict[What, list[int]] = {}
    for i in range(len(frames)):
        what, roll = ("film", 0) if i not in looks else _kind(looks[i], decided)
        if roll is None:
            other.setdefault(what, []).append(i)
        else:
            joined.setdefault(roll, []).append(i)
    for roll in list(joined):
        strangers = _strangers(joined[roll], looks, decided[roll])
        joined[roll] = [i for i in joined[roll] if i not in strangers]
        other.setdefault("film", []).extend(strangers)
    parts = [
        Part(decided[roll].what, tuple(own), decided[roll].base, joins=roll)
        for roll, own in sorted(joined.items())
        if own
    ]
    return (*parts, *_others(other, looks))


def _kind(frame: FrameLooks, decided: Sequence[Decided]) -> tuple[What, int | None]:
    """What a frame is, and which decided roll it joins; None where it joins none."""
    for roll, one in enumerate(decided):
        if one.base is not None and bare.shows(frame, one.base.density):
            return one.what, roll
    first = decided[0]
    what: What = "film" if first.what != "film" else _against(frame, first)
    if what == first.what or first.what != "film":
        return first.what, 0
    return what, next((roll for roll, one in enumerate(decided) if one.what == what), None)


def _against(frame: FrameLooks, roll: Decided) -> What:
    """What a frame is beside a roll of color negatives."""
    color = frame.looks[0].chroma
    if films.is_gray(frame) and films.away(color, roll.gray) > films.GRAY_AWAY:
        return "black-and-white"
    if roll.base is not None and films.is_positive(frame, roll.base.density, roll.gray):
        return "positive"
    return "film"


def _strangers(frames: list[int], looks: Looks, roll: Decided) -> list[int]:
    """Frames that show the base of another stock."""
    if roll.base is None or roll.what != "film":
        return []
    return stocks.strangers([i for i in frames if i in looks], looks, roll.base.density)


def _others(other: Mapping[What, list[int]], looks: Looks) -> list[Part]:
    """The films that join no decided roll."""
    found = [
        Part("film", tuple(own), base) for own, base in stocks.part(other.get("film", []), looks)
    ]
    if silver := other.get("black-and-white"):
        found.append(films.silver(silver, looks))
    if positives := other.get("positive"):
        found.append(Part("positive", tuple(positives)))
    return found
