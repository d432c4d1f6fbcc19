"""Several frames' statistics made one: neutral, film base, brightness.

Covers the arithmetic, on the standard library alone; every result is the same
whatever the order of the frames (sums of integers, medians). What it does not:
which frames take part, and what is done with the result
(:mod:`divere_cli.roll.decide`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from divere_cli.roll.measurement import BIN, ChromaMap, FilmBase, FrameMeasurement

Chroma = tuple[float, float]
Cells = dict[tuple[int, int], int]

# How far from the middle of all chroma gray may lie, in spreads of that chroma.
PRIOR = 1.0
LEAST_PRIOR = 0.03  # density
APART = 0.06  # density; a second peak at least that far away is another color
NEAR = 0.03  # density; counted as gray
PEAK = 0.8  # of a peak's height: what its place is the center of
BASE_AGREES = 0.05  # density; film bases of one roll
BRIGHTER = 0.15  # density; what is that much thinner than the rebates is no film
PROFILE, THIN_END = "the profile", "the thin end of the pictures"
BELIEVED = {
    "profile": PROFILE,
    "given region": "the given region",
    "unexposed": "unexposed film",
    "rebate": "the rebate",
}
THINNEST = 0.9  # quantile of thin ends; they are one-sided, film base is never denser


@dataclass(frozen=True, slots=True)
class Neutral:
    """Where gray lies: u and v, densities.

    ``rival`` is how the next color compares as a candidate (0..1), ``share``
    the part of the mid-tones near gray, ``pixels`` how many that are, ``spread``
    how far they scatter (density, of one axis).
    """

    u: float
    v: float
    rival: float
    share: float
    pixels: int
    spread: float


@dataclass(frozen=True, slots=True)
class PooledBase:
    """Film base of a roll; ``spread`` is the largest difference between frames."""

    density: tuple[float, float, float]
    printed: tuple[float, float, float]
    source: str
    frames: int
    spread: float

    @property
    def bare(self) -> bool:
        """Whether it is bare film, and not the thin end of pictures."""
        return self.source != THIN_END

    @property
    def sure(self) -> bool:
        """Whether it can speak for a gray: frames agree, and one rebate alone may be picture."""
        agreed = self.bare and self.spread <= BASE_AGREES
        return agreed and (self.frames > 1 or self.source != BELIEVED["rebate"])

    @property
    def chroma(self) -> Chroma:
        """Its print densities red - green and blue - green."""
        return self.printed[0] - self.printed[1], self.printed[2] - self.printed[1]


def neutral(frames: Sequence[FrameMeasurement], near: Chroma | None = None) -> Neutral | None:
    """Find the chroma that is everywhere in the tones of all frames; None without mid-tones.

    Every frame has the same say, however large it is. Among colors that are
    found in all tones (a meadow in sun and shade is, too), the one nearest to
    the middle of the chroma of all frames is taken for gray; ``near``, where
    given, stands for that middle.
    """
    told = [frame for frame in frames if frame.presence.rows]
    if not told:
        return None
    middle = near or (
        statistics.median(frame.chroma[0] for frame in told),
        statistics.median(frame.chroma[1] for frame in told),
    )
    reach = max(LEAST_PRIOR, PRIOR * statistics.median(frame.chroma_spread for frame in told))
    presence = added(frame.presence for frame in told)
    likely = {place: n * _prior(place, middle, reach) for place, n in presence.items()}
    best = min(likely, key=lambda place: (-likely[place], place))
    u, v = _center(presence, best)
    counted = [(frame.pixels_per_cell, added([frame.counts])) for frame in told]
    gray = [sum(n for p, n in cells.items() if _away(p, (u, v)) <= NEAR) for _, cells in counted]
    everything = sum(sum(cells.values()) for _, cells in counted)
    return Neutral(
        u=u,
        v=v,
        rival=round(_rival(likely, best), 4),
        share=round(sum(gray) / max(everything, 1), 5),
        pixels=sum(n * pixels for n, (pixels, _) in zip(gray, counted, strict=True)),
        spread=_scatter([cells for _, cells in counted], (u, v)),
    )


def standing(frame: FrameMeasurement, gray: Chroma) -> float:
    """How present gray is on a frame: 1 where nothing is more so, 0 where it is absent."""
    cells = added([frame.presence])
    most = max(cells.values(), default=0)
    place = (round(gray[0] / BIN), round(gray[1] / BIN))
    return cells.get(place, 0) / most if most else 0.0


def variety(frames: Sequence[FrameMeasurement]) -> float:
    """How far the middle colors of frames lie apart: the median distance from their median."""
    u = statistics.median(frame.chroma[0] for frame in frames)
    v = statistics.median(frame.chroma[1] for frame in frames)
    return statistics.median(distance(frame.chroma, (u, v)) for frame in frames)


def film_base(bases: Sequence[FilmBase]) -> PooledBase | None:
    """The film base of a roll: the profile's, a given region, a blank, rebates, a thin end."""
    for source, what in BELIEVED.items():
        seen = [base for base in bases if base.source == source]
        if seen and _believed(source, seen, bases):
            return _pooled(seen, what)
    if not bases:
        return None
    ordered = sorted(bases, key=lambda base: (-sum(base.density), base.density))
    thinnest = ordered[min(len(ordered) - 1, int(THINNEST * len(ordered))) :]
    return _pooled(thinnest, THIN_END)


def middle(values: Sequence[float]) -> float:
    """The mean of the middle half: as steady as a mean, as deaf to a few odd frames as a median."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    kept = ordered[cut : len(ordered) - cut]
    return math.fsum(kept) / len(kept)


def distance(one: Chroma, other: Chroma) -> float:
    """How far two chromas lie apart, density."""
    return math.hypot(one[0] - other[0], one[1] - other[1])


def added(maps: Iterable[ChromaMap]) -> Cells:
    """Sum of chroma maps: value by (bin of u, bin of v)."""
    total: Cells = {}
    for one in maps:
        for row, (first, values) in enumerate(one.rows):
            u = one.first_u + row
            for column, value in enumerate(values):
                if value:
                    place = (u, first + column)
                    total[place] = total.get(place, 0) + value
    return total


def _believed(source: str, seen: Sequence[FilmBase], bases: Sequence[FilmBase]) -> bool:
    """Whether the other frames allow that what was seen is film base.

    A frame of nothing but light has no picture either, but is thinner than the
    rebates. The smooth dark edge of a picture is taken for a rebate now and then:
    where few frames have one, no other may have thinner film.
    """
    rebates = [_level(base) for base in bases if base.source == "rebate"]
    if source == "unexposed" and rebates:
        blank = statistics.median(_level(base) for base in seen)
        return blank >= statistics.median(rebates) - BRIGHTER
    if source == "rebate" and 2 * len(seen) < len(bases):
        others = (_level(base) for base in bases if base.source != "unexposed")
        return statistics.median(rebates) <= min(others) + BASE_AGREES
    return True


def _level(base: FilmBase) -> float:
    return sum(base.density) / 3.0


def _pooled(bases: Sequence[FilmBase], what: str) -> PooledBase:
    channels = [[base.density[i] for base in bases] for i in range(3)]
    printed = [statistics.median(base.printed[i] for base in bases) for i in range(3)]
    density = [statistics.median(values) for values in channels]
    return PooledBase(
        density=(density[0], density[1], density[2]),
        printed=(printed[0], printed[1], printed[2]),
        source=what,
        frames=len(bases),
        spread=round(max(max(values) - min(values) for values in channels), 5),
    )


def _prior(place: tuple[int, int], middle: Chroma, reach: float) -> float:
    return math.exp(-0.5 * (_away(place, middle) / reach) ** 2)


def _away(place: tuple[int, int], chroma: Chroma) -> float:
    return math.hypot(place[0] * BIN - chroma[0], place[1] * BIN - chroma[1])


def _center(cells: Cells, best: tuple[int, int], reach: int = 3) -> Chroma:
    """Place of a peak, finer than a bin: the center of what stands above most of its height."""
    floor = PEAK * cells[best]
    mass = up = across = 0.0
    for u in range(best[0] - reach, best[0] + reach + 1):
        for v in range(best[1] - reach, best[1] + reach + 1):
            weight = max(0.0, cells.get((u, v), 0) - floor)
            mass, up, across = mass + weight, up + weight * u, across + weight * v
    return round(up / mass * BIN, 4), round(across / mass * BIN, 4)


def _rival(likely: dict[tuple[int, int], float], best: tuple[int, int]) -> float:
    """Height of the highest other peak, in heights of the best."""
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    tops = (
        n
        for (u, v), n in likely.items()
        if math.dist((u, v), best) > APART / BIN
        and all(likely.get((u + i, v + j), 0.0) <= n for i, j in around)
    )
    return max(tops, default=0.0) / likely[best]


def _scatter(frames: Sequence[Cells], gray: Chroma) -> float:
    """Root mean square distance along one axis of what is near gray."""
    total = squares = 0.0
    for cells in frames:
        for place, n in cells.items():
            away = _away(place, gray)
            if away <= NEAR:
                total, squares = total + n, squares + n * away * away
    return round(math.sqrt(squares / total / 2.0), 5) if total else 0.0
