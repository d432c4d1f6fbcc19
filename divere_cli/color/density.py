"""Steps 4 to 9 combined: density as a linear function of the logarithms of transmittance.

Covers inversion, contrast, Dmax, the density matrix with channel gamma, gains,
and the two clamps (transmittance at least 1e-10, density at most 10 before
the matrix) as one interval of transmittance. Not covered: curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divere_cli.errors import ProfileError
from divere_cli.records.grade import Recipe

Array = npt.NDArray[np.float64]

PIVOT_CONTRAST = 0.7
PIVOT_MATRIX = 4.1
LEAST_LIGHT = 1e-10
MOST_DENSITY = 10.0
# Upper limit of float samples: a file may contain infinities.
MOST_LIGHT = 1e6


@dataclass(frozen=True, slots=True)
class Density:
    """``d = matrix @ log10(clip(x, low, high)) + offset`` for linear x, shape (3,)."""

    low: float
    high: float
    matrix: Array
    offset: Array

    def of(self, x: Array) -> Array:
        """Return print densities of linear pixels: float64, shape (n, 3)."""
        logarithm = np.log10(np.clip(x, self.low, self.high))
        return np.asarray(logarithm @ self.matrix.T + self.offset)


def fold(recipe: Recipe) -> Density:
    """Combine the recipe's steps 4 to 9 into one function of the logarithm of light.

    Steps 4 to 6 are ``d = a log10(x) + b``. As d is monotonic in x, its clamp
    at 10 is a bound on x: from above where light makes density (negatives),
    from below where it takes density away (reversal).

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.

    Raises
    ------
    ProfileError
        When ``density_gamma`` is not above 0.
    """
    if not recipe.density_gamma > 0.0:
        raise ProfileError(
            f"profile {recipe.profile!r}: cc_params.density_gamma is {recipe.density_gamma}, "
            "it must be above 0"
        )
    a = recipe.density_gamma * (1.0 if recipe.film.invert else -1.0)
    b = recipe.density_dmax - PIVOT_CONTRAST * (1.0 - recipe.density_gamma)
    bound = 10.0 ** min(max((MOST_DENSITY - b) / a, -30.0), 30.0)
    # If the clamp leaves no interval, every pixel is at the clamp.
    if a > 0.0:
        high = min(MOST_LIGHT, bound)
        low = min(LEAST_LIGHT, high)
    else:
        low = max(LEAST_LIGHT, bound)
        high = max(MOST_LIGHT, low)
    matrix, offset = np.eye(3) * a, np.full(3, b)
    if recipe.film.density_matrix and recipe.matrix is not None:
        mixing = np.array(recipe.matrix)
        if not np.allclose(mixing, np.eye(3), rtol=1e-5, atol=1e-8):
            matrix, offset = _mixed(recipe, mixing, matrix, offset)
    if recipe.film.rgb_gains:
        offset = offset - np.array(recipe.rgb_gains)
    return Density(low, high, matrix, offset)


def _mixed(recipe: Recipe, mixing: Array, matrix: Array, offset: Array) -> tuple[Array, Array]:
    gamma = np.array([recipe.channel_gamma[0], 1.0, recipe.channel_gamma[1]])
    centered = mixing @ (offset + recipe.density_dmax - PIVOT_MATRIX)
    shifted = PIVOT_MATRIX + gamma * centered - recipe.density_dmax
    return gamma[:, None] * (mixing @ matrix), shifted
