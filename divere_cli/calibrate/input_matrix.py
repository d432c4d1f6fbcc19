"""Fit the input space of a scanner or camera to a scan of a chart as a positive.

Covers the 3 x 3 matrix from the scan's linear RGB to the working space, fitted by least
squares on light and then by Gauss-Newton on Lab, and its conversion to primaries and a white
as in a preset. A matrix has nine numbers, primaries and white have eight: the ninth, the
brightness of the scan, becomes the gains of the preset, equal for all channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate.color_difference import lab, xyz_of_lab
from divere_cli.calibrate.print_model import to_d50
from divere_cli.color.primaries import GAIN_LIMITS, conversion, rgb_to_xyz, xyz
from divere_cli.errors import Unsupported, UsageError
from divere_cli.records.grade import Recipe, Space

Floats = NDArray[np.float64]

NAME = "calibrated"
RIDGE = 1e-4
STEPS = 20
DARK = 0.02  # light added to the weights, so that dark patches do not dominate
DIGITS = 7
FURTHEST = 2.0  # of a chromaticity in a preset, -1 to 2


@dataclass(frozen=True, slots=True)
class InputTask:
    """The data of a fit: linear samples and Lab, ``(n, 3)``, and working space to Lab."""

    samples: Floats
    reference: Floats
    back: Floats
    to_xyz: Floats

    def lab(self, matrix: Floats) -> Floats:
        """Return Lab, ``(..., n, 3)``, for a matrix ``(..., 3, 3)``."""
        light = np.einsum("...ij,nj->...ni", matrix, self.samples)
        output_light = np.clip(
            np.einsum("ij,...nj->...ni", self.back, np.maximum(light, 0.0)), 0.0, 1.0
        )
        return lab(np.einsum("ij,...nj->...ni", self.to_xyz, output_light))


def check(recipe: Recipe) -> None:
    """Raise UsageError unless a recipe is that of a plain positive.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    film = recipe.film
    curved = any((recipe.curves.rgb, recipe.curves.r, recipe.curves.g, recipe.curves.b))
    bent = recipe.matrix is not None or recipe.density_gamma != 1.0
    if film.invert or film.monochrome or curved or bent or recipe.screen_glare_compensation:
        raise UsageError(
            f"profile {recipe.profile!r} is not a plain positive, as an input space needs: it has "
            "a curve, a matrix or contrast, or is for negatives",
            hint="use -p digital-neutral or -p reversal-neutral with --target input",
        )


def task(recipe: Recipe, output: Space, samples: Floats, reference: Floats) -> InputTask:
    """Return the task for samples of a positive; the recipe's input gamma makes them linear.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    samples : Floats
        Samples of the patches, 0 to 1, shape (n, 3).
    reference : Floats
        Lab that the patches should have, shape (n, 3).
    """
    linear = np.clip(samples, 0.0, 1.0) ** recipe.input_space.gamma
    back = conversion(recipe.working_space, output, recipe.adaptation)
    return InputTask(linear, reference, back, to_d50(output))


def fit(task: InputTask, weights: Floats) -> Floats:
    """Return the matrix from linear samples to working light.

    Parameters
    ----------
    task : InputTask
        The task.
    weights : Floats
        Weights, shape (n,); 0 leaves a patch out.

    Returns
    -------
    Floats
        The matrix, shape (3, 3).
    """
    output_light = np.linalg.solve(task.to_xyz, xyz_of_lab(task.reference).T)
    light = np.linalg.solve(task.back, output_light).T
    scale = np.sqrt(weights)[:, None] / (light.mean(axis=1, keepdims=True).clip(0.0) + DARK)
    x, y = task.samples * scale, light * scale
    gram = np.einsum("ni,nj->ij", x, x) + RIDGE * np.eye(3)
    matrix = np.linalg.solve(gram, np.einsum("ni,nj->ij", x, y)).T
    return _on_lab(task, weights, matrix)


def _on_lab(task: InputTask, weights: Floats, matrix: Floats) -> Floats:
    chroma = np.hypot(task.reference[:, 1], task.reference[:, 2])
    scale = np.stack([np.ones_like(chroma), *[1.0 / (1.0 + 0.045 * chroma)] * 2], axis=1)
    scale = scale * np.sqrt(weights)[:, None]
    step, damping = 1e-5 * float(np.abs(matrix).max()), 1e-3
    directions = np.eye(9).reshape(9, 3, 3)

    def residual(of: Floats) -> Floats:
        return np.asarray((task.lab(of) - task.reference) * scale)

    now = residual(matrix)
    for _ in range(STEPS):
        slopes = (residual(matrix + step * directions) - now) / step
        jacobian = slopes.reshape(9, -1)
        system = np.einsum("ij,kj->ik", jacobian, jacobian)
        slope = np.einsum("ij,j->i", jacobian, now.ravel())
        damped = system + damping * np.diag(np.diag(system)) + 1e-12 * np.eye(9)
        tried = matrix - np.linalg.solve(damped, slope).reshape(3, 3)
        then = residual(tried)
        if (then**2).sum() < (now**2).sum():
            matrix, now, damping = tried, then, max(damping / 8.0, 1e-9)
        else:
            damping *= 8.0
    return matrix


def recipe_of(recipe: Recipe, matrix: Floats) -> Recipe:
    """Return the recipe whose input space and gains do what the matrix does.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    matrix : Floats
        From linear samples to working light, shape (3, 3).

    Notes
    -----
    The grade turns samples x into ``G (W^-1 N x)``: N has the primaries as columns and gives
    the white w for (1, 1, 1), W is that of the working space, G the ratio of the whites'
    XYZ. With B the matrix, ``N = k W G^-1 B``, and ``N (1, 1, 1) = w`` makes w an eigenvector
    of ``W diag(B (1, 1, 1) / W (1, 1, 1))`` and k one over its eigenvalue.

    Raises
    ------
    Unsupported
        The matrix cannot be that of a camera or scanner.
    """
    work = rgb_to_xyz(recipe.working_space)
    goal = xyz(recipe.working_space.white)
    values, vectors = np.linalg.eig(work @ np.diag(matrix.sum(axis=1) / goal))
    best = int(np.argmax(values.real))
    level, white = float(values[best].real), vectors[:, best].real
    white = white / white[1] if abs(white[1]) > 1e-9 else white
    gains = goal / np.where(white == 0.0, 1e-9, white)
    columns = work @ np.diag(1.0 / gains) @ matrix / max(level, 1e-9)
    sums = columns.sum(axis=0)
    within = ((gains > GAIN_LIMITS[0]) & (gains < GAIN_LIMITS[1])).all()
    if level <= 0.0 or not within or np.abs(sums).min() < 1e-6:
        raise _no_input()
    places = columns[:2] / sums
    if np.abs(places - 0.5).max() > FURTHEST - 0.5:
        raise _no_input()
    red, green, blue = ((round(float(x), DIGITS), round(float(y), DIGITS)) for x, y in places.T)
    total = float(white.sum())
    at = (round(float(white[0]) / total, DIGITS), round(float(white[1]) / total, DIGITS))
    gain = round(recipe.density_dmax + float(np.log10(level)), 6)
    space = Space(NAME, (red, green, blue), at, recipe.input_space.gamma)
    return replace(recipe, input_space=space, rgb_gains=(gain, gain, gain), adaptation="ratio")


def _no_input() -> Unsupported:
    return Unsupported(
        "no input space fits the chart's colors: the scan is not that of a positive",
        hint="use a linear scan of the chart itself, not of a negative",
    )
