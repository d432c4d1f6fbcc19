"""Divide the frames of a folder into films: other stocks, slides, black-and-white film.

This happens before any frames are pooled. Standard library only.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from divere_cli.roll import bare, stocks
from divere_cli.roll.bare import Group
from divere_cli.roll.measurement import FrameLooks, Triple

FilmKind = Literal["film", "black-and-white", "positive"]

# Density. On black-and-white film, red and blue follow green except for grain, and all three
# densities are alike. A picture of one color (fog, dusk) follows green, too, but has the mask of
# its film.
GRAY_SCATTER, ALIKE, GRAY_AWAY = 0.02, 0.15, 0.2
MOSTLY = 0.7  # with this share of gray pictures, the whole roll is black-and-white
WIDE = 1.85  # density; a roll with a wider range is not negative film
FLAT = 0.8  # with this share in two narrow windows of brightness, a frame is no picture


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of one film, by index in the folder, and the film base that they show.

    ``stock`` is the name of the stock if it is known; ``joins`` is the index of the roll of
    an earlier run that the frames belong to (:mod:`divere_cli.roll.later`).
    """

    film_kind: FilmKind
    frames: tuple[int, ...]
    base: Group | None = None
    stock: str = ""
    joins: int | None = None


def part(
    frames: Sequence[FrameLooks | None], names: Mapping[int, str] | None = None
) -> tuple[Part, ...]:
    """Divide the frames of a folder into films; the largest film comes first.

    Parameters
    ----------
    frames : sequence of FrameLooks or None
        In the order of their names. A frame without a measurement goes with the frame
        before it.
    names : mapping of int to str, optional
        The stock of frames by index, where it is known from the code at the film's edge:
        frames on different stocks are never one film.
    """
    named = stocks.by_name(range(len(frames)), names or {})
    if named:
        parts_by_stock = [
            _named(part([frames[i] for i in numbers]), numbers, name) for name, numbers in named
        ]
        return tuple(sorted((film for parts in parts_by_stock for film in parts), key=_size))
    return _parted(frames)


def _named(parts: tuple[Part, ...], places: Sequence[int], name: str) -> list[Part]:
    """Return parts with the indices of the whole folder, and the name of their stock."""
    return [
        replace(film, frames=tuple(places[i] for i in film.frames), stock=name) for film in parts
    ]


def _size(part: Part) -> int:
    return -len(part.frames)


def _parted(frames: Sequence[FrameLooks | None]) -> tuple[Part, ...]:
    measured = [i for i, frame in enumerate(frames) if frame is not None]
    looks = {i: frame for i, frame in enumerate(frames) if frame is not None}
    gray = [i for i in measured if is_gray(looks[i])]
    pictures = [i for i in measured if is_picture(looks[i])]
    if gray and len(gray) >= MOSTLY * len(pictures):
        parts = [silver(measured, looks)]
    else:
        parts = _color([i for i in measured if i not in gray], gray, looks)
    return tuple(sorted(_complete(parts, len(frames)), key=_size))


def is_gray(frame: FrameLooks) -> bool:
    """Return whether a picture has no color except that of its film.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    """
    alike = max(frame.thin) - min(frame.thin) < ALIKE
    return is_picture(frame) and alike and frame.looks[-1].gray_scatter < GRAY_SCATTER


def span(frames: Sequence[FrameLooks]) -> float:
    """Return the density range of a roll's pictures, without the extremes.

    It is the smallest range of the three channels. Simulated rolls of negatives have 1.56 at
    most, whatever their exposures, rolls of slides 2.16 at least.

    Parameters
    ----------
    frames : sequence of FrameLooks
        What was measured of each frame.
    """
    pictures = [frame for frame in frames if is_picture(frame)]
    if not pictures:
        return 0.0
    last = len(pictures) - 1
    low, high = round(0.1 * last), round(0.9 * last)
    thin = [sorted(frame.thin[i] for frame in pictures)[low] for i in range(3)]
    dense = [sorted(frame.dense[i] for frame in pictures)[high] for i in range(3)]
    return min(d - t for d, t in zip(dense, thin, strict=True))


def is_picture(frame: FrameLooks) -> bool:
    """Return whether a frame is more than one or two plain areas.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    """
    blank = any(color.blank for color in frame.plain)
    return not blank and frame.looks[0].plateau < FLAT


def silver(frames: list[int], looks: Mapping[int, FrameLooks]) -> Part:
    """Return the black-and-white frames, with the film base that they show.

    Parameters
    ----------
    frames : list of int
        Numbers of the frames.
    looks : Mapping[int, FrameLooks]
        What was measured of each frame, by number.
    """
    return Part("black-and-white", tuple(frames), bare.find([looks[i] for i in frames]))


def _color(color: list[int], gray: list[int], looks: dict[int, FrameLooks]) -> list[Part]:
    """Return the parts of a folder with color film: negatives, slides, black-and-white frames."""
    positives = _positives(color, looks)
    negatives = [i for i in color if i not in positives]
    typical_chroma = _typical([i for i in negatives if is_picture(looks[i])], looks)
    near = [
        i
        for i in gray
        if typical_chroma and away(looks[i].looks[0].chroma, typical_chroma) < GRAY_AWAY
    ]
    gray_only = [i for i in gray if i not in near]
    stock_parts = stocks.part(sorted(negatives + near), looks)
    parts = [Part("film", tuple(frames), base) for frames, base in stock_parts]
    if gray_only:
        parts.append(silver(gray_only, looks))
    if positives:
        parts.append(Part("positive", tuple(positives)))
    return parts


def _positives(frames: list[int], looks: dict[int, FrameLooks]) -> list[int]:
    """Return the frames that cannot be on the film whose base the others show."""
    first = bare.find([looks[i] for i in frames], bare.SOME)
    if first is not None:
        typical_chroma = _typical([i for i in frames if is_picture(looks[i])], looks)
        out = [i for i in frames if is_positive(looks[i], first.density, typical_chroma)]
        base = bare.find([looks[i] for i in frames if i not in out])
        if base is not None and len(out) <= bare.SOME * len(frames):
            return out
    return []


def is_positive(frame: FrameLooks, base: Triple, roll_chroma: tuple[float, float] | None) -> bool:
    """Return whether a picture cannot be on a film: too thin, or too dense and of another color.

    Parameters
    ----------
    frame : FrameLooks
        What was measured of the frame.
    base : Triple
        Densities of the film base (R, G, B).
    roll_chroma : tuple[float, float] or None
        Chroma of the roll; None where it is not known.
    """
    if roll_chroma is None or not is_picture(frame):
        return False
    other_color = away(frame.looks[0].chroma, roll_chroma) > GRAY_AWAY
    return bare.is_thinner(frame, base) or (other_color and bare.is_denser(frame, base))


def _typical(frames: list[int], looks: dict[int, FrameLooks]) -> tuple[float, float] | None:
    """Return the median chroma of frames; None without any."""
    chromas = [looks[i].looks[0].chroma for i in frames]
    if not chromas:
        return None
    return statistics.median(u for u, _ in chromas), statistics.median(v for _, v in chromas)


def away(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Return the distance of two chromas, the larger of u and v.

    Parameters
    ----------
    first, second : tuple of float
        u and v, densities.
    """
    return max(abs(first[0] - second[0]), abs(first[1] - second[1]))


def _complete(parts: list[Part], count: int) -> list[Part]:
    """Add frames without a measurement to the part of the frame before them."""
    owner = {i: n for n, part in enumerate(parts) for i in part.frames}
    if not parts:
        return [Part("film", tuple(range(count)))]
    members: list[list[int]] = [[] for _ in parts]
    last = owner[min(owner)] if owner else 0
    for i in range(count):
        last = owner.get(i, last)
        members[last].append(i)
    return [
        Part(part.film_kind, tuple(numbers), part.base)
        for part, numbers in zip(parts, members, strict=True)
    ]
