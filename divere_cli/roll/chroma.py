"""Measure how often each chroma occurs on a frame, and in how many tones.

Covers the two maps of a measurement. Chroma is a difference of print densities:
u = red - green, v = blue - green. Gray on the print has the same chroma in shadows,
mid-tones and highlights; hardly any other color has. So ``presence`` is the sum, over bands
of brightness, of the square root of the share of cells near a chroma: a color that occurs
in all tones counts more than one that fills a single tone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.roll.measurement import BIN, ChromaMap

Floats = NDArray[np.float64]

REACH = 70  # bins to each side of the frame's own median
BANDS = 8
# Film density: grain of a cell, and the drift of a film's grays from toe to shoulder. If wider,
# other colors near gray count, too (0.02: a cast of 0.015 from blue hills); if narrower, grain.
BLUR = 0.013
SCALE = 10_000
LEAST_BAND = 0.01  # of the cells; a band with fewer does not count for the median


def maps(printed: Floats, luma: Floats, contrast: float = 1.0) -> tuple[ChromaMap, ChromaMap]:
    """Return presence and counts of each chroma of the mid-tone cells.

    Parameters
    ----------
    printed : ndarray
        ``(n, 3)`` print densities.
    luma : ndarray
        ``(n,)`` their brightness.
    contrast : float
        Print density for a film density, the grade's ``density_gamma``.
    """
    u = np.round((printed[:, 0] - printed[:, 1]) / BIN).astype(int)
    v = np.round((printed[:, 2] - printed[:, 1]) / BIN).astype(int)
    first_u, first_v = int(np.median(u)) - REACH, int(np.median(v)) - REACH
    size = 2 * REACH + 1
    near = (u >= first_u) & (u < first_u + size) & (v >= first_v) & (v < first_v + size)
    places = (u[near] - first_u) * size + v[near] - first_v
    band = _bands(luma[near], luma)
    stack = np.bincount(band * size * size + places, minlength=BANDS * size * size)
    counts = stack.reshape(BANDS, size, size)
    kernel = _kernel(max(BLUR * contrast, BIN))
    shares = _blurred(_blurred(counts / max(len(u), 1), kernel, 1), kernel, 2)
    presence = np.sqrt(shares).sum(axis=0)
    return (
        _pack(np.round(presence * SCALE).astype(int), first_u, first_v),
        _pack(counts.sum(axis=0), first_u, first_v),
    )


def center(printed: Floats, luma: Floats) -> tuple[float, float, float]:
    """Return the middle chroma of the mid-tones and its spread.

    Parameters
    ----------
    printed : Floats
        Print densities, shape (n, 3).
    luma : Floats
        Their brightness, shape (n,).

    Returns
    -------
    tuple of float
        u and v, the median of the bands' medians, and the median distance from
        there, all densities.
    """
    pairs = np.stack([printed[:, 0] - printed[:, 1], printed[:, 2] - printed[:, 1]], axis=1)
    band = _bands(luma, luma)
    parts = [pairs[band == index] for index in range(BANDS)]
    large_parts = [part for part in parts if len(part) >= LEAST_BAND * len(pairs)]
    middle = np.median([np.median(part, axis=0) for part in large_parts], axis=0)
    spread = float(np.median(np.hypot(*(pairs - middle).T)))
    return float(middle[0]), float(middle[1]), spread


def _bands(luma: Floats, range_of: Floats) -> NDArray[np.int_]:
    """Return the band of brightness of each cell; bands are equal steps of density."""
    low, high = float(range_of.min()), float(range_of.max())
    position = (luma - low) / max(high - low, 1e-9) * BANDS
    return np.asarray(np.minimum(position.astype(int), BANDS - 1))


def _kernel(width: float) -> Floats:
    reach = int(np.ceil(3.0 * width / BIN)) - 1
    away = np.arange(-reach, reach + 1) * BIN / width
    return np.asarray(np.exp(-0.5 * away**2))


def _blurred(maps: Floats, kernel: Floats, axis: int) -> Floats:
    """Blur along one axis, by shifts: seven taps take a fifth of the time of a matrix product."""
    size, reach = maps.shape[axis], len(kernel) // 2
    around = [(reach, reach) if dimension == axis else (0, 0) for dimension in range(3)]
    padded = np.pad(maps, around)
    out = np.zeros_like(maps)
    for shift, weight in enumerate(kernel):
        part = padded[:, shift : shift + size] if axis == 1 else padded[..., shift : shift + size]
        out += weight * part
    return out


def _pack(values: NDArray[np.int_], first_u: int, first_v: int) -> ChromaMap:
    """Return a map without its empty ends."""
    rows: list[tuple[int, tuple[int, ...]]] = []
    for row in values:
        filled = np.flatnonzero(row)
        if len(filled) == 0:
            rows.append((0, ()))
            continue
        first, last = int(filled[0]), int(filled[-1]) + 1
        rows.append((first_v + first, tuple(int(n) for n in row[first:last])))
    return ChromaMap(first_u, tuple(rows))
