"""Density to light: print curves, light and screen glare as one function of one density.

Covers steps 10 to 12 of the grade for one channel, exact in float64, and the corners of that
function. Not covered: the entries of tables (:mod:`.density_lut`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from divere_cli.records.grade import Points, Recipe

Array = npt.NDArray[np.float64]

DENSITY_RANGE = float(np.log10(65536.0))


@dataclass(frozen=True, slots=True)
class Curve:
    """Piecewise linear in n = 1 - d / log10(65536), constant beyond its ends; x ascending."""

    x: tuple[float, ...]
    y: tuple[float, ...]

    def density(self, d: Array) -> Array:
        """Apply the curve to densities, which are first clipped to 0..4.816."""
        n = np.interp(1.0 - np.clip(d / DENSITY_RANGE, 0.0, 1.0), self.x, self.y)
        return (1.0 - n) * DENSITY_RANGE

    def corners(self) -> list[float]:
        """Densities where the slope changes."""
        inside = [x for x in self.x if 0.0 <= x <= 1.0]
        return [(1.0 - x) * DENSITY_RANGE for x in (*inside, 0.0, 1.0)]

    def densities_giving(self, target: float) -> list[float]:
        """Return the densities at which the curve passes through ``target``."""
        n = 1.0 - target / DENSITY_RANGE
        densities = []
        for x0, y0, x1, y1 in zip(self.x, self.y, self.x[1:], self.y[1:], strict=False):
            if min(y0, y1) < n < max(y0, y1):
                densities.append((1.0 - (x0 + (n - y0) / (y1 - y0) * (x1 - x0))) * DENSITY_RANGE)
        return densities


@dataclass(frozen=True, slots=True)
class Tone:
    """One channel's density to light of 0..1: its curves in order, then light, then glare."""

    curves: tuple[Curve, ...]
    glare: float

    def light(self, d: Array) -> Array:
        """Return the light reflected at density ``d``."""
        for curve in self.curves:
            d = curve.density(d)
        return np.asarray(np.maximum(0.0, 10.0 ** -np.maximum(d, 0.0) - self.glare))

    def corners(self) -> tuple[float, ...]:
        """Return the densities where the slope changes, ascending; beyond them it is constant."""
        densities = [0.0]
        if 0.0 < self.glare < 1.0:
            densities.append(float(-np.log10(self.glare)))
        for curve in reversed(self.curves):
            before = [d for target in densities for d in curve.densities_giving(target)]
            densities = [*curve.corners(), *before]
        return tuple(sorted(set(densities)))


def tones(recipe: Recipe) -> tuple[Tone, Tone, Tone]:
    """Return the tone function of each channel; a film type without density curve has only light.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    if not recipe.film.density_curve:
        return (Tone((), 0.0),) * 3
    recipe_curves = recipe.curves
    red, green, blue = (
        Tone(
            tuple(_curve(points) for points in (recipe_curves.rgb, points) if _acts(points)),
            recipe.screen_glare_compensation,
        )
        for points in (recipe_curves.r, recipe_curves.g, recipe_curves.b)
    )
    return red, green, blue


def _acts(points: Points) -> bool:
    return bool(points) and tuple(map(tuple, points)) != ((0.0, 0.0), (1.0, 1.0))


def _curve(points: Points) -> Curve:
    ordered = sorted(points, key=lambda point: point[0])
    return Curve(tuple(x for x, _ in ordered), tuple(y for _, y in ordered))
