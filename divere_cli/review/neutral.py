"""The neutral picker: gains by which one color of the scan prints as gray.

Covers solving the whole grade, including the output space, for equal encoded values at
unchanged brightness. The pixels of the scan are selected elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from divere_cli.color import exact
from divere_cli.errors import LimitExceeded
from divere_cli.records.grade import Recipe, Space

Array = npt.NDArray[np.float64]

STEPS = 24
SLOPE = 1e-3  # density; step of numerical slopes
LONGEST_STEP = 0.3  # density of one step, because print curves are not straight
CLOSE = 2e-4  # of full scale: a twentieth of a code of 8 bits
MOST = 5.0  # largest gain in a preset
DARKEST, LIGHTEST = 0.02, 0.98  # encoded; outside there is no color to balance


def gains(recipe: Recipe, color: Array, output: Space) -> tuple[float, float, float]:
    """Return the ``rgb_gains`` that make ``color`` gray and keep its brightness.

    Parameters
    ----------
    recipe : Recipe
    color : ndarray, shape (3,)
        Normalized samples of the scan, linear.
    output : Space
        The space in which gray has three equal values.

    Raises
    ------
    LimitExceeded
        The color is too dark or too light, or no gains make it gray.
    """
    if not recipe.film.rgb_gains or recipe.film.monochrome:
        raise LimitExceeded("this film type has no color to balance", hint="")

    def encoded(trial: Array) -> Array:
        """Return encoded values, not clipped to 0..1: clipped values have no slope."""
        tried = replace(recipe, rgb_gains=(float(trial[0]), float(trial[1]), float(trial[2])))
        grade = exact.fold(tried, output, one_channel=False)
        light = grade.light(grade.transmittance(color[None]))[0]
        return np.asarray(np.sign(light) * np.abs(light) ** (1.0 / output.gamma))

    best = np.array(recipe.rgb_gains, np.float64)
    level = float(np.clip(encoded(best), 0.0, 1.0) @ exact.LUMINANCE)
    if not DARKEST < level < LIGHTEST:
        raise LimitExceeded("this place is too dark or too light to be balanced", hint="")
    for _ in range(STEPS):
        off = encoded(best) - level
        if float(np.abs(off).max()) < CLOSE:
            return (
                round(float(best[0]), 4),
                round(float(best[1]), 4),
                round(float(best[2]), 4),
            )
        slopes = np.stack(
            [(encoded(best + SLOPE * axis) - encoded(best - SLOPE * axis)) for axis in np.eye(3)],
            axis=1,
        ) / (2.0 * SLOPE)
        step = np.linalg.lstsq(slopes, -off, rcond=1e-6)[0]
        best = np.clip(best + np.clip(step, -LONGEST_STEP, LONGEST_STEP), -MOST, MOST)
    raise LimitExceeded("no gains make this place gray", hint="")
