"""Combine the statistics of several frames: gray, film base, brightness.

Covers the arithmetic; standard library only. Results do not depend on the order of the
frames (sums of integers, medians). Which frames are used, and for what, is decided in
:mod:`divere_cli.roll.decide`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from divere_cli.roll.bare import Group
from divere_cli.roll.measurement import BIN, ChromaMap, FilmBase, FrameMeasurement

Chroma = tuple[float, float]
Cell = tuple[int, int]  # bins of u and v
Cells = dict[Cell, int]

# Photographs are more yellow than gray (foliage, wood, soil, skin, lamps), and colorful ones more
# so: the median of their chroma is LEAN spreads of the chroma towards yellow. Simulated rolls of 73
# photographs had 0.059 on average; the correction halves the frames that are over 0.05 off gray.
LEAN = 1.0
# How far gray may be from there, in spreads of the chroma.
PRIOR = 1.2
LEAST_PRIOR = 0.06  # density
# An 18 % gray card minus bare film, in u and v, on simulated stocks (scatter 0.025, 0.019); real
# stocks and developers differ by more: a Gaussian of BARE_REACH.
CARD, BARE_REACH = (-0.017, -0.028), 0.05
APART = 0.06  # density; a second peak at least that far away is another color
NEAR = 0.03  # density; counted as gray
FLOOR = 0.003  # of the highest presence: the least that any color has near bare film's gray
PEAK = 0.8  # of a peak's height: its position is the center of the cells above
PROFILE, REGION, SEEN = "the profile", "the given region", "plain film along the frames"
UNEXPOSED = "unexposed film"


@dataclass(frozen=True, slots=True)
class Neutral:
    """Gray: u and v, densities.

    ``rival`` is the height of the next best candidate (1: as high as this one), ``share`` the
    share of mid-tones near gray, ``pixels`` their number, ``spread`` their scatter along one
    axis (density).
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
    def level(self) -> float:
        """Its print density, mean of the channels."""
        return sum(self.printed) / 3.0

    @property
    def film_level(self) -> float:
        """Its density on the film, mean of the channels."""
        return sum(self.density) / 3.0

    @property
    def card(self) -> Chroma:
        """Expected chroma of an 18 % gray card: print densities red - green, blue - green."""
        red, green, blue = self.printed
        return red - green + CARD[0], blue - green + CARD[1]


def neutral(
    frames: Sequence[FrameMeasurement],
    near: Chroma | None = None,
    reach: float = BARE_REACH,
    *,
    absent: bool = True,
) -> Neutral | None:
    """Find gray: the chroma that occurs in all tones of all frames; None without mid-tones.

    All frames have the same weight, whatever their size. Of the colors that occur in all
    tones (a meadow in sun and shade does, too), gray is the one nearest to the gray expected
    from the median chroma of all frames and to the gray from bare film: the maximum of the
    presence times the weights of both distances.

    Parameters
    ----------
    frames : sequence of FrameMeasurement
    near : tuple of float, optional
        Chroma of a gray card as expected from bare film; None: only the pictures count.
    reach : float
        Standard deviation of ``near``, density.
    absent : bool
        Whether gray may be a chroma near ``near`` that no frame has.
    """
    with_tones = [frame for frame in frames if frame.presence.rows]
    if not with_tones:
        return None
    colorful = statistics.median(frame.chroma_spread for frame in with_tones)
    middle_u, middle_v = typical(with_tones)
    expected = (middle_u, middle_v - LEAN * colorful)
    wide = max(LEAST_PRIOR, PRIOR * colorful)
    presence = added(frame.presence for frame in with_tones)
    likely = {cell: n * _prior(cell, expected, wide) for cell, n in presence.items()}
    if near is not None:
        likely = _borne_out(likely, near, reach, FLOOR if absent else 0.0)
    best = min(likely, key=lambda cell: (-likely[cell], cell))
    u, v = _center(likely, best)
    counted = [(frame.pixels_per_cell, added([frame.counts])) for frame in with_tones]
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


def typical(frames: Sequence[FrameMeasurement]) -> Chroma:
    """Return the median of the frames' chroma.

    Parameters
    ----------
    frames : sequence of FrameMeasurement
        What was measured of each frame.
    """
    u = statistics.median(frame.chroma[0] for frame in frames)
    return u, statistics.median(frame.chroma[1] for frame in frames)


def variety(frames: Sequence[FrameMeasurement]) -> float:
    """Return the median distance of the frames' chroma from its median.

    Parameters
    ----------
    frames : sequence of FrameMeasurement
        What was measured of each frame.
    """
    middle = typical(frames)
    return statistics.median(distance(frame.chroma, middle) for frame in frames)


def base_of(group: Group | None, given_looks: Sequence[FrameMeasurement]) -> PooledBase | None:
    """Return the film base of a roll: of the profile, of a given region, or as frames show it.

    Parameters
    ----------
    group : Group or None
        The plain color that all frames agree with.
    given_looks : sequence of FrameMeasurement
        Measurements with the film base of the profile or of its region.
    """
    if given_looks:
        bases = [look.base for look in given_looks]
        profile = all(base.source == "profile" for base in bases)
        return _pooled(bases, PROFILE if profile else REGION)
    if group is None:
        return None
    return PooledBase(
        density=group.density,
        printed=group.printed,
        source=UNEXPOSED if group.blank else SEEN,
        frames=len(group.frames),
        spread=group.spread,
    )


def middle(values: Sequence[float]) -> float:
    """Return the mean of the middle half of values.

    Parameters
    ----------
    values : sequence of float
        The values.
    """
    ordered = sorted(values)
    cut = len(ordered) // 4
    half = ordered[cut : len(ordered) - cut]
    return math.fsum(half) / len(half)


def distance(first: Chroma, second: Chroma) -> float:
    """Return the distance of two chromas, a density.

    Parameters
    ----------
    first : Chroma
        u and v.
    second : Chroma
        u and v.
    """
    return math.hypot(first[0] - second[0], first[1] - second[1])


def added(maps: Iterable[ChromaMap]) -> Cells:
    """Return the sum of chroma maps: value by bin of u and v.

    Parameters
    ----------
    maps : iterable of ChromaMap
        The maps.
    """
    total: Cells = {}
    for chroma_map in maps:
        for row, (first, values) in enumerate(chroma_map.rows):
            u = chroma_map.first_u + row
            for column, value in enumerate(values):
                if value:
                    cell = (u, first + column)
                    total[cell] = total.get(cell, 0) + value
    return total


def _pooled(bases: Sequence[FilmBase], source: str) -> PooledBase:
    channels = [[base.density[i] for base in bases] for i in range(3)]
    printed = [statistics.median(base.printed[i] for base in bases) for i in range(3)]
    density = [statistics.median(values) for values in channels]
    return PooledBase(
        density=(density[0], density[1], density[2]),
        printed=(printed[0], printed[1], printed[2]),
        source=source,
        frames=len(bases),
        spread=round(max(max(values) - min(values) for values in channels), 5),
    )


def _borne_out(
    likely: Mapping[Cell, float], near: Chroma, reach: float, floor: float
) -> dict[Cell, float]:
    """Weight candidates by their distance from ``near``, which no picture needs to have."""
    if not floor:
        return {cell: n * _prior(cell, near, reach) for cell, n in likely.items()}
    least = floor * max(likely.values())
    wide = math.ceil(3.0 * reach / BIN)
    u, v = round(near[0] / BIN), round(near[1] / BIN)
    around = ((u + i, v + j) for i in range(-wide, wide + 1) for j in range(-wide, wide + 1))
    candidates = {*likely, *around}
    return {p: (likely.get(p, 0.0) + least) * _prior(p, near, reach) for p in sorted(candidates)}


def _prior(cell: Cell, middle: Chroma, reach: float) -> float:
    return math.exp(-0.5 * (_away(cell, middle) / reach) ** 2)


def _away(cell: Cell, chroma: Chroma) -> float:
    return math.hypot(cell[0] * BIN - chroma[0], cell[1] * BIN - chroma[1])


def _center(cells: Mapping[Cell, float], best: Cell, reach: int = 3) -> Chroma:
    """Return the position of a peak, finer than a bin: the center of its upper part."""
    floor = PEAK * cells[best]
    mass = up = across = 0.0
    for u in range(best[0] - reach, best[0] + reach + 1):
        for v in range(best[1] - reach, best[1] + reach + 1):
            weight = max(0.0, cells.get((u, v), 0) - floor)
            mass, up, across = mass + weight, up + weight * u, across + weight * v
    return round(up / mass * BIN, 4), round(across / mass * BIN, 4)


def _rival(likely: dict[Cell, float], best: tuple[int, int]) -> float:
    """Return the height of the highest other peak, relative to the best."""
    around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    tops = (
        n
        for (u, v), n in likely.items()
        if math.dist((u, v), best) > APART / BIN
        and all(likely.get((u + i, v + j), 0.0) <= n for i, j in around)
    )
    return max(tops, default=0.0) / likely[best]


def _scatter(frames: Sequence[Cells], gray: Chroma) -> float:
    """Return the root mean square distance of cells near gray, along one axis."""
    total = squares = 0.0
    for cells in frames:
        for cell, n in cells.items():
            away = _away(cell, gray)
            if away <= NEAR:
                total, squares = total + n, squares + n * away * away
    return round(math.sqrt(squares / total / 2.0), 5) if total else 0.0
