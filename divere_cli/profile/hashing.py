"""The same picture, the same numbers: what does nothing is dropped, order is made certain.

Covers curves, matrices and the hash of a recipe. Names do not count.
"""

from __future__ import annotations

import hashlib
import json

from divere_cli.records.grade import Matrix3, Points, Recipe
from divere_cli.records.serialize import to_plain

_IDENTITY = ((0.0, 0.0), (1.0, 1.0))
_DONE_NOTHING: tuple[Points, ...] = ((), _IDENTITY)
# numpy.allclose(matrix, eye(3)), which DiVERE asks.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-8


def ordered(points: Points) -> Points:
    """Return points by ascending x; none for a curve that does nothing.

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
    """Return whether DiVERE takes a matrix for the identity, as ``numpy.allclose`` does.

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
    """Return the SHA-256 of a recipe's numbers: the same for the same picture, by any name.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    plain = to_plain(recipe)
    for name in ("profile", "sha256", "calibrated"):
        plain.pop(name, None)
    if recipe.camera_white_balance == "off":  # recipes from before there was a choice are the same
        del plain["camera_white_balance"]
    for part in ("film", "input_space", "working_space"):
        del plain[part]["name"]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
