"""Places the entries of a density table so that its straight lines have the least error.

The error of a table is largest at the corners of the function: a corner between two entries is cut
off. Start and step of each channel's table are therefore chosen with the corners on the entries
(points of measured curves lie evenly, so this is exact for them), and a table whose error is still
too large gets more entries. Not covered: what is in the function (:mod:`.curves`) and who
interpolates (:mod:`.ocio`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Function = Callable[[Array], Array]

SIZES = (1 << 16, 1 << 18)
# In 16-bit code values, besides half a code value of rounding.
TOLERANCE = 0.25
CODES = 65535.0
# Encoded values below DARK and steeper than STEEP are checked per pixel (:mod:`.refinement`).
DARK = 0.04
STEEP = 1.2e5
# Light below which the screen glare is close, and below which nothing is left.
DIM = 0.01
NO_LIGHT = 2e-6
DIMMEST = 2.5e-4
BESIDE = 1e-9
# Tries are spread evenly over phase and step by the golden ratio and the plastic number.
TRIES = 192
PHASE, STRETCH = 0.6180339887498949, 0.7548776662466927


@dataclass(frozen=True, slots=True)
class Table:
    """``values[i]`` at density ``start + i * step``; constant beyond its ends.

    Attributes
    ----------
    error : float
        At the worst corner, in 16-bit code values of the positive.
    slope : float
        Code values of the positive for a unit of density, at worst; leaving out ``dark``.
    dark : float
        Encoded value below which the function may be steeper: next to the screen glare.
    light_slope : float
        Light for a unit of density, at worst.
    dimmest : float
        The least light in the table.
    dim_step : float
        Light from one entry to the next where there is hardly any, at worst.
    """

    start: float
    step: float
    values: Array
    error: float
    slope: float
    dark: float
    light_slope: float
    dimmest: float
    dim_step: float


@dataclass(frozen=True, slots=True)
class Sought:
    """A function to tabulate: density to light, its corners, and the range where it changes."""

    function: Function
    corners: tuple[float, ...]
    end: float

    @property
    def ends(self) -> tuple[float, float]:
        """The densities between which the function changes."""
        return min(0.0, *self.corners), max(self.end, *self.corners)


def build(
    channels: tuple[Sought, ...], encode: Function, *, joint: bool, dark: float = DARK
) -> tuple[Table, ...]:
    """Tabulate all channels at the same number of entries.

    Parameters
    ----------
    channels : tuple of Sought
        The functions of the channels.
    encode : callable
        Light to encoded value of 0..1, in which errors are weighed.
    joint : bool
        Whether the table holds encoded values, else it holds light.
    dark : float
        Encoded value up to which pixels can be looked at one by one; 0 where they are not.
    """
    for size in SIZES:
        placed = [_placed(sought, size, encode, joint) for sought in channels]
        if max(error for _, _, error in placed) <= TOLERANCE:
            break
    made: dict[tuple[object, float, float], Table] = {}
    for sought, (start, step, error) in zip(channels, placed, strict=True):
        light = sought.function(np.asarray(start + np.arange(size) * step, np.float64))
        codes = encode(light)
        slope, steep = _slopes(codes, step, dark)
        made[sought.function, start, step] = Table(
            start=start,
            step=step,
            values=codes if joint else light,
            error=error,
            slope=slope,
            dark=steep,
            light_slope=float(np.abs(np.diff(light)).max()) / step,
            dimmest=float(light.min()),
            dim_step=float(np.abs(np.diff(light)).max(where=light[1:] < DIM, initial=0.0)),
        )
    return tuple(
        made[sought.function, start, step]
        for sought, (start, step, _) in zip(channels, placed, strict=True)
    )


def _slopes(codes: Array, step: float, dark: float) -> tuple[float, float]:
    """Return the steepest rise, and the encoded value below which dark values are steeper."""
    rises = np.abs(np.diff(codes)) * CODES / step
    tops = np.maximum(codes[1:], codes[:-1])
    bright = float(rises.max(where=tops > dark, initial=0.0))
    steep = (rises > max(bright, STEEP)) & (tops <= dark)
    slope = float(rises.max(where=~steep, initial=0.0))
    return slope, float(tops.max(where=steep, initial=0.0))


def _placed(sought: Sought, size: int, encode: Function, joint: bool) -> tuple[float, float, float]:
    (low, high), function = sought.ends, sought.function
    corners = np.array(sought.corners)
    # A jump has two values: both must be reached.
    points = np.sort(np.concatenate([corners - BESIDE, corners + BESIDE]))
    least = (high - low) / (size - 3)
    starts, steps = _tries(corners, low, least)
    positions = (points[:, None] - starts) / steps
    cell = np.floor(positions + 1e-9)
    share = np.clip(positions - cell, 0.0, 1.0)
    below, above = function(starts + cell * steps), function(starts + (cell + 1.0) * steps)
    right = function(points)[:, None]
    if joint:
        straight = encode(below) + share * (encode(above) - encode(below))
        errors = np.where(right > NO_LIGHT, np.abs(straight - encode(right)), 0.0)
    else:
        straight = below + share * (above - below)
        errors = np.abs(_lifted(encode, straight) - _lifted(encode, right))
    errors = errors.max(axis=0) * CODES
    best = int(errors.argmin())
    return float(starts[best]), float(steps[best]), float(errors[best])


def _lifted(encode: Function, light: Array) -> Array:
    """Return encoded values with a little light added: their slope next to 0 is infinite."""
    return encode(DIMMEST + (1.0 - DIMMEST) * light)


def _tries(points: Array, low: float, least: float) -> tuple[Array, Array]:
    """Return starts and steps to try; all cover the range from the first to the last corner."""
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
