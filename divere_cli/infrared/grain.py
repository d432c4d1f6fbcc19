"""Grain for places that were filled, the same wherever it is asked for.

A square of noise that repeats every 256 pixels, laid over the scan by its
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

SIDE = 256
AT_ONCE = 4096  # numbers: what they are made of stays in the cache
EVERY = 2  # of the pixels whose grain is measured, down and across
SIGMA = gaussian(0.7, 3)
HIGH_PASS = gaussian(1.5, 5)


@cache
def texture(layer: int) -> Floats:
    """Return the grain of a color layer, of robust deviation 1 after :func:`high_pass`.

    Parameters
    ----------
    layer : int
        Number of the layer.

    Returns
    -------
    Floats
        Shape (256, 256).
    """
    noise = _normal(SIDE * SIDE, layer).reshape(SIDE, SIDE)
    soft = _wrapped(noise, SIGMA)
    grain = soft - _wrapped(soft, HIGH_PASS)
    detail = grain - _wrapped(grain, HIGH_PASS)
    # what shows of it between means of what is filled is a tenth less than around (measured)
    return np.asarray(1.1 * grain / (1.4826 * np.median(np.abs(detail))), dtype=np.float32)


def at(rows: NDArray[np.intp], columns: NDArray[np.intp], layers: int) -> Floats:
    """Return the grain of pixels of the scan.

    Parameters
    ----------
    rows : ndarray of intp
        Row of each pixel.
    columns : ndarray of intp
        Column of each pixel.
    layers : int
        Number of layers.

    Returns
    -------
    Floats
        Shape (pixels, layers).
    """
    return _textures(layers)[rows % SIDE, columns % SIDE]


@cache
def _textures(layers: int) -> Floats:
    return np.stack([texture(layer) for layer in range(layers)], axis=-1)


def size(values: Floats, means: Floats, clean: NDArray[np.bool_], border: int) -> Floats:
    """Robust deviation of clean pixels from their means.

    Parameters
    ----------
    values : ndarray of float32, (windows, channels, side, side)
    means : ndarray of float32
        Smaller than ``values`` by ``border`` on each side.
    clean : ndarray of bool, (windows, 1, side, side)
    border : int

    Returns
    -------
    ndarray of float32, (windows, channels)
        0 where too little is clean.
    """
    detail = np.abs(inner(values, border) - means)[..., ::EVERY, ::EVERY]
    there = inner(clean, border)[..., ::EVERY, ::EVERY]
    np.copyto(detail, np.float32(np.inf), where=~there)  # what is masked comes last
    flat = detail.reshape(*detail.shape[:2], -1)
    flat.sort(axis=-1)
    middle = there.sum(axis=(-1, -2))[..., np.newaxis] // 2
    deviation = np.take_along_axis(flat, np.broadcast_to(middle, (*flat.shape[:2], 1)), axis=-1)
    return np.where(np.isfinite(deviation), np.float32(1.4826) * deviation, np.float32(0))[..., 0]


def _wrapped(plane: Floats, kernel: tuple[float, ...]) -> Floats:
    return blur(np.pad(plane, len(kernel) - 1, mode="wrap"), kernel)


def _normal(count: int, seed: int) -> Floats:
    """Nearly normal numbers: sums of six uniform ones by splitmix64."""
    out = np.empty(count, np.float32)
    first = 1 + 6 * count * seed
    for start in range(0, count, AT_ONCE):
        part = out[start : start + AT_ONCE]
        begin = first + 6 * start
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
