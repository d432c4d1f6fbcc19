"""Means of the clean pixels around masked ones, in log density.

Covers normalized convolution from fine to coarse: at each scale the mean of
clean pixels, and where there are few of them that of the next coarser scale.
Coarser scales work on sums of 2x2, 4x4 and 8x8 pixels. What it does not cover:
content that a place hides. Structures as small as the place are not invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.blur import blur, doubled, gaussian, halved, inner, softened

Floats = NDArray[np.float32]

NEAR, FAR = 6, 32  # pixels around a tile: for most places, and for large ones
# how little clean weight a scale needs before the next coarser one counts as much
MIXED = 0.04
ENOUGH = 0.004
NOTHING = 1e-4  # clean weight of the coarsest scale: there is nothing to fill from


@dataclass(frozen=True, slots=True)
class Scale:
    """Sums of ``side`` x ``side`` pixels under a Gaussian of ``sigma`` of them."""

    side: int
    sigma: float
    radius: int


FINEST = 2  # radius of a binomial filter, as wide as a Gaussian of 1 pixel
# after it, about 3, 5, 10 and 24 pixels
SCALES = (Scale(2, 1.5, 3), Scale(4, 1.2, 3), Scale(8, 1.2, 3), Scale(8, 3.0, 3))
NEAR_SCALES = 1
# a Gaussian over sums of 2x2 is so wide that steps of two pixels do not show, and cost a tenth
STEPPED = 2


def fill(sums: Floats, border: int) -> tuple[Floats, Floats]:
    """Return means of clean pixels around each pixel.

    Parameters
    ----------
    sums : ndarray of float32, (windows, channels + 1, side, side)
        Logarithms of the channels, 0 where a pixel is masked, and last their weight: 1 where
        a pixel is clean, 0 where it is masked.
    border : int
        :data:`NEAR` or :data:`FAR`: how much larger a window is than its tile,
        on each side.

    Returns
    -------
    tuple of ndarray of float32
        The means, (windows, channels, TILE, TILE), and the clean weight of the coarsest scale
        that was used, (windows, TILE, TILE).
    """
    coarser: list[tuple[Floats, int]] = []
    pixels, side = inner(sums, border - FINEST), 1
    for scale in SCALES[:NEAR_SCALES] if border == NEAR else SCALES:
        while side < scale.side:
            sums, side = halved(sums), 2 * side
        # no more around the tile than this scale looks at, and one for what lies between
        spare = 1 if side > STEPPED else 0
        part = inner(sums, border // side - scale.radius - spare)
        coarser.append((blur(part, gaussian(scale.sigma, scale.radius)), side))
    level, side = coarser.pop()
    weight = _enlarged(level[:, -1:], side)[:, 0]
    # sums are multiplied by the inverse of their weight: a division costs three times as much
    means = np.multiply(level[:, :-1], 1 / np.maximum(level[:, -1:], np.float32(1e-9)))
    while coarser:
        means = _enlarged(np.multiply(means, np.float32(MIXED), out=means), side)
        level, side = coarser.pop()
        level, side = _enlarged(level, side), 1
        np.add(means, level[:, :-1], out=means)
        np.multiply(means, 1 / (level[:, -1:] + np.float32(MIXED)), out=means)
    finest = softened(np.ascontiguousarray(pixels), FINEST)
    mixed = np.float32(MIXED * 16**FINEST)
    means = _enlarged(np.multiply(means, mixed, out=means), side)
    np.add(means, finest[:, :-1], out=means)
    np.multiply(means, 1 / (finest[:, -1:] + mixed), out=means)
    return means, weight


def _enlarged(planes: Floats, side: int) -> Floats:
    """Enlarge sums of ``side`` pixels to the pixels of a tile.

    Small sums are repeated. Larger ones, of which one more is on each side of the tile, are
    joined by straight lines.
    """
    if side == 1:
        return planes
    if side <= STEPPED:
        return doubled(planes)
    for axis in (planes.ndim - 2, planes.ndim - 1):
        planes = _lines(planes, axis, side)
    return planes


def _lines(planes: Floats, axis: int, side: int) -> Floats:
    count = planes.shape[axis] - 2
    lead = (slice(None),) * axis
    shape = list(planes.shape)
    shape[axis] = count * side
    out = np.empty(shape, np.float32)
    for step in range(side):
        at = (step + 0.5) / side - 0.5
        first = 0 if at < 0 else 1
        part = np.float32(at - np.floor(at))
        before = planes[(*lead, slice(first, first + count))]
        after = planes[(*lead, slice(first + 1, first + 1 + count))]
        out[(*lead, slice(step, None, side))] = before + (after - before) * part
    return out
