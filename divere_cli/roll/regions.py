"""Divide a scan into picture, film base, holder, holes and light beside the film.

Covers masks over the cells of a grid, and the film base on it. The thinnest film is found as
one color (cells selected by brightness, then the median of each channel), never from the
extremes of the channels, and never from the color that a base should have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.roll.measurement import BaseSource

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DARKEST = 2e-5  # transmittance; lower values of a scanner mean nothing
HOLDER = 0.02  # of the thinnest film, in every channel: nothing on film is that dense
THIN_SHARE = 0.005  # of the film's cells make a plateau
THIN_WINDOW = 0.05
ALIKE = 0.08  # density; cells of one color, grain and the fall-off of a light table included

# Where film base is known (density). A line is holder when three quarters of it are denser than any
# picture, rebate when most of it is bare; light beside the film is thinner than its base.
HOLDER_DENSITY, HOLDER_QUANTILE = 1.45, 0.25
BARE, REBATE_SHARE = 0.06, 0.6
LIGHT = 0.07
MARCHED = 0.25  # of a frame, from each side
REST = 0.08  # of a line; if less is left between two holders, it is not judged


@dataclass(frozen=True)
class Base:
    """Film base: density (3,), where it was seen, which cells."""

    density: Floats
    source: BaseSource
    cells: int
    spread: float


@dataclass(frozen=True)
class Regions:
    """Masks over a grid; ``picture`` is measured, ``outside`` is not film."""

    picture: Bools
    outside: Bools
    rebate: Bools
    base: Base | None


def find(linear: Floats, clipped: Bools, negative: bool = True) -> Regions:
    """Return the regions of a frame whose film base is unknown.

    Parameters
    ----------
    linear : ndarray
        ``(rows, columns, 3)``, linear transmittance in the working space.
    clipped : ndarray
        ``(rows, columns)``, cells with a clipped pixel.
    negative : bool
        Whether the thinnest film may be bare; on a positive it is a highlight of the picture.
    """
    readable = (linear > DARKEST).all(axis=2)
    valid = readable & ~clipped
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
    color, alike = _settled(density, film, _thinnest(density[film]))
    base = Base(color, "thin end", int(alike.sum()), _scatter(density[alike]))
    return Regions(film, outside, nothing, base)


def around(density: Floats, clipped: Bools, base: Base) -> Regions:
    """Return the regions of a frame whose film base is known.

    Parameters
    ----------
    density : ndarray
        ``(rows, columns, 3)`` of the scan in the working space.
    clipped : ndarray
        ``(rows, columns)``, cells with a clipped pixel.
    base : Base
        Density of bare film.
    """
    level = density.mean(axis=2) - base.density.mean()
    thin = (density < base.density - LIGHT).any(axis=2) | clipped
    outside = flood(thin, _border(thin)) | clipped
    bare = (np.abs(density - base.density) < BARE).all(axis=2)
    rebate = np.zeros_like(outside)
    for _ in range(2):  # a holder's columns are known when its rows are, and the other way around
        for side in range(4):
            turned = [np.rot90(mask, side) for mask in (level, bare, thin, outside, rebate)]
            _march(*turned)
    outside, rebate = _grown(outside, outside.shape), _grown(rebate, rebate.shape)
    picture = ~outside & ~rebate & ~clipped
    return Regions(picture, outside, rebate & ~outside, base)


def _march(level: Floats, bare: Bools, thin: Bools, outside: Bools, lined: Bools) -> None:
    """Mark lines from the first on as holder or rebate until one is picture (in place).

    A line that is half holder and half rebate is neither: one such line is skipped.
    """
    passed = 0
    for line in range(round(MARCHED * len(level))):
        without_holes = ~outside[line] & ~lined[line] & ~thin[line]  # without sprocket holes
        few = without_holes.sum() < REST * without_holes.size
        if few or np.quantile(level[line][without_holes], HOLDER_QUANTILE) > HOLDER_DENSITY:
            outside[line] |= without_holes
            outside[line - passed : line] = True
        elif bare[line][without_holes].mean() > REBATE_SHARE:
            lined[line] |= without_holes
            outside[line] |= thin[line]
            outside[line - passed : line] = True
        elif passed:
            return
        else:
            passed = 1
            continue
        passed = 0


def bare_region(linear: Floats, clipped: Bools) -> Base | None:
    """Return the film base of a region that is bare; None if all of it is clipped or black.

    Only the cell of median brightness and those as bright as it are used: dust and the rim
    of a hole do not count.

    Parameters
    ----------
    linear : Floats
        Linear light of the region, shape (n, channels).
    clipped : Bools
        Which cells are clipped, shape (n,).
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


def _settled(density: Floats, among: Bools, color: Floats) -> tuple[Floats, Bools]:
    """Return the median of the cells that have a color, and the mask of these cells."""
    alike = (np.abs(density - color) < ALIKE).all(axis=2) & among
    for _ in range(2):
        if alike.any():
            color = np.median(density[alike], axis=0)
            alike = (np.abs(density - color) < ALIKE).all(axis=2) & among
    return color, alike


def _scatter(colors: Floats) -> float:
    """Return the largest standard deviation of the channels."""
    return float(colors.std(axis=0).max()) if len(colors) else 0.0


def _thinnest(colors: Floats) -> Floats:
    """Return the color of the thinnest plateau: the first window with enough cells."""
    luma = np.sort(colors.mean(axis=1))
    least = max(1, round(THIN_SHARE * len(luma)))
    ends = np.searchsorted(luma, luma + THIN_WINDOW, side="right")
    first = int(np.argmax(ends - np.arange(len(luma)) >= least))
    low = luma[first]
    within = np.abs(colors.mean(axis=1) - low - THIN_WINDOW / 2) <= THIN_WINDOW / 2
    return np.asarray(np.median(colors[within], axis=0))


def flood(through: Bools, seeds: Bools) -> Bools:
    """Return the cells that are connected with a seed by their sides.

    Parameters
    ----------
    through : Bools
        Cells that connect, shape (rows, columns).
    seeds : Bools
        Cells to start from, shape (rows, columns).

    Returns
    -------
    Bools
        The cells, shape (rows, columns).
    """
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
    """Return a mask one cell wider: cells at an edge contain both sides."""
    return _spread(mask) if min(shape) > 8 else mask
