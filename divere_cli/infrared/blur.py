"""Gaussians over stacks of small windows.

Covers separable filters that return only samples whose whole neighborhood is inside of the
window: a filter of radius r makes it smaller by r on each side. Every sample is computed by the
same sums in the same order wherever its window is in a stack. Products of matrices take two
thirds of the time of Gaussians, but their last bits depend on the processor and on environment
variables of the library that multiplies, and so would repaired pixels.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Kernel = tuple[float, ...]  # middle, then outward
Kind = TypeVar("Kind", bound=np.generic)

IN_CACHE = 48_000  # samples that are filtered at once: three planes of them fit the L2 cache


@cache
def gaussian(sigma: float, radius: int) -> Kernel:
    """Return half a Gaussian of unit sum, from its middle outward.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels.
    radius : int
        Pixels from the middle to the end.
    """
    half = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)]
    total = half[0] + 2 * sum(half[1:])
    return tuple(value / total for value in half)


def added(windows: Floats, steps: tuple[int, ...]) -> Floats:
    """Add up neighbors: for each step, down and across, a sample and the one so far after it.

    Steps of (1, 1) are a filter of 1 2 1, (1, 1, 1, 1) of 1 4 6 4 1, (1, 1, 2) of 1 2 2 2 1 and
    (1, 2, 3) of 1 1 1 2 1 1 1. The square of their width, as of a Gaussian, is a quarter of the
    sum of the squares of the steps. An addition a step costs half of what a Gaussian does.

    Parameters
    ----------
    windows : ndarray of float32, (..., rows, columns)
        Contiguous.
    steps : tuple of int
        Of even sum: twice the filter's radius.

    Returns
    -------
    ndarray of float32, (..., rows, columns)
        Sums: 4 ** len(steps) times the mean. The first is the one around the sample that lies
        a radius inside; the last rows and columns, twice the radius, are without meaning.
    """
    columns = windows.shape[-1]
    flat = windows.reshape(-1)
    out = np.empty_like(flat)
    window_size = windows.shape[-2] * columns
    size = max(IN_CACHE // window_size, 1) * window_size
    buffers = np.empty((2, min(size, flat.size)), np.float32)
    # all windows as one line: what is added across a border is without meaning
    offsets = (*(columns * step for step in steps), *steps)
    for first in range(0, flat.size, size):
        part = flat[first : first + size]
        for index, offset in enumerate(offsets):
            buffer = buffers[index % 2] if index < len(offsets) - 1 else out[first:]
            part = np.add(part[:-offset], part[offset:], out=buffer[: len(part) - offset])
    return out.reshape(windows.shape)


def blur(windows: Floats, kernel: Kernel) -> Floats:
    """Filter the last two axes.

    Parameters
    ----------
    windows : ndarray of float32, (..., rows, columns)
    kernel : tuple of float
        From :func:`gaussian`, of radius r.

    Returns
    -------
    ndarray of float32, (..., rows - 2 r, columns - 2 r)
    """
    radius = len(kernel) - 1
    rows, columns = windows.shape[-2:]
    planes = windows.reshape(-1, rows, columns)
    out = np.empty((len(planes), rows - 2 * radius, columns), np.float32)
    at_once = max(IN_CACHE // (rows * columns), 1)
    for first in range(0, len(planes), at_once):
        _blur(planes[first : first + at_once], kernel, out[first : first + at_once])
    out = out[..., : columns - 2 * radius]
    return out.reshape(*windows.shape[:-2], *out.shape[-2:])


def _blur(planes: Floats, kernel: Kernel, out: Floats) -> None:
    """Filter planes; the last columns of ``out`` are without meaning."""
    down = _down(planes, kernel)
    # All rows as one line: what runs over the end of a row is cut off. Short rows by
    # themselves cost twice as much (measured).
    line = _down(down.reshape(-1, 1), kernel)[:, 0]
    out.reshape(-1)[: line.size] = line


def _down(planes: Floats, kernel: Kernel) -> Floats:
    """Filter the axis before the last one."""
    radius = len(kernel) - 1
    length = planes.shape[-2] - 2 * radius

    def part(start: int) -> Floats:
        return planes[..., start : start + length, :]

    out = part(radius) * np.float32(kernel[0])
    pair = np.empty_like(out)
    for step in range(1, radius + 1):
        np.add(part(radius - step), part(radius + step), out=pair)
        np.multiply(pair, np.float32(kernel[step]), out=pair)
        np.add(out, pair, out=out)
    return out


def halved(planes: Floats) -> Floats:
    """Return means of 2x2 pixels.

    Parameters
    ----------
    planes : ndarray of float32, (..., rows, columns)
        An even number of each.

    Returns
    -------
    ndarray of float32, (..., rows / 2, columns / 2)
    """
    rows = planes[..., 0::2, :] + planes[..., 1::2, :]
    means = rows[..., 0::2] + rows[..., 1::2]
    return np.multiply(means, np.float32(0.25), out=means)


def doubled(planes: NDArray[Kind]) -> NDArray[Kind]:
    """Return 2x2 pixels for each.

    Parameters
    ----------
    planes : ndarray, (..., rows, columns)
        Of any type.

    Returns
    -------
    ndarray, (..., 2 rows, 2 columns)
    """
    *lead, rows, columns = planes.shape
    line = planes.reshape(-1)
    wide = np.empty((line.size, 2), planes.dtype)
    wide[:, 0] = wide[:, 1] = line
    out = np.empty((line.size // columns, 2, 2 * columns), planes.dtype)
    out[:, 0] = out[:, 1] = wide.reshape(-1, 2 * columns)
    return out.reshape(*lead, 2 * rows, 2 * columns)


def inner(windows: NDArray[Kind], border: int) -> NDArray[Kind]:
    """Cut a border from each side of the last two axes.

    Parameters
    ----------
    windows : ndarray of Kind
        Shape (..., rows, columns).
    border : int
        Pixels.

    Returns
    -------
    ndarray of Kind
        Shape (..., rows - 2 border, columns - 2 border).
    """
    if not border:
        return windows
    return windows[..., border:-border, border:-border]
