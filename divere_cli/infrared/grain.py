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

from divere_cli.infrared.blur import blur, gaussian
from divere_cli.infrared.marks import TILE

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

SIDE = 128  # a power of two, and some tiles
LAYER_STEP = (43, 85)
AT_ONCE = 4096  # numbers: what they are made of stays in the cache
MASKED = 100.0
SIGMA = gaussian(0.7, 3)
HIGH_PASS = gaussian(1.5, 5)


@cache
def texture() -> Floats:
    """Return the grain, of robust deviation 1 after a high pass.

    Returns
    -------
    ndarray of float32, shape (128 + 32, 128 + 32)
        The last rows and columns are the first ones again: a tile that begins anywhere in the
        square is whole.
    """
    noise = _normal(SIDE * SIDE).reshape(SIDE, SIDE)
    soft = _wrapped(noise, SIGMA)
    grain = soft - _wrapped(soft, HIGH_PASS)
    detail = grain - _wrapped(grain, HIGH_PASS)
    # what shows of it between means of what is filled is a tenth less than around (measured)
    even = np.float32(1.1 / (1.4826 * np.median(np.abs(detail)))) * grain
    return np.pad(even, ((0, TILE), (0, TILE)), mode="wrap")


def at(tiles: Ints, tile: Ints, pixel: Ints, layers: int) -> Floats:
    """Return the grain of color layers at pixels of tiles.

    Parameters
    ----------
    tiles : ndarray of intp, (tiles, 2)
        Row and column, in tiles.
    tile, pixel : ndarray of intp, (pixels,)
        For each pixel the number of its tile, and its number within it, row by row.
    layers : int
        Layers are the same texture at other places of it, too far apart to be seen: textures of
        their own would take 20 ms more in each process.

    Returns
    -------
    ndarray of float32, (layers, pixels)
    """
    wide = SIDE + TILE
    rows, columns = (
        (tiles[:, axis] * TILE + np.arange(layers)[:, np.newaxis] * LAYER_STEP[axis]) & (SIDE - 1)
        for axis in (0, 1)
    )
    within = np.arange(TILE)[:, np.newaxis] * wide + np.arange(TILE)
    positions = (rows * wide + columns).take(tile, axis=1)
    positions += within.take(pixel)
    return texture().take(positions)


def size(detail: Floats, clean: Floats) -> Floats:
    """Robust deviation of clean pixels from their means.

    Parameters
    ----------
    detail : ndarray of float32, (tiles, channels, rows, columns)
        Differences of pixels from their means; overwritten.
    clean : ndarray of float32, (tiles, 1, rows, columns)
        0 where a pixel is masked, else 1.

    Returns
    -------
    ndarray of float32, (tiles, channels)
        0 where too little is clean.
    """
    np.abs(detail, out=detail)
    # what is masked comes last: every value is less than 100
    np.maximum(detail, (1 - clean) * np.float32(MASKED), out=detail)
    flat = detail.reshape(-1, detail.shape[-1] * detail.shape[-2])
    flat.sort(axis=-1)
    channels = detail.shape[1]
    middle = clean.reshape(len(detail), -1).sum(axis=-1).astype(np.intp) // 2
    middle = np.minimum(np.repeat(middle, channels), flat.shape[-1] - 1)
    deviation = flat[np.arange(len(flat)), middle].reshape(-1, channels)
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
