"""Computes matrices between RGB spaces from xy primaries and whites.

Covers RGB to XYZ, the conversion of DiVERE (XYZ-ratio gains applied to R, G, B) and, on request,
Bradford adaptation of the white. Not covered: encoding (the exponents of a space), which is a step
of the grade, and ICC profiles.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from divere_cli.errors import ProfileError
from divere_cli.records.grade import XY, Space

Array = npt.NDArray[np.float64]

GAIN_LIMITS = (0.1, 10.0)
# Products of a matrix and its inverse differ from ones and zeros by a few 1e-16.
SAME = 1e-12
# Bradford cone responses: Lam, 1985; ICC.1:2022 annex E.
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def xyz(point: XY) -> Array:
    """Return XYZ of a chromaticity at Y = 1.

    Parameters
    ----------
    point : XY
        x and y.

    Returns
    -------
    Array
        XYZ, float64, shape (3,).
    """
    x, y = point
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def rgb_to_xyz(space: Space) -> Array:
    """Return the matrix from linear RGB to XYZ; (1, 1, 1) gives the space's white at Y = 1.

    Parameters
    ----------
    space : Space
        The color space.

    Returns
    -------
    ndarray, float64, shape (3, 3)

    Raises
    ------
    ProfileError
        When the primaries span no triangle or a chromaticity has y = 0.

    Notes
    -----
    SMPTE RP 177-1993, section 3.3.
    """
    if space.primaries is None:
        raise ProfileError(f"color space {space.name!r} is gray: it has no primaries")
    if any(point[1] == 0.0 for point in (*space.primaries, space.white)):
        raise ProfileError(f"color space {space.name!r}: a chromaticity has y = 0")
    columns = np.column_stack([xyz(point) for point in space.primaries])
    try:
        return np.asarray(columns * np.linalg.solve(columns, xyz(space.white)))
    except np.linalg.LinAlgError as error:
        raise ProfileError(f"color space {space.name!r}: its primaries lie on one line") from error


def conversion(
    source: Space, target: Space, adaptation: Literal["ratio", "bradford"] = "ratio"
) -> Array:
    """Return the matrix from linear RGB of ``source`` to linear RGB of ``target``.

    Parameters
    ----------
    source, target : Space
        The color spaces.
    adaptation : {"ratio", "bradford"}
        ``ratio``: rows multiplied by XYZ white of ``target`` over that of
        ``source``, each clipped to 0.1..10, as DiVERE does. ``bradford``: the
        white of ``source`` becomes (1, 1, 1) of ``target``.

    Returns
    -------
    ndarray, float64, shape (3, 3)
        Exactly the identity for equal names, for a gray space on either side,
        and where the two spaces are the same to within 1e-12.
    """
    if source.name == target.name or source.primaries is None or target.primaries is None:
        return np.eye(3)
    to_xyz, from_xyz = rgb_to_xyz(source), _inverse(target)
    if adaptation == "bradford":
        matrix = from_xyz @ _bradford(source.white, target.white) @ to_xyz
    else:
        gains = np.clip(xyz(target.white) / xyz(source.white), *GAIN_LIMITS)
        matrix = gains[:, None] * (from_xyz @ to_xyz)
    return np.eye(3) if np.abs(matrix - np.eye(3)).max() < SAME else np.asarray(matrix)


def _inverse(space: Space) -> Array:
    try:
        return np.asarray(np.linalg.inv(rgb_to_xyz(space)))
    except np.linalg.LinAlgError as error:
        raise ProfileError(f"color space {space.name!r}: its primaries lie on one line") from error


def _bradford(source: XY, target: XY) -> Array:
    cones = (BRADFORD @ xyz(target)) / (BRADFORD @ xyz(source))
    return np.asarray(np.linalg.inv(BRADFORD) @ (cones[:, None] * BRADFORD))
