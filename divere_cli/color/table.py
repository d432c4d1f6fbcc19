"""Where the entries of a density table go, so that its straight lines err least.

A table's error sits at the corners of the function: where one falls inside a
step, the step cuts it off. Start and step of each channel's table are
therefore chosen with the corners on the entries (points of measured curves lie
evenly, so this is exact for them), and a table that still errs too much gets
more entries. Not covered: what is in the function (``curves``) and who
interpolates (``chain``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Function = Callable[[Array], Array]

SIZES = (1 << 16, 1 << 18)
# In 16-bit code values, beside half a code of rounding.
TOLERANCE = 0.25
CODES = 65535.0
# Even spacing of tries over phase and step: the golden ratio and the plastic number.
TRIES = 192
PHASE, STRETCH = 0.6180339887498949, 0.7548776662466927


@dataclass(frozen=True, slots=True)
class Table:
    """``values[i]`` at density ``start + i * step``; constant beyond its ends.

    ``error`` is the largest error at a corner, in 16-bit code values of the
    positive, ``slope`` the steepest the positive gets, in code values for a
    unit of density.
    """

    start: float
    step: float
    values: Array
    error: float
    slope: float


@dataclass(frozen=True, slots=True)
class Sought:
    """What to tabulate: density to table value, its corners, and where it ends to change."""

    function: Function
    corners: tuple[float, ...]
    end: float

    @property
    def ends(self) -> tuple[float, float]:
        """The densities between which the function changes."""
        return min(0.0, *self.corners), max(self.end, *self.corners)


def build(channels: tuple[Sought, ...], encode: Function) -> tuple[Table, ...]:
    """Tabulate all channels at the same number of entries.

    Parameters
    ----------
    encode : callable
        Table value to encoded value of 0..1, in which errors are weighed.
    """
    for size in SIZES:
        placed = [_placed(sought, size, encode) for sought in channels]
        if max(error for _, _, error in placed) <= TOLERANCE:
            break
    tables = []
    for sought, (start, step, error) in zip(channels, placed, strict=True):
        values = sought.function(np.asarray(start + np.arange(size) * step, np.float64))
        slope = float(np.abs(np.diff(encode(values))).max()) * CODES / step
        tables.append(Table(start, step, values, error, slope))
    return tuple(tables)


def _placed(sought: Sought, size: int, encode: Function) -> tuple[float, float, float]:
    function, (low, high) = sought.function, sought.ends
    points = np.array(sought.corners)
    least = (high - low) / (size - 3)
    starts, steps = _tries(points, low, least)
    positions = (points[:, None] - starts) / steps
    left = np.floor(positions + 1e-9)
    share = np.clip(positions - left, 0.0, 1.0)
    below, above = function(starts + left * steps), function(starts + (left + 1.0) * steps)
    straight = below + share * (above - below)
    errors = np.abs(encode(straight) - encode(function(points))[:, None]).max(axis=0) * CODES
    best = int(errors.argmin())
    return float(starts[best]), float(steps[best]), float(errors[best])


def _tries(points: Array, low: float, least: float) -> tuple[Array, Array]:
    """Starts and steps worth trying; all reach from before the first to beyond the last corner."""
    number = np.arange(TRIES)
    steps = least * (1.0 + 1e-3 * ((number * STRETCH) % 1.0))
    starts = low - steps * ((number * PHASE) % 1.0)
    gaps: Array = np.unique(np.round(np.diff(points), 9))
    gaps = gaps[gaps > 2.0 * least]
    even = gaps / np.floor(gaps / least)
    for anchor in points[1:4]:
        steps = np.append(steps, even)
        starts = np.append(starts, anchor - np.ceil((anchor - low) / even) * even)
    return np.asarray(starts, np.float64), np.asarray(steps, np.float64)
