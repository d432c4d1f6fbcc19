"""Homographies, the perspective maps between two planes: fitting and applying them.

Covers the direct linear transform with normalized points (Hartley and Zisserman,
"Multiple View Geometry", 2nd edition, algorithm 4.2), solved by normal equations: the
result is the same for any number of threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fit(source: Floats, target: Floats) -> Floats | None:
    """Return the homography from one set of points to another; None if it is not determined.

    It is not determined if the points are on a line or all in one place.

    Parameters
    ----------
    source : Floats
        Points, shape (n, 2), n at least 4.
    target : Floats
        Points, shape (n, 2).

    Returns
    -------
    Floats or None
        The homography, shape (3, 3).
    """
    from_unit, to_unit = _normal(source), _normal(target)
    if from_unit is None or to_unit is None:
        return None
    x, y = _moved(from_unit, source).T
    u, v = _moved(to_unit, target).T
    zero, unit = np.zeros_like(x), np.ones_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, unit, zero, zero, zero, -u * x, -u * y, -u], axis=1),
            np.stack([zero, zero, zero, x, y, unit, -v * x, -v * y, -v], axis=1),
        ]
    )
    values, vectors = np.linalg.eigh(np.einsum("ij,ik->jk", rows, rows))
    if values[1] < 1e-9 * values[-1]:
        return None
    matrix = np.linalg.solve(to_unit, vectors[:, 0].reshape(3, 3) @ from_unit)
    if not np.isfinite(matrix).all() or abs(matrix[2, 2]) < 1e-12:
        return None
    return np.asarray(matrix / matrix[2, 2])


def apply(matrix: Floats, points: Floats) -> Floats:
    """Move points by a homography; those on its horizon become NaN.

    Parameters
    ----------
    matrix : Floats
        The homography, shape (3, 3).
    points : Floats
        Points, shape (..., 2).

    Returns
    -------
    Floats
        Points, shape (..., 2).
    """
    flat = points[..., 0, None] * matrix[:, 0] + points[..., 1, None] * matrix[:, 1] + matrix[:, 2]
    depth = np.where(np.abs(flat[..., 2:]) < 1e-9, np.nan, flat[..., 2:])
    return np.asarray(flat[..., :2] / depth)


def _normal(points: Floats) -> Floats | None:
    """Move points to the origin and to a mean distance of the root of 2."""
    center = points.mean(axis=0)
    distance = np.hypot(*(points - center).T).mean()
    if not distance > 1e-9:
        return None
    scale = np.sqrt(2.0) / distance
    return np.array(
        [[scale, 0.0, -scale * center[0]], [0.0, scale, -scale * center[1]], [0.0, 0.0, 1.0]]
    )


def _moved(matrix: Floats, points: Floats) -> Floats:
    return np.asarray(points * matrix[0, 0] + matrix[:2, 2])
