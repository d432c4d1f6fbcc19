"""Exports a grade as a file for other programs, and measures the error of that file.

Covers the text of the file, reading it back with OpenColorIO, and the difference from the float64
reference over a fixed sample of colors. Not covered: choosing the profile, and printing results.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color import clf, cube, exact, ocio, reference, transfer
from divere_cli.errors import Internal, UsageError
from divere_cli.records.grade import Recipe, Space

Array = npt.NDArray[np.float64]
Form = Literal["clf", "cube"]

SAMPLES = 20_000
DENSEST = 3.0
CODES = 65535.0


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Properties of an exported file, and its error when OpenColorIO reads it back.

    Attributes
    ----------
    size : int
        Points of the lattice on a side; 0 for CLF.
    max_error, mean_error : float
        In 16-bit code values, over the sample; the mean over pixels and channels.
    p99_error : float
        99 of 100 values are no farther off.
    max_delta_e, mean_delta_e : float
        CIE 1976 color difference of the positives.
    """

    path: str
    format: Form
    size: int
    max_error: float
    p99_error: float
    mean_error: float
    max_delta_e: float
    mean_delta_e: float


def text(
    recipe: Recipe, output: Space, form: Form, size: int | None = None, *, shaper: bool = False
) -> str:
    """Return a grade for color scans as the text of a CLF or `.cube` file.

    Parameters
    ----------
    recipe : Recipe
    output : Space
        Color space of the positive.
    form : {"clf", "cube"}
    size : int or None
        Points of the lattice on a side, 2 to 129; 65 when None. Only for "cube".
    shaper : bool
        Only for "cube": a table before the lattice, which Resolve and OpenColorIO read.

    Raises
    ------
    ProfileError
        When the recipe's figures allow no grade.
    UsageError
        The size is not allowed.
    """
    exact_grade = exact.fold(recipe, output, one_channel=False)
    if form == "cube":
        side = cube.DEFAULT_SIZE if size is None else size
        return cube.text(exact_grade, recipe.profile, side, shaper=shaper)
    if size is not None or shaper:
        raise UsageError("--size and a shaper are for cube: CLF holds the grade itself")
    source = f"scan in {recipe.input_space.name}, code values 0..1"
    return clf.text(exact_grade, recipe.profile, source, f"positive in {output.name}")


def measure(recipe: Recipe, output: Space, form: Form, size: int | None, path: str) -> ExportReport:
    """Read an exported file back, and measure its error.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    form : Form
        ``clf`` or ``cube``.
    size : int or None
        Points of a `.cube` in each direction.
    path : str
        Path of the file.

    Raises
    ------
    Internal
        OpenColorIO cannot use the file.
    """
    x = sample()
    want = np.broadcast_to(reference.encoded(recipe, output, x.astype(np.float64)), x.shape)
    got = read_back(path, x)
    errors = np.abs(got - want) * CODES
    difference = delta_e(output, got, want)
    return ExportReport(
        path=path,
        format=form,
        size=0 if form == "clf" else size or cube.DEFAULT_SIZE,
        max_error=float(errors.max()),
        p99_error=float(np.quantile(errors, 0.99)),
        mean_error=float(errors.mean()),
        max_delta_e=float(difference.max()),
        mean_delta_e=float(difference.mean()),
    )


def sample() -> npt.NDArray[np.float32]:
    """Return colors for the measurement: half even in code value, half even in density 0..3.

    Returns
    -------
    ndarray, float32, shape (20000, 3)
        Always the same; whole 16-bit code values.
    """
    generator = np.random.Generator(np.random.PCG64(65535))
    even = generator.random((SAMPLES // 2, 3))
    dense = 10.0 ** -generator.uniform(0.0, DENSEST, (SAMPLES // 2, 3))
    codes = np.round(np.concatenate([even, dense]) * CODES)
    return (codes / CODES).astype(np.float32)


def read_back(path: str, x: npt.NDArray[np.float32]) -> Array:
    """Run samples through a CLF or `.cube` file, as another program would.

    Parameters
    ----------
    path : str
        Path of the file.
    x : ndarray of float32
        Linear samples, float32, shape (n, 3), 0 to 1.

    Returns
    -------
    Array
        Encoded values, shape (n, 3).
    """
    # OpenColorIO caches files by name: it would miss another export to the same name.
    PyOpenColorIO.ClearAllCaches()
    file = PyOpenColorIO.FileTransform(
        src=os.path.abspath(path), interpolation=PyOpenColorIO.INTERP_TETRAHEDRAL
    )
    processor = ocio.processor(file, np.float32, np.float32)
    pixels = x.copy()
    try:
        processor.applyRGB(pixels)
    except PyOpenColorIO.Exception as error:
        raise Internal(f"OpenColorIO cannot use {path}: {error}") from error
    return pixels.astype(np.float64)


def delta_e(space: Space, first: Array, second: Array) -> Array:
    """Return the CIE 1976 color difference, relative to the space's own white.

    Parameters
    ----------
    space : Space
        The color space.
    first : Array
        Encoded values, shape (n, 3), 0 to 1.
    second : Array
        Encoded values, shape (n, 3), 0 to 1.

    Returns
    -------
    Array
        Differences, shape (n,).
    """
    return np.asarray(np.linalg.norm(_lab(space, first) - _lab(space, second), axis=1))


def _lab(space: Space, encoded: Array) -> Array:
    linear = transfer.decode(np.clip(encoded, 0.0, 1.0), space.transfer, space.gamma)
    if space.primaries is None:
        ratio = linear
    else:
        ratio = linear @ reference.to_xyz(space).T / reference.white_xyz(space)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f.T
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=1)
