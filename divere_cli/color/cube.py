"""Writes the grade as a `.cube` file: a lattice of colors.

Covers two forms. The plain one is the lattice alone, which every program reads; its points are
evenly spaced in linear light, so most of a negative falls between the first few. The shaped one,
for Resolve and programs that use OpenColorIO, has a table before the lattice that spaces its
points by density; its error is three to four times smaller. Not covered: measuring either
(:mod:`.export`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from divere_cli.color.exact import ExactGrade
from divere_cli.errors import UsageError

Array = npt.NDArray[np.float64]

DEFAULT_SIZE = 65
SIZES = (2, 129)
# One entry for every 16-bit code value.
SHAPER = 1 << 16
# Density 3.5, where the spacing changes from density to light.
TOE = 3e-4
# Light at the lattice's first point. At no light at all, where logarithms are cut off, the
# matrix would throw off the whole first cell: measured, a color difference of 7.7 in the
# mean becomes 0.7. Film is not denser than 3, and what is holds still.
LEAST = 1e-3
LEAST_SHAPED = 1e-4


def check(size: int) -> None:
    """Raise unless a grid of ``size`` points can be written.

    Parameters
    ----------
    size : int
        Points in each direction.

    Raises
    ------
    UsageError
        When ``size`` is not from 2 to 129.
    """
    if not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(f"--size is {size}; allowed: {SIZES[0]} to {SIZES[1]}")


def shaped(x: Array) -> Array:
    """Convert code values to positions in the grid.

    Parameters
    ----------
    x : Array
        Code values, 0 to 1, any shape.

    Returns
    -------
    Array
        Positions, 0 to 1, of the same shape.
    """
    return np.asarray(np.log1p(x / TOE) / np.log1p(1.0 / TOE))


def unshaped(positions: Array) -> Array:
    """Convert positions in the grid to code values: the inverse of :func:`shaped`.

    Parameters
    ----------
    positions : Array
        Positions, 0 to 1, any shape.

    Returns
    -------
    Array
        Code values, 0 to 1, of the same shape.
    """
    return np.asarray(TOE * np.expm1(positions * np.log1p(1.0 / TOE)))


def lattice(exact_grade: ExactGrade, levels: Array) -> Array:
    """Return the encoded positive at every point of a grid.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    levels : Array
        Linear samples of one channel at the grid's points, 0 to 1, shape (n,).

    Returns
    -------
    Array
        Encoded values, float64, shape (n ** 3, 3), red fastest.
    """
    values = []
    for blue in levels:
        green, red = np.meshgrid(levels, levels, indexing="ij")
        points = np.stack([red.ravel(), green.ravel(), np.full(red.size, blue)], axis=1)
        values.append(np.broadcast_to(exact_grade.encoded(points), points.shape))
    return np.concatenate(values)


def text(exact_grade: ExactGrade, name: str, size: int, *, shaper: bool) -> str:
    """Return a `.cube` document.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    name : str
        Its title, or first comment.
    size : int
        Points in each direction.
    shaper : bool
        Whether a 1D table comes before the grid.
    """
    check(size)
    title = "".join(c for c in name if c.isprintable() and c != '"')
    places = np.linspace(0.0, 1.0, size)
    if not shaper:
        rows = lattice(exact_grade, np.maximum(places, LEAST))
        return _document([f'TITLE "{title}"', f"LUT_3D_SIZE {size}"], rows)
    # This form has no TITLE.
    head = [f"# {title}", f"LUT_1D_SIZE {SHAPER}", "LUT_1D_INPUT_RANGE 0.0 1.0"]
    head += [f"LUT_3D_SIZE {size}", "LUT_3D_INPUT_RANGE 0.0 1.0"]
    table = np.repeat(shaped(np.linspace(0.0, 1.0, SHAPER))[:, None], 3, axis=1)
    rows = lattice(exact_grade, np.maximum(unshaped(places), LEAST_SHAPED))
    return _document(head, np.concatenate([table, rows]))


def _document(head: list[str], rows: Array) -> str:
    body = [f"{red:.7f} {green:.7f} {blue:.7f}" for red, green, blue in rows.tolist()]
    return "\n".join([*head, *body, ""])
