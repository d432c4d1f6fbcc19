"""Put the tone curve of a fit before a print's own curves.

Covers writing it as points of a preset. The master curve is applied before the curves of the
channels, so a print with channel curves keeps them. For a print with a master curve, both
curves are combined exactly, as both are straight between points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate.fit import KNOTS
from divere_cli.records.grade import Curves, Points

Floats = NDArray[np.float64]

DIGITS = 6
SAME = 1e-6


def composed(tone: Floats, curves: Curves) -> Curves:
    """Return a print's curves with a tone curve before them.

    Parameters
    ----------
    tone : Floats
        The tone curve's values at :data:`KNOTS`.
    curves : Curves
        The print's curves.
    """
    return replace(curves, rgb=_composed(tone, curves.rgb))


def _composed(tone: Floats, master: Points) -> Points:
    x = np.concatenate([[0.0], KNOTS])
    y = np.concatenate([[0.0], tone])
    if not master:
        return _points(x, y)
    master_points = np.array(sorted(master))
    between = master_points[(master_points[:, 0] > 0.0) & (master_points[:, 0] < y[-1]), 0]
    places = np.unique(np.concatenate([x, np.interp(between, y, x)]))
    distinct = places[np.concatenate([[True], np.diff(places) > SAME])]
    return _points(
        distinct, np.interp(np.interp(distinct, x, y), master_points[:, 0], master_points[:, 1])
    )


def _points(x: Floats, y: Floats) -> Points:
    return tuple(
        (round(float(a), DIGITS), round(float(b), DIGITS)) for a, b in zip(x, y, strict=True)
    )
