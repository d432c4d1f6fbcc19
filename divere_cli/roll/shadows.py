"""Gray of a roll without bare film, from the deepest shadows of its pictures.

Covers when shadows can replace bare film. Standard library only. The film under a deep shadow is
hardly exposed: its color is nearly that of bare film, whatever the subject is. A sky or a meadow
in even light has no such shadows, and its thinnest film has the subject's color. So shadows count
only if they have one color on many frames, and are deep.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from divere_cli.roll import exposure, pool
from divere_cli.roll.measurement import FrameMeasurement
from divere_cli.roll.pool import Chroma

# An 18 % gray card minus the thin end of the pictures, in u and v: chosen on 15 simulated rolls of
# many subjects; 27 have (0.005, -0.040) (median), with a scatter of 0.03. Bare film is 0.025 away
# in u, for shadows are on the film's toe.
CARD = (0.008, -0.03)
# Density: how far the thin ends of half of the frames are from their middle, at the median. Of 65
# rolls without bare film 22 have less: their gray is 0.034 off instead of 0.072, one by 0.01 more.
ALIKE = 0.03
# Print density from the middle of the pictures to their thinnest film, at least: bare film is 0.84
# away on a metered roll, and 0.4 on a stage. A single frame has no other to agree with: of 310 with
# less than 0.6 half were over 0.1 off; of 102 with more, one in ten.
DEEP, DEEP_ALONE = 0.35, 0.6
ENOUGH = 4  # frames that can agree
# Standard deviation of a gray card from there, density; less if pictures of few subjects disagree.
REACH, FEW_REACH = 0.06, 0.04
FEW_THINNEST = 6  # one frame in six has the thinnest film of a roll


def gray(pictures: Sequence[FrameMeasurement]) -> Chroma | None:
    """Return the chroma of a gray card as expected from the deepest shadows.

    Parameters
    ----------
    pictures : sequence of FrameMeasurement
        What was measured of each picture, without a film base.

    Returns
    -------
    Chroma or None
        u and v, print densities; None if the shadows are not deep, or differ in color.
    """
    alone = len(pictures) < ENOUGH
    thin = _thinnest(pictures)
    ends = [_chroma(look) for look in (thin if alone else thin[: max(3, len(thin) // 2)])]
    middle = statistics.median(u for u, _ in ends), statistics.median(v for _, v in ends)
    apart = statistics.median(pool.distance(end, middle) for end in ends)
    if depth(pictures) < (DEEP_ALONE if alone else DEEP) or apart > ALIKE:
        return None
    return middle[0] + CARD[0], middle[1] + CARD[1]


def depth(pictures: Sequence[FrameMeasurement]) -> float:
    """Return how much thinner the film of the deepest shadows is than that of the pictures.

    Parameters
    ----------
    pictures : sequence of FrameMeasurement
        What was measured of each picture, without a film base.

    Returns
    -------
    float
        Print density between the thinnest film and the middle of the pictures.
    """
    level = statistics.fmean(sum(look.base.printed) / 3.0 for look in _deepest(pictures))
    return level - exposure.middle([exposure.key(look, None) for look in pictures])


def color(pictures: Sequence[FrameMeasurement]) -> Chroma:
    """Return the chroma of a gray card if the thinnest film of the pictures were bare film.

    Parameters
    ----------
    pictures : sequence of FrameMeasurement
        What was measured of each picture.
    """
    few = _deepest(pictures)
    red, green, blue = (statistics.fmean(look.base.printed[i] for look in few) for i in range(3))
    return red - green + pool.CARD[0], blue - green + pool.CARD[1]


def _thinnest(pictures: Sequence[FrameMeasurement]) -> list[FrameMeasurement]:
    """Return pictures in the order of their thin ends, the thinnest film first."""
    return sorted(pictures, key=lambda look: (sum(look.base.density), look.base.density))


def _deepest(pictures: Sequence[FrameMeasurement]) -> list[FrameMeasurement]:
    """Return the pictures with the thinnest film of the roll."""
    return _thinnest(pictures)[: max(1, len(pictures) // FEW_THINNEST)]


def _chroma(look: FrameMeasurement) -> Chroma:
    red, green, blue = look.base.printed
    return red - green, blue - green
