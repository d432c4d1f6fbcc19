"""Sort new frames in a folder whose rolls were decided by an earlier run.

Covers which frames join a decided roll, and which are on another film: slides, another
stock, black-and-white film. Standard library only. Frames that join are graded with the
values of the roll; others are decided by themselves. Finished positives do not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from divere_cli.roll import bare, films, stocks
from divere_cli.roll.bare import Group
from divere_cli.roll.films import FilmKind, Part
from divere_cli.roll.measurement import FrameLooks

Looks = Mapping[int, FrameLooks]


@dataclass(frozen=True, slots=True)
class Decided:
    """A roll of an earlier run: its film, its base, its gray (print density, u and v).

    ``stock`` is the film's name, empty where it is not known.
    """

    film_kind: FilmKind
    base: Group | None
    gray: tuple[float, float]
    stock: str = ""


def part(
    frames: Sequence[FrameLooks | None],
    decided: Sequence[Decided],
    names: Mapping[int, str] | None = None,
) -> tuple[Part, ...]:
    """Divide new frames into those that join a decided roll, and other films.

    Parameters
    ----------
    frames : sequence of FrameLooks or None
        In the order of their names; a frame without a measurement joins the first roll.
    decided : sequence of Decided
        At least one; the roll with most scans comes first.
    names : mapping of int to str, optional
        The stock of a frame where that is known. Such a frame joins a roll of its stock, or else
        one whose stock is not known; never a roll of another stock.

    Returns
    -------
    tuple of Part
        ``joins`` is set on those that join.
    """
    stock_names = names or {}
    if not any(earlier.stock for earlier in decided):
        return _joined(frames, decided)
    by_stock: dict[str, list[int]] = {}
    for i in range(len(frames)):
        by_stock.setdefault(stock_names.get(i, ""), []).append(i)
    parts: list[Part] = []
    for stock, numbers in by_stock.items():
        rolls = _rolls_of(stock, decided)
        of_stock = [frames[i] for i in numbers]
        made = (
            _joined(of_stock, [decided[roll] for roll in rolls]) if rolls else films.part(of_stock)
        )
        parts += [_restored(each, numbers, rolls, stock) for each in made]
    return _merged(parts)


def _rolls_of(stock: str, decided: Sequence[Decided]) -> list[int]:
    """Decided rolls that frames of a stock may join; all of them where it is not known."""
    every = range(len(decided))
    same = [roll for roll in every if decided[roll].stock == stock]
    return list(every) if not stock else same or [r for r in every if not decided[r].stock]


def _restored(part: Part, numbers: list[int], rolls: list[int], stock: str) -> Part:
    """Turn places among frames of one stock, and among the rolls that they may join, back."""
    joins = None if part.joins is None else rolls[part.joins]
    frames = tuple(numbers[i] for i in part.frames)
    return replace(part, frames=frames, stock=stock, joins=joins)


def _merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Merge frames that join the same roll into one part; parts that join come first."""
    joined: dict[int, Part] = {}
    for each in parts:
        if each.joins is not None:
            first = joined.setdefault(each.joins, replace(each, frames=()))
            frames = tuple(sorted((*first.frames, *each.frames)))
            joined[each.joins] = replace(first, frames=frames, stock=first.stock or each.stock)
    other_parts = [each for each in parts if each.joins is None]
    return (*(joined[roll] for roll in sorted(joined)), *other_parts)


def _joined(frames: Sequence[FrameLooks | None], decided: Sequence[Decided]) -> tuple[Part, ...]:
    """Divide frames by their measurements alone."""
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
    """Return the kind of film of a frame, and the decided roll that it joins or None."""
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
    """Return the kind of film of a frame, compared with a roll of color negatives."""
    color = frame.looks[0].chroma
    if films.is_gray(frame) and films.away(color, roll.gray) > films.GRAY_AWAY:
        return "black-and-white"
    if roll.base is not None and films.is_positive(frame, roll.base.density, roll.gray):
        return "positive"
    return "film"


def _strangers(frames: list[int], looks: Looks, roll: Decided) -> list[int]:
    """Return the frames that show the base of another stock."""
    if roll.base is None or roll.film_kind != "film":
        return []
    return stocks.strangers([i for i in frames if i in looks], looks, roll.base.density)


def _other_films(by_kind: Mapping[FilmKind, list[int]], looks: Looks) -> list[Part]:
    """Return the films that join no decided roll."""
    parts = [
        Part("film", tuple(numbers), base)
        for numbers, base in stocks.part(by_kind.get("film", []), looks)
    ]
    if silver := by_kind.get("black-and-white"):
        parts.append(films.silver(silver, looks))
    if positives := by_kind.get("positive"):
        parts.append(Part("positive", tuple(positives)))
    return parts
