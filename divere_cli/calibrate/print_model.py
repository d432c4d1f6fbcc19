"""Model of the grade for fits: film density to Lab of the positive.

Covers the steps before the density matrix (samples to film density) and those after the
gains (curves, light, output space as read by its ICC profile), in float64. The matrix and
the gains between them are fitted in :mod:`divere_cli.calibrate.fit`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate.color_difference import D50, lab, xyz_of_lab
from divere_cli.color import curves, exact
from divere_cli.color.density import MOST_DENSITY, PIVOT_CONTRAST, PIVOT_MATRIX
from divere_cli.color.primaries import BRADFORD, rgb_to_xyz, xyz
from divere_cli.records.grade import Recipe, Space

Floats = NDArray[np.float64]

DARKEST = 1e-6  # least light for the conversion of Lab to print density
STEPS = 4097


def film_density(recipe: Recipe, samples: Floats) -> Floats:
    """Return the density that the matrix is applied to, by steps 1 to 6 of the grade.

    Parameters
    ----------
    recipe : Recipe
        Recipe of a film type that is inverted.
    samples : ndarray
        ``(..., 3)``, normalized samples of the scan, 0..1.

    Returns
    -------
    ndarray
        ``(..., 3)``: ``d + dmax - 4.1``, so that the density before the curves is
        ``matrix @ it + 4.1 - dmax - gains``.
    """
    folded = exact.fold(recipe, recipe.working_space, one_channel=False)
    linear = folded.transmittance(exact.finite(np.asarray(samples, np.float64)))
    density = -np.log10(np.maximum(linear, 1e-10))
    contrasted = (density - PIVOT_CONTRAST) * recipe.density_gamma
    d = np.minimum(recipe.density_dmax - PIVOT_CONTRAST - contrasted, MOST_DENSITY)
    return np.asarray(d + recipe.density_dmax - PIVOT_MATRIX)


def to_d50(space: Space) -> Floats:
    """Return the matrix from linear RGB to XYZ under D50, as in an ICC profile.

    Parameters
    ----------
    space : Space
        The color space.

    Returns
    -------
    Floats
        The matrix, shape (3, 3).
    """
    white = xyz(space.white)
    cones = (BRADFORD @ D50) / (BRADFORD @ white)
    adapt = np.linalg.inv(BRADFORD) @ (cones[:, None] * BRADFORD)
    return np.asarray(adapt @ rgb_to_xyz(space))


@dataclass(frozen=True, slots=True)
class Print:
    """Converts density before the curves to Lab of the positive, and back.

    ``back`` is the matrix from working light to the output space, ``to_xyz`` from there to
    XYZ (D50).
    """

    tones: tuple[curves.Tone, curves.Tone, curves.Tone]
    back: Floats
    to_xyz: Floats

    def lab(self, density: Floats) -> Floats:
        """Return Lab of densities before the curves, both ``(..., 3)``."""
        light = np.stack([t.light(density[..., c]) for c, t in enumerate(self.tones)], axis=-1)
        encoded = np.clip(light @ self.back.T, 0.0, 1.0)
        return lab(encoded @ self.to_xyz.T)

    def slopes(self, density: Floats, step: float = 1e-4) -> Floats:
        """Return the numerical Jacobian ``(..., 3, 3)`` of Lab by density of each channel."""
        columns = []
        for channel in range(3):
            apart = np.zeros(3)
            apart[channel] = step
            columns.append((self.lab(density + apart) - self.lab(density - apart)) / (2.0 * step))
        return np.stack(columns, axis=-1)

    def density(self, reference: Floats) -> Floats:
        """Return the density before the curves that prints as Lab ``reference``, ``(n, 3)``.

        For a color that the print cannot show, the nearest density of each channel is used.
        """
        output = np.linalg.solve(self.to_xyz, xyz_of_lab(reference).T)
        light = np.linalg.solve(self.back, output).T
        before = np.linspace(0.0, curves.DENSITY_RANGE, STEPS)
        channels = []
        for channel, tone in enumerate(self.tones):
            printed = -np.log10(np.maximum(tone.light(before), DARKEST))
            rising = np.maximum.accumulate(printed) + np.arange(STEPS) * 1e-9
            target = -np.log10(np.clip(light[:, channel], DARKEST, 1.0))
            channels.append(np.interp(target, rising, before))
        return np.stack(channels, axis=-1)


def print_of(recipe: Recipe, output: Space) -> Print:
    """Return the print side of a recipe, for positives in a color space.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    """
    folded = exact.fold(recipe, output, one_channel=False)
    return Print(curves.tones(recipe), folded.back, to_d50(output))
