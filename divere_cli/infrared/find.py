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

from divere_cli.infrared.blur import blur, doubled, gaussian, halved, inner, softened

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Strength = Literal["low", "normal", "high"]

RED, FINE = 1, 2  # radius of binomial filters: as wide as Gaussians of 0.7 and 1 pixel
COARSE = gaussian(1.12, 3)  # of 2x2 pixels, after FINE: 2.5 pixels together
REACH = 8  # of both, from the middle outward
BORDER = REACH + RED  # what the filters take from each side of a window
# robust sigmas and least density, by scale: 0, 1 and 2.5 pixels
SIGMAS = (4.5, 4.0, 4.0)
FLOORS = (0.030, 0.024, 0.018)
# hits of the coarser scales only where the fine one is over this as well: else dense
# dust wears a rim of 6 pixels
RIM_SIGMAS, RIM_FLOOR = 2.0, 0.018
PEAK = 0.045


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


TUNINGS: dict[Strength, Tuning] = {
    "low": Tuning(1.25, 0.7),
    "normal": Tuning(1.0, 0.7),
    "high": Tuning(0.75, 0.85),
}


@dataclass(frozen=True, slots=True)
class Noise:
    """Robust sigma of the gate at 0, 1 and 2.5 pixels, in D."""

    plain: float
    fine: float
    coarse: float


def gate(infrared: Floats, red: Floats, slope: float, level: Floats) -> Floats:
    """Infrared density less crosstalk and level.

    Parameters
    ----------
    infrared : ndarray of float32, (..., rows - 2, columns - 2)
        Log density.
    red : ndarray of float32, (..., rows, columns)
        Log density, with a pixel more on each side.
    slope : float
        Of infrared on red.
    level : ndarray of float32
        Broadcasts over the result.

    Returns
    -------
    ndarray of float32, (..., rows - 2, columns - 2)
    """
    crosstalk = softened(red, RED)
    crosstalk = np.multiply(crosstalk, np.float32(-slope / 16**RED))
    np.add(crosstalk, infrared, out=crosstalk)
    return np.subtract(crosstalk, level, out=crosstalk)


def scales(edge: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the gate at 0, 1 and 2.5 pixels.

    Parameters
    ----------
    edge : ndarray of float32, (..., rows, columns)
        What :func:`gate` returned; an even number of each.

    Returns
    -------
    tuple of ndarray of float32
        (..., rows - 16, columns - 16) twice, and the last for squares of 2x2 pixels, (...,
        rows / 2 - 8, columns / 2 - 8), which costs a fifth and changes nothing that counts.
    """
    fine = np.multiply(softened(edge, FINE), np.float32(1 / 16**FINE))
    spare = REACH - FINE
    return inner(edge, REACH), inner(fine, spare), blur(halved(fine), COARSE)


def hits(edge: Floats, noise: Noise, tuning: Tuning) -> tuple[Bools, Bools]:
    """Return which pixels may belong to a place, and which are dense enough to be its peak.

    Parameters
    ----------
    edge : ndarray of float32, (..., rows, columns)
        What :func:`gate` returned.
    noise : Noise
        Noise of the gate.
    tuning : Tuning
        Constants of the search.

    Returns
    -------
    tuple of ndarray of bool, (..., rows - 16, columns - 16)
        Hits, and hits of :data:`PEAK` or more.
    """
    plain, fine, coarse = scales(edge)
    limits = thresholds(noise, tuning)
    hit = doubled(coarse > limits[2])
    hit |= fine > limits[1]
    hit &= fine > max(RIM_SIGMAS * noise.fine, RIM_FLOOR * tuning.contrast) * tuning.factor
    hit |= plain > limits[0]
    return hit, hit & (plain > PEAK * tuning.contrast * tuning.factor)


def thresholds(noise: Noise, tuning: Tuning) -> tuple[float, float, float]:
    """Return the least gate of a hit at 0, 1 and 2.5 pixels.

    Parameters
    ----------
    noise : Noise
        Noise of the gate.
    tuning : Tuning
        Constants of the search.
    """
    plain, fine, coarse = (
        max(sigmas * sigma, floor * tuning.contrast) * tuning.factor
        for sigmas, sigma, floor in zip(
            SIGMAS, (noise.plain, noise.fine, noise.coarse), FLOORS, strict=True
        )
    )
    return plain, fine, coarse


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
