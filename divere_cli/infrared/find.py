"""Find what infrared shows: dust, hairs and scratches, in windows of a scan.

Covers infrared less the red layer's crosstalk and less its level, thresholds at
three scales. What it does not cover: which hits are places
(:mod:`divere_cli.infrared.places`), and the level, the slope of the crosstalk, the shift and
the noise; they are measured over the whole scan first (:mod:`divere_cli.infrared.survey`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.blur import added, doubled, inner

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Strength = Literal["low", "normal", "high"]

# steps of sums of neighbors, as wide as Gaussians of 0.7 and 1 pixel; the last, of cells of
# 2x2 pixels after FINE, of 2.7 pixels together
CROSSTALK, FINE, COARSE = (1, 1), (1, 1, 1, 1), (1, 1, 2)
RED = 1  # radius of CROSSTALK
REACH = 6  # of FINE and COARSE together, from the middle outward
BORDER = REACH + RED  # what the filters take from each side of a window
PEAK = 0.045  # D: each place has a pixel of this density
# hits of the coarser scales only where the fine one is over the rim as well: else dense
# dust wears a rim of 6 pixels
# robust sigmas and least density of a threshold, in the order of Limits; the rim is as dense as
# what the fine scale finds by itself
SIGMAS = (4.5, 4.0, 4.0, 2.0, 0.0)
FLOORS = (0.030, 0.024, 0.018, 0.024, PEAK)
# Share of the coarse scale that a hit has in the fine one. Both are the same at the border of
# something large and within it; 0.7 pixels outside of it the fine one is 0.6 of the coarse one.
# Infrared is softer than the picture, and shows dense dust where the picture has none any more.
BESIDE = 0.6
FINE_UNIT, COARSE_UNIT = 4.0 ** len(FINE), 2 * 4.0 ** len(FINE + COARSE)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What ``--ir-strength`` means: all thresholds are multiplied by ``factor``.

    Least densities are multiplied by ``contrast`` as well, which is that of infrared at half size
    (``half``) where it has it: a scratch 2 pixels wide fills less than one of its pixels.
    """

    factor: float
    half: float
    contrast: float = 1.0

    def at(self, ratio: int) -> Tuning:
        """Return the tuning for infrared with one pixel for ``ratio`` of the picture's."""
        return self if ratio == 1 else replace(self, contrast=self.half)


@dataclass(frozen=True, slots=True)
class Limits:
    """Least gate of a hit at 0, 1 and 2.7 pixels, at the rim of a place, and of its peak, in D."""

    plain: float
    fine: float
    coarse: float
    rim: float
    peak: float

    def times(self, factor: float) -> Limits:
        """Return the limits in another unit than D."""
        values = (self.plain, self.fine, self.coarse, self.rim, self.peak)
        return Limits(*(value * factor for value in values))


TUNINGS: dict[Strength, Tuning] = {
    "low": Tuning(1.25, 0.7),
    "normal": Tuning(1.0, 0.7),
    "high": Tuning(0.75, 0.85),
}


@dataclass(frozen=True, slots=True)
class Noise:
    """Robust sigma of the gate at 0, 1 and 2.7 pixels, in D."""

    plain: float
    fine: float
    coarse: float


def limits(noise: Noise, tuning: Tuning) -> Limits:
    """Return the thresholds.

    Parameters
    ----------
    noise : Noise
        Noise of the gate.
    tuning : Tuning
        Constants of the search.
    """
    sigmas = (noise.plain, noise.fine, noise.coarse, noise.fine, 0.0)
    return Limits(*(
        max(times * sigma, floor * tuning.contrast) * tuning.factor
        for times, sigma, floor in zip(SIGMAS, sigmas, FLOORS, strict=True)
    ))  # fmt: skip


def gate(infrared: Floats, red: Floats, slope: float) -> Floats:
    """Return infrared density less crosstalk.

    Parameters
    ----------
    infrared : ndarray of float32, (..., rows - 2, columns - 2)
        Logarithms of light, of any base.
    red : ndarray of float32, (..., rows, columns)
        Logarithms of the same base, with a pixel more on each side.
    slope : float
        Of infrared on red.

    Returns
    -------
    ndarray of float32, (..., rows - 2, columns - 2)
        Density by the same base.
    """
    crosstalk = added(red, CROSSTALK)[..., : -2 * RED, : -2 * RED]
    out = np.multiply(crosstalk, np.float32(slope / 4 ** len(CROSSTALK)))
    return np.subtract(out, infrared, out=out)


def scales(excess: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the gate at 0, 1 and 2.7 pixels.

    Parameters
    ----------
    excess : ndarray of float32, (..., rows, columns)
        The gate: what :func:`gate` returned, less its level; an even number of each.

    Returns
    -------
    tuple of ndarray of float32
        (..., rows - 12, columns - 12) twice, and the last for squares of 2x2 pixels, (...,
        rows / 2 - 6, columns / 2 - 6), which costs a fifth and changes nothing that counts. The
        second and the last are sums: :data:`FINE_UNIT` and :data:`COARSE_UNIT` times the mean.
    """
    fine = added(excess, FINE)[..., : -sum(FINE), : -sum(FINE)]
    # two of the four pixels: in the middle between them is the middle of the square
    cells = fine[..., 0::2, 0::2] + fine[..., 1::2, 1::2]
    coarse = added(cells, COARSE)[..., : -sum(COARSE), : -sum(COARSE)]
    return inner(excess, REACH), inner(fine, REACH - sum(FINE) // 2), coarse


def hits(excess: Floats, limits: Limits) -> tuple[Bools, Bools]:
    """Return which pixels may belong to a place, and which are dense enough to be its peak.

    Parameters
    ----------
    excess : ndarray of float32, (..., rows, columns)
        The gate, as for :func:`scales`.
    limits : Limits
        By the same base.

    Returns
    -------
    tuple of ndarray of bool, (..., rows - 12, columns - 12)
        Hits, and hits of :data:`PEAK` or more.
    """
    plain, fine, coarse = scales(excess)
    hit = doubled(coarse > np.float32(limits.coarse * COARSE_UNIT))
    hit |= fine > np.float32(limits.fine * FINE_UNIT)
    hit &= fine > np.float32(limits.rim * FINE_UNIT)
    hit |= plain > np.float32(limits.plain)
    hit &= fine > doubled(coarse * np.float32(BESIDE * FINE_UNIT / COARSE_UNIT))
    return hit, hit & (plain > np.float32(limits.peak))


def dilate(mask: Bools, radius: int) -> Bools:
    """Grow a mask by a square; the result is smaller by the radius on each side.

    Parameters
    ----------
    mask : Bools
        The mask, shape (rows, columns).
    radius : int
        Pixels.

    Returns
    -------
    Bools
        The mask, smaller by ``radius`` on each side.
    """
    for axis in (mask.ndim - 2, mask.ndim - 1):
        lead = (slice(None),) * axis
        length = mask.shape[axis] - 2 * radius
        out = mask[(*lead, slice(0, length))].copy()
        for step in range(1, 2 * radius + 1):
            out |= mask[(*lead, slice(step, step + length))]
        mask = out
    return mask
