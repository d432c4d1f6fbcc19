"""The inverse grade: from the light of a print to the samples that a scanner reads.

Covers the inverse of steps 2 to 12 of the grade in float64. Not covered:
the output space, black-and-white types, and anything that is not a function of
one pixel (grain and dust are laid on the film by :mod:`.strip`).

A print's curves lie apart (:mod:`divere_cli.color.print_stock`), differ a little beyond
that, and dip here and there. So light goes back through one curve for all
three, the mean of the three put onto each other and made ascending: neutral
light is one density, and each channel's curve gets it where it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.color import print_stock
from divere_cli.color.curves import DENSITY_RANGE, tones
from divere_cli.color.density import PIVOT_CONTRAST, PIVOT_MATRIX
from divere_cli.color.primaries import conversion
from divere_cli.errors import ProfileError
from divere_cli.records.grade import Recipe

Floats = NDArray[np.float64]

STEPS = 4097


@dataclass(frozen=True)
class Backwards:
    """An inverted recipe, whose gains are the true ones; made by :func:`invert`.

    ``densities`` over ``prints`` is the paper: print density to density before
    the curves, which is ``offsets`` more for each channel.
    """

    recipe: Recipe
    prints: Floats
    densities: Floats
    offsets: Floats
    matrix: Floats
    device: Floats

    def before_curves(self, light: Floats) -> Floats:
        """Return the density before the curves, without gains and offsets, of light (..., 3)."""
        density = -np.log10(np.maximum(light + self.recipe.screen_glare_compensation, 1e-6))
        return np.interp(density, self.prints, self.densities)

    def printed(self, before: Floats) -> Floats:
        """Return the light of a print, by the three curves of the paper, of density before them."""
        apart = before + self.offsets
        channels = [tone.light(apart[..., i]) for i, tone in enumerate(tones(self.recipe))]
        return np.stack(channels, axis=-1)

    def film(self, density: Floats) -> Floats:
        """Return the density of the film in the working space.

        Parameters
        ----------
        density : ndarray
            ``(..., 3)``, as :meth:`before_curves` gives it.

        Returns
        -------
        ndarray
            ``(..., 3)``, log10 of 1 / transmittance.
        """
        recipe = self.recipe
        printed = density + self.offsets + np.array(recipe.rgb_gains) + recipe.density_dmax
        if recipe.matrix is not None and recipe.film.density_matrix:
            red, blue = recipe.channel_gamma
            offset = (printed - PIVOT_MATRIX) / np.array([red, 1.0, blue])
            printed = PIVOT_MATRIX + offset @ self.matrix.T
        contrasted = 2.0 * recipe.density_dmax - printed - PIVOT_CONTRAST
        return np.asarray(PIVOT_CONTRAST + contrasted / recipe.density_gamma)

    def scan(self, film: Floats) -> Floats:
        """Return the samples that the scanner reads, 0..1, of film densities ``(..., 3)``."""
        light = np.clip(np.power(10.0, -film) @ self.device.T, 0.0, 1.0)
        gamma = self.recipe.input_space.gamma
        return light if gamma == 1.0 else np.power(light, 1.0 / gamma)


def invert(recipe: Recipe) -> Backwards:
    """Return the inverse of a recipe for color negatives.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.

    Raises
    ------
    ProfileError
        The film type does not invert or is monochrome.
    """
    if not recipe.film.invert or recipe.film.monochrome:
        raise ProfileError(f"profile {recipe.profile!r}: {recipe.film.name} is no color negative")
    offsets = print_stock.offsets(recipe)
    prints, densities = _curve(recipe, offsets)
    matrix = np.eye(3) if recipe.matrix is None else np.array(recipe.matrix)
    device = conversion(recipe.input_space, recipe.working_space, recipe.adaptation)
    unmixed, to_device = np.asarray(np.linalg.inv(matrix)), np.asarray(np.linalg.inv(device))
    return Backwards(recipe, prints, densities, offsets, unmixed, to_device)


def _curve(recipe: Recipe, offsets: Floats) -> tuple[Floats, Floats]:
    """Return print densities, ascending, and the density before the curves for each."""
    before = np.linspace(0.0, DENSITY_RANGE, STEPS)
    channels = []
    for tone, offset in zip(tones(recipe), offsets, strict=True):
        density = before + offset
        for curve in tone.curves:
            density = curve.density(density)
        channels.append(density)
    after = np.maximum.accumulate(np.mean(channels, axis=0))
    return after + np.arange(STEPS) * 1e-9, before
