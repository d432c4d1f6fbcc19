"""The holes of 135 film, where they are in view: how large a millimeter is, where the rows lie.

Covers the two bands of holes of a straight strip. Their pitch gives the scale to
0.2 %, and pictures lie midway between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from divere_cli.frames.film import Bools
from divere_cli.frames.formats import (
    PERFORATION_HEIGHT,
    PERFORATION_PITCH,
    PERFORATION_WIDTH,
)

BAND = 0.22  # share of a row that lies in holes: 0.42 where all are seen
LEAST_HOLES = 3
LEAST_TALL = 0.3  # of a hole's height: print at the film's edge comes in rows, too
OFF = 0.15  # a band's height may differ from what the pitch says
FINEST = 6.0  # cells a pitch, at least


@dataclass(frozen=True)
class Perforations:
    """Cells a millimeter; first and last row of the bands (above, below) that are in view."""

    scale: float
    above: tuple[float, float] | None
    below: tuple[float, float] | None


def find(holes: Bools) -> Perforations | None:
    """Return bands of perforations; None where there are none.

    Parameters
    ----------
    holes : Bools
        Cells that may be holes, shape (rows, columns).
    """
    share = holes.mean(axis=1)
    if share.max(initial=0.0) < BAND:
        return None
    middle = len(share) / 2
    bands: list[tuple[float, float, float]] = []
    for first, last in _runs(share > BAND / 2):
        scale = _scale(holes[first:last])
        if scale is None:
            continue
        tall = (last - first) / scale / PERFORATION_HEIGHT
        # A holder may cover a part of a band; a band is never higher than a hole.
        if LEAST_TALL < tall < 1 + OFF:
            bands.append((scale, float(first), float(last)))
    if not bands:
        return None
    best = max(bands, key=lambda band: band[2] - band[1])
    same = [band for band in bands if abs(band[0] / best[0] - 1) < 0.02]
    scale = float(np.mean([band[0] for band in same]))
    above = [band[1:] for band in same if band[2] < middle]
    below = [band[1:] for band in same if band[1] > middle]
    return Perforations(scale, above[-1] if above else None, below[0] if below else None)


def _runs(mask: Bools) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 2]


def _scale(band: Bools) -> float | None:
    """Cells a millimeter, from the middles of the holes."""
    column = band.mean(axis=0) > 0.5
    holes = _runs(column)
    if len(holes) < LEAST_HOLES:
        return None
    middles = np.array([(a + b) / 2 for a, b in holes])
    steps = np.diff(middles)
    step = float(np.median(steps))
    if step < FINEST:
        return None
    number = np.concatenate([[0], np.cumsum(np.maximum(np.round(steps / step), 1))])
    near = np.abs(steps / step - np.round(steps / step)) < 0.12
    if near.mean() < 0.7:
        return None
    for _ in range(3):
        pitch, start = np.polyfit(number, middles, 1)
        number = np.round((middles - start) / pitch)
    wide = float(np.median([b - a for a, b in holes])) / pitch
    if not 0.6 < wide / (PERFORATION_WIDTH / PERFORATION_PITCH) < 1.4:
        return None
    return float(pitch / PERFORATION_PITCH)
