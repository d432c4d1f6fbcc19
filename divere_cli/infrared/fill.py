"""Means of the clean pixels around masked ones, in log density.

Covers normalized convolution from fine to coarse: at each scale the mean of clean pixels, and
where there are few of them that of the next coarser scale. All scales are sums of neighbors
(:func:`divere_cli.infrared.blur.added`). What it does not cover: content that a place hides.
Structures as small as the place are not invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.blur import added, halved
from divere_cli.infrared.marks import TILE

Floats = NDArray[np.float32]

NEAR, FAR = 6, 32  # pixels around a tile: for most places, and for large ones
CELL = 2  # all scales but the finest have one mean for 2x2 pixels
CELLS = TILE // CELL
FINEST = (1, 1, 1, 1)  # as wide as a Gaussian of 1 pixel
COARSE = (1, 1, 2)  # of cells of the finest: together 2.7 pixels
# of squares of 4, 8 and 8 pixels: about 5, 10 and 15 pixels
MIDDLE, WIDE, WIDEST = (1,) * 6, (1,) * 6, (1, 2, 3)
# how little clean weight a scale needs before the next coarser one counts as much
MIXED = 0.04
ENOUGH = 0.004
NOTHING = 1e-4  # clean weight of the coarsest scale: there is nothing to fill from
UNIT = 4.0 ** len(FINEST)  # what the finest scale has for each clean pixel
START = NEAR - 2  # row and column of a tile's first pixel in the finest scale


@dataclass(frozen=True, slots=True)
class Scales:
    """Sums of the logarithms of clean pixels around tiles, and as last plane their weight.

    Attributes
    ----------
    finest : ndarray of float32, (tiles, channels + 1, side, side)
        In units of :data:`UNIT`; a tile's first pixel is at (:data:`START`, :data:`START`).
    coarse : ndarray of float32, (tiles, channels + 1, CELLS, CELLS)
        Of the cells of a tile; the weight is 0 to 1.
    """

    finest: Floats
    coarse: Floats

    def means(self) -> Floats:
        """Return the means of the coarse scale, (tiles, channels, CELLS, CELLS)."""
        return _means(self.coarse)

    def thin(self) -> NDArray[np.intp]:
        """Return the numbers of the tiles where a cell has hardly anything clean near it."""
        least = self.coarse[:, -1].reshape(len(self.coarse), -1).min(axis=1)
        return np.flatnonzero(least < ENOUGH)


def near(sums: Floats) -> Scales:
    """Add up the clean pixels within :data:`NEAR` pixels.

    Parameters
    ----------
    sums : ndarray of float32, (tiles, channels + 1, TILE + 2 NEAR, TILE + 2 NEAR)
        Logarithms of the channels, 0 where a pixel is masked, and last their weight: 1 where
        a pixel is clean, 0 where it is masked.
    """
    finest = added(sums, FINEST)
    used = finest[..., : -len(FINEST), : -len(FINEST)]
    # two of the four pixels: in the middle between them is the middle of the cell
    cells = used[..., 0::CELL, 0::CELL] + used[..., 1::CELL, 1::CELL]
    coarse = added(cells, COARSE)[..., :CELLS, :CELLS]
    return Scales(finest, coarse * np.float32(1 / (2 * UNIT * 4 ** len(COARSE))))


def far(sums: Floats) -> tuple[Floats, Floats]:
    """Return means of clean pixels within :data:`FAR` pixels.

    Parameters
    ----------
    sums : ndarray of float32, (tiles, channels + 1, CELLS + FAR, CELLS + FAR)
        As in :func:`near`, of every other pixel down and across.

    Returns
    -------
    tuple of ndarray of float32
        The means, (tiles, channels, CELLS, CELLS), and the clean weight of the coarsest scale,
        (tiles, CELLS, CELLS).
    """
    fours = halved(sums)
    eights = halved(fours)
    middle, wide, widest = (
        added(np.ascontiguousarray(part), steps)[..., : -sum(steps), : -sum(steps)]
        * np.float32(1 / 4 ** len(steps))
        for part, steps in ((fours[..., 4:-4, 4:-4], MIDDLE), (eights, WIDE), (eights, WIDEST))
    )
    means = _lines(joined(wide, _means(widest)), 8 // CELL)
    return joined(_lines(middle, 4 // CELL), means), _lines(widest[:, -1], 8 // CELL)


def _means(sums: Floats) -> Floats:
    # sums are multiplied by the inverse of their weight: a division costs three times as much
    return np.multiply(sums[:, :-1], 1 / np.maximum(sums[:, -1:], np.float32(1e-9)))


def joined(sums: Floats, coarser: Floats) -> Floats:
    """Return means of clean pixels, mixed with coarser means where there are few of them.

    Parameters
    ----------
    sums : ndarray of float32, (tiles, channels + 1, rows, columns)
        Of one scale, and last their weight, 0 to 1.
    coarser : ndarray of float32, (tiles, channels, rows, columns)
        Means of the next coarser scale; overwritten.

    Returns
    -------
    ndarray of float32
        Of the shape of ``coarser``.
    """
    means = np.multiply(coarser, np.float32(MIXED), out=coarser)
    np.add(means, sums[:, :-1], out=means)
    return np.multiply(means, 1 / (sums[:, -1:] + np.float32(MIXED)), out=means)


def _lines(planes: Floats, times: int) -> Floats:
    """Enlarge the last two axes by straight lines; one value more is on each side."""
    for axis in (planes.ndim - 2, planes.ndim - 1):
        planes = _between(planes, axis, times)
    return planes


def _between(planes: Floats, axis: int, times: int) -> Floats:
    count = planes.shape[axis] - 2
    lead = (slice(None),) * axis
    shape = list(planes.shape)
    shape[axis] = count * times
    out = np.empty(shape, np.float32)
    for step in range(times):
        position = (step + 0.5) / times - 0.5
        first = 0 if position < 0 else 1
        part = np.float32(position - np.floor(position))
        before = planes[(*lead, slice(first, first + count))]
        after = planes[(*lead, slice(first + 1, first + 1 + count))]
        out[(*lead, slice(step, None, times))] = before + (after - before) * part
    return out
