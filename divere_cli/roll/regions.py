"""What on a scan is picture, and what is film base, holder, hole or light beside the film.

Covers masks over the cells of a grid and the film base that was seen. The
thinnest film is found as one color (cells chosen by their brightness, then the
median of each channel), never as the extremes of the channels, and never by
what color a base should have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.roll.measurement import BaseSource

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DARKEST = 2e-5  # transmittance below which a scanner tells nothing
HOLDER = 0.02  # of the thinnest film, in every channel: nothing on film is that dense
THIN_SHARE = 0.005  # of the film's cells make a plateau
THIN_WINDOW = 0.05
ALIKE = 0.08  # density; cells of one color, grain and the fall-off of a light table included
SIDE_SHARE = 0.8  # of a side lined with base: a rebate
SMOOTH = 0.01  # density between neighbors on bare film, the middle of them; pictures have texture
UNEXPOSED_SHARE = 0.9


@dataclass(frozen=True)
class Base:
    """Film base: density (3,), where it was seen, which cells."""

    density: Floats
    source: BaseSource
    cells: int
    spread: float


@dataclass(frozen=True)
class Regions:
    """Masks over a grid; ``picture`` is what is measured, ``outside`` what is no film."""

    picture: Bools
    outside: Bools
    rebate: Bools
    base: Base | None


def find(linear: Floats, clipped: Bools, negative: bool = True) -> Regions:
    """Tell the regions of a frame.

    Parameters
    ----------
    linear : ndarray
        ``(rows, columns, 3)``, linear transmittance in the working space.
    clipped : ndarray
        ``(rows, columns)``, cells with a clipped pixel.
    negative : bool
        Whether the thinnest film may be bare; on a positive it is a light of the picture.
    """
    seen = (linear > DARKEST).all(axis=2)
    valid = seen & ~clipped
    nothing = np.zeros_like(valid)
    if not valid.any():
        return Regions(nothing, ~valid, nothing, None)
    thin = np.quantile(linear[valid], 0.995, axis=0)
    dark = (linear / thin < HOLDER).all(axis=2)
    outside = _grown(flood(dark | clipped, _border(dark | clipped)), valid.shape)
    film = valid & ~outside
    if not film.any() or not negative:
        return Regions(film, outside, nothing, None)
    density = -np.log10(np.maximum(linear, DARKEST))
    base = _base(density, film, outside)
    rebate = nothing
    if base.source == "rebate":
        thinner = film & (density < base.density + ALIKE).all(axis=2)
        rebate = flood(thinner | outside, _border(thinner) | outside) & ~outside
        rebate = _grown(rebate, valid.shape) & ~outside
    return Regions(film & ~rebate, outside, rebate, base)


def given(linear: Floats, clipped: Bools) -> Base | None:
    """Film base of a region that is said to be bare; None where all of it is clipped or black.

    The cell of middle brightness and what is as bright as it: dust and the rim of
    a hole do not count.
    """
    valid = (linear > DARKEST).all(axis=2) & ~clipped
    if not valid.any():
        return None
    density = -np.log10(np.maximum(linear, DARKEST))
    colors = density[valid]
    luma = colors.mean(axis=1)
    within = np.abs(luma - np.sort(luma)[len(luma) // 2]) <= THIN_WINDOW
    color, alike = _settled(density, valid, np.median(colors[within], axis=0))
    return Base(color, "given region", int(alike.sum()), _scatter(density[alike]))


def _base(density: Floats, film: Bools, outside: Bools) -> Base:
    colors = density[film]
    color, alike = _settled(density, film, _thinnest(colors))
    count = int(alike.sum())
    spread = _scatter(density[alike])
    source: BaseSource = "thin end"
    if count >= UNEXPOSED_SHARE * len(colors):
        source = "unexposed"
    elif _lined(alike, outside) >= SIDE_SHARE and _texture(density, alike) <= SMOOTH:
        source = "rebate"
    return Base(color, source, count, spread)


def _settled(density: Floats, among: Bools, color: Floats) -> tuple[Floats, Bools]:
    """The middle of the cells that have a color, and which these are."""
    alike = (np.abs(density - color) < ALIKE).all(axis=2) & among
    for _ in range(2):
        if alike.any():
            color = np.median(density[alike], axis=0)
            alike = (np.abs(density - color) < ALIKE).all(axis=2) & among
    return color, alike


def _scatter(colors: Floats) -> float:
    """The largest of the channels' standard deviations."""
    return float(colors.std(axis=0).max()) if len(colors) else 0.0


def _thinnest(colors: Floats) -> Floats:
    """The color of the thinnest plateau: the first window of brightness with cells enough."""
    luma = np.sort(colors.mean(axis=1))
    need = max(1, round(THIN_SHARE * len(luma)))
    ends = np.searchsorted(luma, luma + THIN_WINDOW, side="right")
    first = int(np.argmax(ends - np.arange(len(luma)) >= need))
    low = luma[first]
    within = np.abs(colors.mean(axis=1) - low - THIN_WINDOW / 2) <= THIN_WINDOW / 2
    return np.asarray(np.median(colors[within], axis=0))


def _texture(density: Floats, mask: Bools) -> float:
    """The middle of the differences between neighbors that are both in the mask."""
    luma = density.mean(axis=2)
    along = np.abs(np.diff(luma, axis=1))[mask[:, 1:] & mask[:, :-1]]
    down = np.abs(np.diff(luma, axis=0))[mask[1:] & mask[:-1]]
    both = np.concatenate([along, down])
    return float(np.median(both)) if len(both) else float("inf")


def _lined(alike: Bools, outside: Bools) -> float:
    """The largest share of a side where the outermost film is base."""
    shares = []
    for turns in range(4):
        mask, beyond = np.rot90(alike, turns), np.rot90(outside, turns)
        depth = np.argmin(beyond, axis=0)
        columns = np.arange(mask.shape[1])
        there = ~beyond[depth, columns]
        if there.any():
            shares.append(float(mask[depth, columns][there].sum() / mask.shape[1]))
    return max(shares, default=0.0)


def flood(through: Bools, seeds: Bools) -> Bools:
    """Cells of ``through`` that are joined to a seed by their sides; seeds count if in it."""
    reached = through & seeds
    while True:
        grown = _spread(reached) & through
        if (grown == reached).all():
            return reached
        reached = grown


def _spread(mask: Bools) -> Bools:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _border(mask: Bools) -> Bools:
    seeds = np.zeros_like(mask)
    seeds[[0, -1]] = True
    seeds[:, [0, -1]] = True
    return seeds & mask


def _grown(mask: Bools, shape: tuple[int, ...]) -> Bools:
    """One cell wider: cells at an edge hold both sides."""
    return _spread(mask) if min(shape) > 8 else mask
