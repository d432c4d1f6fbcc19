"""The gray of a print: the densities before the curves that print as gray.

Covers the offsets between the three curves of a print material, and the density that prints as
middle gray. Not covered: the color of the paper's white and of its deepest black.

The curves of papers lie within 0.03 density of each other; those of print
films are far apart (Kodak 2383: red 0.34 to the right of green, blue 0.29 to
the left), for their negatives come with a mask. They also cross, so that no single tone
says how they lie: the mean over the tones does.
"""

from __future__ import annotations

import numpy as np

from divere_cli.color.curves import DENSITY_RANGE, Array, tones
from divere_cli.records.grade import Recipe

MIDDLE_GRAY = -float(np.log10(0.18))
TONES = (0.1, 2.0)  # print densities used: above the lightest white, below the black
ENDS = 0.95  # of a channel's largest density; beyond it the curve is flat
STEPS = 4097


def offsets(recipe: Recipe) -> Array:
    """Return how far each channel's curve is from the middle of the three.

    What is gray on the print has these differences before the curves; zero for
    a film type without curves.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.

    Returns
    -------
    Array
        Densities before the curves, shape (3,), of sum 0; zeros for a film type without curves.
    """
    before, prints = _prints(recipe)
    low = float(prints[:, 0].max()) + TONES[0]
    high = min(TONES[1], ENDS * float(prints[:, -1].min()))
    if low >= high:
        return np.zeros(3)
    levels = np.linspace(low, high, 64)
    places = np.array([np.interp(levels, channel, before).mean() for channel in prints])
    return np.asarray(places - places.mean())


def middle(recipe: Recipe) -> float:
    """Return the density before the curves that prints as 18 % of the print's white.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    before, prints = _prints(recipe)
    return float(np.mean([np.interp(MIDDLE_GRAY, channel, before) for channel in prints]))


def _prints(recipe: Recipe) -> tuple[Array, Array]:
    """Return densities before the curves and the densities that each channel prints, ascending."""
    before = np.linspace(0.0, DENSITY_RANGE, STEPS)
    lights = np.stack([tone.light(before) for tone in tones(recipe)])
    darker = np.maximum.accumulate(-np.log10(np.maximum(lights, 1e-9)), axis=1)
    return before, darker + np.arange(STEPS) * 1e-9
