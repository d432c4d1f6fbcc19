"""Flat areas of a picture that have the shape of a patch.

Covers connected areas of little contrast at several thresholds, with position, size and
shape. Which areas form a chart is found in :mod:`divere_cli.calibrate.lattice`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# Density from one pixel to the next; grain at the proxy's size is 0.005 to 0.03.
CONTRASTS = (0.006, 0.012, 0.022, 0.04, 0.075)
LEAST_PIXELS = 16
MOST_SHARE = 0.06  # of the picture: 24 patches and gaps fill it at 0.042 each
# Area over 12 times the root of the covariance's determinant: 1 for every parallelogram,
# 1.05 for an ellipse, below 0.8 for an L, a ring or a comb.
SHAPE = (0.86, 1.07)
LONGEST = 3.5  # length by width, as the ratio of standard deviations
MOST_AREAS = 400


@dataclass(frozen=True, slots=True)
class Areas:
    """Flat areas: ``centers`` (n, 2) in pixels (x, y), ``sizes`` (n,) root of the area."""

    centers: Floats
    sizes: Floats


def smooth(picture: Floats) -> Floats:
    """Smooth a picture by the binomial 3 x 3 filter.

    Parameters
    ----------
    picture : Floats
        Shape (h, w, c).

    Returns
    -------
    Floats
        The smoothed picture, same shape.
    """
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:-2] + 2.0 * padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + 2.0 * rows[:, 1:-1] + rows[:, 2:]) / 16.0)


def contrast(density: Floats) -> Floats:
    """Return the steepest slope of any channel at each pixel.

    Parameters
    ----------
    density : Floats
        Densities, shape (h, w, 3).

    Returns
    -------
    Floats
        Density per pixel, shape (h, w).
    """
    padded = np.pad(density, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = 0.5 * (padded[1:-1, 2:] - padded[1:-1, :-2])
    down = 0.5 * (padded[2:, 1:-1] - padded[:-2, 1:-1])
    return np.asarray(np.sqrt(across**2 + down**2).max(axis=2))


def find(density: Floats) -> list[Areas]:
    """Return the areas that have the shape of a patch, for each of several thresholds.

    Parameters
    ----------
    density : Floats
        Densities, shape (h, w, 3).
    """
    slope = contrast(smooth(density))
    by_threshold = [patch_shaped(slope < limit) for limit in CONTRASTS]
    return [areas for areas in by_threshold if len(areas.sizes) >= 3]


def patch_shaped(mask: Bools) -> Areas:
    """Return the connected areas of a mask that have the shape of a patch, the largest first.

    Parameters
    ----------
    mask : Bools
        The mask, shape (h, w).
    """
    labels = label(mask)
    y, x = np.nonzero(mask)
    numbers = labels[y, x]
    count = int(numbers.max(initial=-1)) + 1
    area = np.bincount(numbers, minlength=count).astype(np.float64)
    at_x = np.bincount(numbers, x, count) / np.maximum(area, 1.0)
    at_y = np.bincount(numbers, y, count) / np.maximum(area, 1.0)
    dx, dy = x - at_x[numbers], y - at_y[numbers]
    # a pixel is a square, not a point: 1/12 of its side squared
    xx = np.bincount(numbers, dx * dx, count) / np.maximum(area, 1.0) + 1.0 / 12.0
    yy = np.bincount(numbers, dy * dy, count) / np.maximum(area, 1.0) + 1.0 / 12.0
    xy = np.bincount(numbers, dx * dy, count) / np.maximum(area, 1.0)
    determinant = np.maximum(xx * yy - xy * xy, 1e-12)
    shape = area / (12.0 * np.sqrt(determinant))
    middle, half = 0.5 * (xx + yy), np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    long = np.sqrt((middle + half) / np.maximum(middle - half, 1e-9))
    good = (area >= LEAST_PIXELS) & (area <= MOST_SHARE * mask.size)
    good &= (shape >= SHAPE[0]) & (shape <= SHAPE[1]) & (long <= LONGEST)
    chosen = np.flatnonzero(good)
    chosen = chosen[np.argsort(-area[chosen], kind="stable")][:MOST_AREAS]
    centers = np.stack([at_x[chosen], at_y[chosen]], axis=1)
    return Areas(centers, np.sqrt(area[chosen]))


def label(mask: Bools) -> Ints:
    """Number the connected areas (by sides) of a mask, from 0; -1 outside of it.

    Works on runs of pixels in a row: a run joins those of the row above that it touches.

    Parameters
    ----------
    mask : Bools
        The mask, shape (h, w).
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    labels = np.full(mask.shape, -1, np.int64)
    if not len(row):
        return labels
    above, below = _touching(row, start, end, height, width)
    number = _joined(len(row), above, below)
    labels[mask] = np.repeat(number, end - start)
    return labels


def _touching(row: Ints, start: Ints, end: Ints, height: int, width: int) -> tuple[Ints, Ints]:
    """Return pairs of runs, one in the row above the other, that share a column."""
    stride = width + 1
    first_of = row * stride + start
    last_of = row * stride + end
    # runs of the row above that end after this one starts, and start before it ends
    low = np.searchsorted(last_of, (row - 1) * stride + start, side="right")
    high = np.searchsorted(first_of, (row - 1) * stride + end, side="left")
    count = np.maximum(high - low, 0)
    count[row == 0] = 0
    below = np.repeat(np.arange(len(row)), count)
    offset = np.arange(len(below)) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(low, count) + offset, below


def _joined(count: int, above: Ints, below: Ints) -> Ints:
    """Number the groups that pairs join, in the order of their first member."""
    parent = np.arange(count)
    while len(above):
        least = np.minimum(parent[above], parent[below])
        most = np.maximum(parent[above], parent[below])
        apart = least != most
        if not apart.any():
            break
        above, below = above[apart], below[apart]
        np.minimum.at(parent, most[apart], least[apart])
        while True:
            shorter = parent[parent]
            if (shorter == parent).all():
                break
            parent = shorter
    return np.unique(parent, return_inverse=True)[1]
