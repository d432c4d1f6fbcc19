"""Find plain areas in the middle of a frame, one of which may be a gray card.

Runs in the worker: connected and smooth areas of one color, the largest first. The parent
decides which of them is the card (:mod:`divere_cli.roll.gray_frames`): on a single frame, a
card looks like a wall.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.roll import regions

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIDDLE = 0.2  # of each side is left out: a card is nearer to the middle
LEAST_SHARE = 0.006  # of the frame's cells; a patch of a chart that fills a third of it
MOST = 12  # areas of a frame
STEP = 0.03  # density; width of a bin in the search of the most common color
ALIKE = 0.04  # density; cells of one area: grain, and light that falls off over a card
SMOOTH = 0.02  # density between neighbors, the middle of them: a wall, not leaves


@dataclass(frozen=True)
class Area:
    """One plain area: density ``(3,)``, and its share of the frame's cells."""

    density: Floats
    share: float


def find(density: Floats, valid: Bools) -> tuple[Area, ...]:
    """Find the plain areas in the middle of a frame.

    Parameters
    ----------
    density : ndarray
        ``(rows, columns, 3)`` of the scan, log10.
    valid : ndarray
        ``(rows, columns)``: neither clipped nor black.

    Returns
    -------
    tuple of Area
        Largest first, at most ``MOST``.
    """
    unassigned = _middle(valid.shape) & valid
    least = max(4, round(LEAST_SHARE * valid.size))
    areas = []
    for _ in range(3 * MOST):
        if unassigned.sum() < least:
            break
        color = _fullest(density[unassigned])
        alike = (np.abs(density - color) < ALIKE).all(axis=2) & valid
        area = regions.flood(alike, alike & unassigned)
        if (area & unassigned).sum() < least // 2 or area.sum() < least:
            break
        unassigned &= ~area
        if _is_smooth(density, area):
            inside = _without_rim(area)
            middle = np.median(density[inside if inside.any() else area], axis=0)
            areas.append(Area(np.asarray(middle), float(area.mean())))
    return tuple(sorted(areas, key=lambda plain_area: -plain_area.share)[:MOST])


def _middle(shape: tuple[int, ...]) -> Bools:
    mask = np.zeros(shape, np.bool_)
    rows, columns = (round(MIDDLE * n) for n in shape)
    mask[rows : shape[0] - rows, columns : shape[1] - columns] = True
    return mask


def _fullest(colors: Floats) -> Floats:
    """Return the most common color."""
    bins = np.floor(colors / STEP).astype(np.int64)
    bins -= bins.min(axis=0)
    sizes = bins.max(axis=0) + 1
    places = (bins[:, 0] * sizes[1] + bins[:, 1]) * sizes[2] + bins[:, 2]
    among, counts = np.unique(places, return_counts=True)
    color = np.median(colors[places == among[int(np.argmax(counts))]], axis=0)
    alike = (np.abs(colors - color) < ALIKE).all(axis=1)
    return np.asarray(np.median(colors[alike], axis=0))


def _is_smooth(density: Floats, area: Bools) -> bool:
    level = density.mean(axis=2)
    steps = np.abs(np.diff(level, axis=1))[area[:, 1:] & area[:, :-1]]
    return bool(len(steps)) and float(np.median(steps)) <= SMOOTH


def _without_rim(area: Bools) -> Bools:
    """Return the cells of an area whose four neighbors belong to it, too."""
    inside = area.copy()
    inside[1:] &= area[:-1]
    inside[:-1] &= area[1:]
    inside[:, 1:] &= area[:, :-1]
    inside[:, :-1] &= area[:, 1:]
    return inside
