"""Normalizes recipes for hashing: parts without effect are dropped, order is fixed.

Covers curves, matrices and the hash of a recipe. Names are ignored.
"""

from __future__ import annotations

import hashlib
import json

from divere_cli.records.grade import Matrix3, Points, Recipe
from divere_cli.records.serialize import to_plain

_IDENTITY = ((0.0, 0.0), (1.0, 1.0))
_DONE_NOTHING: tuple[Points, ...] = ((), _IDENTITY)
# As numpy.allclose(matrix, eye(3)), which DiVERE uses.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-8


def ordered(points: Points) -> Points:
    """Return points by ascending x; none for a curve without effect.

    DiVERE's Ilford curves come in descending x; reversing those before the
    (stable) sort keeps the order of two points that share an x, a jump.

    Parameters
    ----------
    points : Points
        Pairs of x and y.
    """
    if len(points) > 1 and points[0][0] > points[-1][0]:
        points = points[::-1]
    ascending = tuple(sorted(points, key=lambda point: point[0]))
    return () if ascending in _DONE_NOTHING else ascending


def is_identity(matrix: Matrix3) -> bool:
    """Return whether DiVERE treats a matrix as the identity, by ``numpy.allclose``.

    Parameters
    ----------
    matrix : Matrix3
        The matrix.
    """
    return all(
        abs(value - (row == column)) <= _ABSOLUTE + _RELATIVE * (row == column)
        for row, values in enumerate(matrix)
        for column, value in enumerate(values)
    )


def digest(recipe: Recipe) -> str:
    """Return the SHA-256 of a recipe's numbers; names do not change it.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    plain = to_plain(recipe)
    for name in ("profile", "sha256", "calibrated"):
        plain.pop(name, None)
    if recipe.camera_white_balance == "off":  # the hash of recipes from before this option stays
        del plain["camera_white_balance"]
    for part in ("film", "input_space", "working_space"):
        del plain[part]["name"]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
