"""The flat master: the positive's density before the print's curve, as light.

Covers the recipe that leaves out the curve and the print's screen glare, the space that a
raw converter gets, and how much darker its middle gray is than a print's. Not covered:
files.
"""

from __future__ import annotations

import math
from dataclasses import replace

from divere_cli.color import print_stock
from divere_cli.records.grade import Curves, Recipe, Space

# In stops: a larger figure means that something else is wrong.
MOST = 6.0


def recipe(graded: Recipe) -> Recipe:
    """Return the same grade without the print's curve and glare.

    Parameters
    ----------
    graded : Recipe
        The grade with every name resolved.
    """
    film = replace(graded.film, density_curve=False)
    return replace(graded, film=film, curves=Curves(), screen_glare_compensation=0.0)


def space(graded: Recipe) -> Space:
    """Return the space of a linear master: the working space, so that nothing is clipped.

    Parameters
    ----------
    graded : Recipe
        The grade with every name resolved.
    """
    return replace(graded.working_space, gamma=1.0, transfer="power")


def exposure(graded: Recipe) -> float:
    """Return the stops between the light that prints as middle gray and middle gray itself.

    A raw converter that brightens the flat master by so much shows the tones about where
    the print has them.

    Parameters
    ----------
    graded : Recipe
        The grade with every name resolved.
    """
    if not graded.film.density_curve:
        return 0.0
    stops = math.log2(10.0) * (print_stock.middle(graded) - print_stock.MIDDLE_GRAY)
    return min(max(stops, -MOST), MOST)
