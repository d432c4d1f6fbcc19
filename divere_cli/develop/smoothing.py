"""Filters for small pictures: Gaussian, window percentile, filling holes, growing masks.

Covers maps of some hundred cells a side, float64, whose border is extended with the last cell
(never mirrored with a change of sign: one bad cell at the border would affect all of it). Not for
whole scans.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REACH = 3.5  # of a Gaussian, in its sigma
PARTS = 1 << 21  # numbers that a window filter sorts at a time: 16 MB


def gaussian(picture: Floats, sigma: float) -> Floats:
    """Smooth along the first two axes; the border is repeated.

    Parameters
    ----------
    picture : Floats
        Shape (rows, columns, ...).
    sigma : float
        Standard deviation in cells.

    Returns
    -------
    Floats
        The smoothed picture, same shape.
    """
    if sigma <= 0.0:
        return picture
    return along(along(picture, sigma, 0), sigma, 1)


def along(picture: Floats, sigma: float, axis: int) -> Floats:
    """Smooth along one axis; the border is repeated.

    Parameters
    ----------
    picture : Floats
        Any shape.
    sigma : float
        Standard deviation in cells.
    axis : int
        The axis.

    Returns
    -------
    Floats
        The smoothed picture, same shape.
    """
    radius = max(1, round(REACH * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    pads = [(0, 0)] * picture.ndim
    pads[axis] = (radius, radius)
    padded = np.moveaxis(np.pad(picture, pads, mode="edge"), axis, 0)
    length = picture.shape[axis]
    out = np.zeros_like(padded[:length])
    for shift, weight in enumerate(weights):
        out += weight * padded[shift : shift + length]
    return np.moveaxis(out, 0, axis)


def weighted(picture: Floats, weight: Floats, sigma: float) -> tuple[Floats, Floats]:
    """Return the weighted mean around each cell, and the weight there.

    Beyond the picture the weight is zero, so that the border uses no invented values.

    Parameters
    ----------
    picture : Floats
        Shape (rows, columns, ...).
    weight : Floats
        Weights, shape (rows, columns).
    sigma : float
        Standard deviation in cells.

    Returns
    -------
    tuple[Floats, Floats]
        The means, same shape, and the weights.
    """
    radius = max(1, round(REACH * sigma))
    pads = [(radius, radius)] * 2
    no_pads = [(0, 0)] * (picture.ndim - 2)
    inner = (slice(radius, -radius), slice(radius, -radius))
    near_weight = gaussian(np.pad(weight, pads), sigma)[inner]
    full = weight if picture.ndim == 2 else weight[..., None]
    values = gaussian(np.pad(picture * full, [*pads, *no_pads]), sigma)[inner]
    under = np.maximum(near_weight if picture.ndim == 2 else near_weight[..., None], 1e-12)
    return values / under, near_weight


def filled(picture: Floats, reliable: Bools, sigmas: Iterable[float], least: float) -> Floats:
    """Fill unknown cells from known ones, with the finest sigma that has enough weight.

    Parameters
    ----------
    picture : Floats
        Shape (rows, columns, ...).
    reliable : Bools
        The known cells, shape (rows, columns).
    sigmas : iterable of float
        Standard deviations in cells, the finest first.
    least : float
        Weight that is enough.

    Returns
    -------
    Floats
        The filled picture, same shape.
    """
    out = np.where(reliable if picture.ndim == 2 else reliable[..., None], picture, 0.0)
    base, weight = out.copy(), reliable.astype(np.float64)
    todo = ~reliable
    for sigma in sigmas:
        if not todo.any():
            break
        values, near_weight = weighted(base, weight, sigma)
        now = todo & (near_weight >= least)
        out[now] = values[now]
        todo &= ~now
    return out


def percentile(picture: Floats, side: int, share: float) -> Floats:
    """Return a percentile of the window around each cell.

    Parameters
    ----------
    picture : Floats
        Shape (rows, columns).
    side : int
        Cells of the window's side.
    share : float
        The percentile, 0 to 1.

    Returns
    -------
    Floats
        The percentiles, same shape.
    """
    half, count = side // 2, side * side
    rank = round(share * (count - 1))
    padded = np.pad(picture, half, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    rows, columns = picture.shape
    step = max(1, PARTS // (columns * count))
    out = np.empty_like(picture)
    for first in range(0, rows, step):
        part = windows[first : first + step].reshape(-1, columns, count)
        out[first : first + step] = np.partition(part, rank, axis=2)[..., rank]
    return out


def grown(mask: Bools, by: int) -> Bools:
    """Return a mask that is wider on each side (by squares).

    Parameters
    ----------
    mask : Bools
        The mask, shape (rows, columns).
    by : int
        Cells on each side.

    Returns
    -------
    Bools
        The mask, same shape.
    """
    out = mask
    for axis in (0, 1):
        wide = np.moveaxis(out.copy(), axis, 0)
        old = np.moveaxis(out, axis, 0)
        for shift in range(1, by + 1):
            wide[shift:] |= old[:-shift]
            wide[:-shift] |= old[shift:]
        out = np.moveaxis(wide, 0, axis)
    return np.asarray(out)


def shrunk(mask: Bools, by: int) -> Bools:
    """Return a mask that is narrower on each side; the picture's border does not shrink it.

    Parameters
    ----------
    mask : Bools
        The mask, shape (rows, columns).
    by : int
        Cells on each side.

    Returns
    -------
    Bools
        The mask, same shape.
    """
    return ~grown(~mask, by)
