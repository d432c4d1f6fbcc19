"""How light the pictures of a roll become: its exposure, and each frame's own.

Covers brightness only; gray is found in :mod:`divere_cli.roll.pool`. Standard
library only. What an 18 % gray card would measure is what is looked for: the
middle of the pictures says it, and bare film says it from the other side.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from divere_cli.roll import pool
from divere_cli.roll.measurement import FrameMeasurement
from divere_cli.roll.pool import PooledBase

ABOVE_BASE = 0.1  # film density; thinner cells say nothing of brightness
CARD_UNDER_PICTURES = 0.035  # print density; the median of mixed rolls over an 18 % card's
CARD_UNDER_BASE = 0.87  # film density; bare film over an 18 % card that was exposed as metered
# Density. The pictures are believed that far from what bare film says. One subject: a roll of
# nights or of snow is off by 0.1 to 0.3, a camera's meter by 0.07. Many subjects tell how a roll
# was exposed; who rates negative film two stops slower than its box has it 0.36 denser.
ONE_SUBJECT, DARKER, LIGHTER = 0.11, 0.2, 0.35
# Both are weighed: each is 0.045 to 0.065 off on mixed rolls, together 0.036. Where they lie
# APART the pictures alone count: bare film knows nothing of how the film was rated.
PICTURES, APART = 0.65, 0.3
# Scatter of brightness that the subjects of a rightly exposed roll have; what is more is exposure.
SUBJECTS = 0.15
LEAST_SHARE, MOST_SHARE = 0.15, 0.8
# Few frames tell their own scatter badly: that of mixed rolls is added as this many more.
USUAL_SCATTER, USUAL_FRAMES = 0.16, 4
# Density. What a frame is further off than that is taken back by as much as it has texture: a night
# or a field of snow is one plain tone, and stays what it is.
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


def card(keys: Sequence[float], base: PooledBase | None, contrast: float, varied: bool) -> float:
    """Print density of an 18 % gray card on the roll.

    Parameters
    ----------
    keys : sequence of float
        Brightness of its pictures.
    base : PooledBase, optional
        Bare film, where it is known.
    contrast : float
        Print density for a film density.
    varied : bool
        Whether the pictures are of many subjects.
    """
    pictures = middle(keys) - CARD_UNDER_PICTURES
    if base is None:
        return pictures
    bare = base.level - CARD_UNDER_BASE * contrast
    away = pictures - bare
    reach = ONE_SUBJECT if not varied else DARKER if away > 0.0 else LIGHTER
    weight = PICTURES + (1.0 - PICTURES) * min(1.0, abs(away) / APART)
    return bare + weight * away / math.sqrt(1.0 + (away / reach) ** 4)


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

    The share that leaves least is that part of the spread which is exposure: with
    ``SUBJECTS`` for the rest, 0.19, 0.37, 0.66, 0.77 at a scatter of 0, 0.09, 0.18, 0.30.

    Parameters
    ----------
    keys : sequence of float
        Brightness of each frame.
    """
    squares = len(keys) * statistics.pvariance(keys)
    spread = (squares + USUAL_FRAMES * USUAL_SCATTER**2) / (len(keys) + USUAL_FRAMES)
    return min(MOST_SHARE, max(LEAST_SHARE, 1.0 - SUBJECTS**2 / spread))


def pull(darker: float, part: float, texture: float) -> float:
    """What a frame gets on top of its roll's exposure.

    Parameters
    ----------
    darker : float
        What its key lies above the roll's, print density.
    part : float
        The share to take back.
    texture : float
        Of the frame, in textures of its roll.
    """
    near = max(-MOOD, min(MOOD, darker))
    return part * (near + (darker - near) * min(1.0, texture))
