"""Smooth noise over a picture; each value depends only on its coordinates and the generator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def noise(rng: np.random.Generator, cells: tuple[int, int], xs: Floats, ys: Floats) -> Floats:
    """Return smooth noise, about -1 to 1, from a random lattice.

    Parameters
    ----------
    rng : random.Generator
        Source of random numbers.
    cells : tuple[int, int]
        Cells of the lattice down and across.
    xs : Floats
        Positions across, 0 to 1, shape (n,).
    ys : Floats
        Positions down, 0 to 1, shape (m,).

    Returns
    -------
    Floats
        The noise, shape (m, n).
    """
    lattice = rng.uniform(-1.0, 1.0, (cells[0] + 1, cells[1] + 1))
    return across(across(lattice.T, ys).T, xs)


def across(points: Floats, at: Floats) -> Floats:
    """Interpolate smoothly along the rows of a lattice.

    Parameters
    ----------
    points : Floats
        Values of the lattice, shape (rows, points).
    at : Floats
        Positions, 0 to 1, shape (n,).

    Returns
    -------
    Floats
        The values, shape (rows, n).
    """
    cells = points.shape[1] - 1
    position = np.clip(at, 0.0, 1.0) * cells
    cell = np.minimum(position.astype(int), cells - 1)
    share = smooth(position - cell, 0.0)
    values = points[:, cell]
    values += (points[:, cell + 1] - values) * share
    return values


def smooth(value: Floats, from_: float = -0.5) -> Floats:
    """Return a smooth step: 0 up to ``from_``, 1 from 1 on.

    Parameters
    ----------
    value : ndarray
        Any shape.
    from_ : float
        Where the step begins.

    Returns
    -------
    ndarray
        The step, of the same shape, 0 to 1.
    """
    share = np.clip((value - from_) / (1.0 - from_), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
