"""Grain for filled places, the same at a position whatever bands and threads.

A square of noise that repeats every 128 pixels, laid over the scan by its
coordinates: bands and threads do not matter, and repairs are too small and too
far apart for its period to show. Its numbers come from a hash, not from a
library's generator, so that another version of that library changes no pixel.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.blur import blur, gaussian, inner

Floats = NDArray[np.float32]

SIDE = 128  # a power of two
LAYER_STEP = (43, 85)
AT_ONCE = 4096  # numbers: what they are made of stays in the cache
MASKED = 100.0
EVERY = 2  # of the pixels whose grain is measured, down and across
SIGMA = gaussian(0.7, 3)
HIGH_PASS = gaussian(1.5, 5)


@cache
def texture() -> Floats:
    """Return the grain, of robust deviation 1 after a high pass.

    Returns
    -------
    ndarray of float32, shape (128, 128)
    """
    noise = _normal(SIDE * SIDE).reshape(SIDE, SIDE)
    soft = _wrapped(noise, SIGMA)
    grain = soft - _wrapped(soft, HIGH_PASS)
    detail = grain - _wrapped(grain, HIGH_PASS)
    # what shows of it between means of what is filled is a tenth less than around (measured)
    return np.asarray(1.1 * grain / (1.4826 * np.median(np.abs(detail))), dtype=np.float32)


def at(rows: NDArray[np.intp], columns: NDArray[np.intp], layer: int) -> Floats:
    """Return the grain of a color layer at pixels of the scan.

    Parameters
    ----------
    rows, columns : ndarray of intp
        Position of each pixel.
    layer : int
        Number of the layer. Layers are the same texture at other places of it, too far apart to
        be seen: textures of their own would take 20 ms more in each process.

    Returns
    -------
    ndarray of float32, same shape as the positions
    """
    down, across = layer * LAYER_STEP[0], layer * LAYER_STEP[1]
    places = ((rows + down) & (SIDE - 1)) * SIDE + ((columns + across) & (SIDE - 1))
    return texture().take(places)


def size(values: Floats, means: Floats, clean: Floats, border: int) -> Floats:
    """Robust deviation of clean pixels from their means.

    Parameters
    ----------
    values : ndarray of float32, (windows, channels, side, side)
    means : ndarray of float32
        Smaller than ``values`` by ``border`` on each side.
    clean : ndarray of float32, (windows, 1, side, side)
        0 where a pixel is masked, else 1.
    border : int

    Returns
    -------
    ndarray of float32, (windows, channels)
        0 where too little is clean.
    """
    every = slice(None, None, EVERY)
    detail = inner(values, border)[..., every, every] - means[..., every, every]
    np.abs(detail, out=detail)
    there = inner(clean, border)[..., every, every]
    # what is masked comes last: every value is less than 100
    np.maximum(detail, (1 - there) * np.float32(MASKED), out=detail)
    flat = detail.reshape(-1, detail.shape[-1] * detail.shape[-2])
    flat.sort(axis=-1)
    middle = there.reshape(len(values), -1).sum(axis=-1).astype(np.intp) // 2
    middle = np.minimum(np.repeat(middle, values.shape[1]), flat.shape[-1] - 1)
    deviation = flat[np.arange(len(flat)), middle].reshape(values.shape[:2])
    return np.where(deviation < MASKED, np.float32(1.4826) * deviation, np.float32(0))


def _wrapped(plane: Floats, kernel: tuple[float, ...]) -> Floats:
    return blur(np.pad(plane, len(kernel) - 1, mode="wrap"), kernel)


def _normal(count: int) -> Floats:
    """Nearly normal numbers: sums of six uniform ones by splitmix64."""
    out = np.empty(count, np.float32)
    for start in range(0, count, AT_ONCE):
        part = out[start : start + AT_ONCE]
        begin = 1 + 6 * start
        part[:] = _sums(np.arange(begin, begin + 6 * len(part), dtype=np.uint64))
    return out


def _sums(state: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Sums of six: what the steps ``state`` of the generator give, which are used up."""
    with np.errstate(over="ignore"):
        state *= np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state ^= state >> np.uint64(shift)
            state *= np.uint64(factor)
    state ^= state >> np.uint64(31)
    uniform = state.astype(np.float64)
    uniform /= 2.0**64
    uniform -= 0.5
    return np.asarray(uniform.reshape(-1, 6).sum(axis=1) * np.sqrt(2.0))
