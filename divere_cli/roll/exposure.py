"""Exposure of a roll, and of each of its frames.

Covers brightness only; gray is found in :mod:`divere_cli.roll.pool`. Standard library only.
The print density of an 18 % gray card on the roll is estimated twice: from the middle of
the pictures, and from bare film.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from divere_cli.roll import pool
from divere_cli.roll.measurement import FrameMeasurement
from divere_cli.roll.pool import PooledBase

ABOVE_BASE = 0.1  # film density above bare film; thinner cells do not count for brightness
CARD_UNDER_PICTURES = 0.035  # print density; median of mixed rolls minus that of an 18 % card
CARD_UNDER_BASE = 0.87  # film density from bare film to an 18 % card exposed as metered
# Density. How far the pictures may be from bare film before they count less. With one subject, a
# roll of nights or of snow is off by 0.1 to 0.3, a camera's meter by 0.07. Many subjects show how
# a roll was exposed: negative film rated two stops below its box speed is 0.36 denser.
ONE_SUBJECT, DARKER, LIGHTER = 0.11, 0.2, 0.35
# Density: between which varieties of the pictures' colors one subject becomes many. Of 29 simulated
# rolls of one subject those of nights had up to 0.026, those of skies up to 0.061.
DARKER_VARIED, LIGHTER_VARIED = (0.03, 0.06), (0.06, 0.09)
# Both estimates are weighted: each is 0.045 to 0.065 off on mixed rolls, together 0.036. If they
# differ by APART, only the pictures count: bare film does not show how the film was rated.
PICTURES, APART = 0.65, 0.3
# Scatter of brightness from the subjects of a correctly exposed roll; any more is exposure.
SUBJECTS = 0.15
LEAST_SHARE, MOST_SHARE = 0.15, 0.8
# The scatter of few frames is uncertain: that of mixed rolls is added, as this many more frames.
USUAL_SCATTER, USUAL_FRAMES = 0.16, 4
# Density. A larger difference of a frame is corrected in proportion to its texture: a night or a
# field of snow is one plain tone, and stays as it is.
MOOD = 0.2


def key(look: FrameMeasurement, base: PooledBase | None) -> float:
    """Return the brightness of a frame: the median print density above bare film.

    Parameters
    ----------
    look : FrameMeasurement
        What was measured of the frame.
    base : PooledBase or None
        The film base of the roll, where it is known.
    """
    return above(look, base, 0.5)


def above(look: FrameMeasurement, base: PooledBase | None, quantile: float) -> float:
    """Return a quantile of print density over what is above bare film.

    Parameters
    ----------
    look : FrameMeasurement
        What was measured of the frame.
    base : PooledBase or None
        The film base of the roll, where it is known.
    quantile : float
        0 to 1.
    """
    lumas = look.lumas
    last = len(lumas) - 1
    if base is not None:
        limit = base.level - ABOVE_BASE * look.contrast
        last = max(1, sum(luma <= limit for luma in lumas) - 1)
    position = quantile * last
    low = min(int(position), last - 1)
    return lumas[low] + (position - low) * (lumas[low + 1] - lumas[low])


def card(keys: Sequence[float], base: PooledBase | None, contrast: float, variety: float) -> float:
    """Return the print density of an 18 % gray card on the roll.

    Parameters
    ----------
    keys : sequence of float
        Brightness of its pictures.
    base : PooledBase, optional
        Bare film, where it is known.
    contrast : float
        Print density for a film density.
    variety : float
        How far the pictures' colors are apart (:func:`divere_cli.roll.pool.variety`), density.
    """
    pictures = middle(keys) - CARD_UNDER_PICTURES
    if base is None:
        return pictures
    bare = base.level - CARD_UNDER_BASE * contrast
    away = pictures - bare
    reach = _reach(away, variety)
    weight = PICTURES + (1.0 - PICTURES) * min(1.0, abs(away) / APART)
    return bare + weight * away / math.sqrt(1.0 + (away / reach) ** 4)


def _reach(away: float, variety: float) -> float:
    """Return how far pictures may be from bare film before they count less."""
    least, most = DARKER_VARIED if away > 0.0 else LIGHTER_VARIED
    part = min(1.0, max(0.0, (variety - least) / (most - least)))
    return ONE_SUBJECT + part * ((DARKER if away > 0.0 else LIGHTER) - ONE_SUBJECT)


def middle(keys: Sequence[float]) -> float:
    """Return the brightness of a roll: the mean of the middle half of its pictures.

    Parameters
    ----------
    keys : sequence of float
        Brightness of each picture.
    """
    return pool.middle(keys)


def share(keys: Sequence[float]) -> float:
    """Return how far each frame is moved to the exposure of its roll, 0 to 1.

    This is the part of the spread that comes from exposure and not from the subjects: 0.19,
    0.37, 0.66, 0.77 at a scatter of 0, 0.09, 0.18, 0.30, with ``SUBJECTS`` for the subjects.

    Parameters
    ----------
    keys : sequence of float
        Brightness of each frame.
    """
    squares = len(keys) * statistics.pvariance(keys)
    spread = (squares + USUAL_FRAMES * USUAL_SCATTER**2) / (len(keys) + USUAL_FRAMES)
    return min(MOST_SHARE, max(LEAST_SHARE, 1.0 - SUBJECTS**2 / spread))


def pull(darker: float, part: float, texture: float) -> float:
    """Return the exposure of a frame in addition to that of its roll.

    Parameters
    ----------
    darker : float
        Its key minus that of the roll, print density.
    part : float
        The share of the difference to correct.
    texture : float
        Its texture relative to that of the roll.
    """
    near = max(-MOOD, min(MOOD, darker))
    return part * (near + (darker - near) * min(1.0, texture))
