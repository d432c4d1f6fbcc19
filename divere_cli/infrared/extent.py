"""How much of a picture a mask covers, and where its biggest place is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]

BLOCK = 8


class Extent:
    """Sums up a mask as its tiles go by.

    Places that come as near as a block of 8 pixels to each other count as one.
    """

    def __init__(self, height: int, width: int) -> None:
        self._pixels = height * width
        self._parts: list[NDArray[np.int64]] = []

    def take(self, tops: Ints, lefts: Ints, masks: NDArray[np.bool_]) -> None:
        """Take parts of the mask, each of which comes once.

        Parameters
        ----------
        tops, lefts : ndarray of int, (parts,)
            Row and column of each part's first pixel, multiples of 8.
        masks : ndarray of bool, (parts, side, side)
            The side is a multiple of 8.
        """
        parts, side = masks.shape[:2]
        blocks = masks.reshape(parts, side // BLOCK, BLOCK, side // BLOCK, BLOCK)
        sums = blocks.sum(axis=(2, 4), dtype=np.int64)
        part, down, across = np.nonzero(sums)
        y, x = tops[part] // BLOCK + down, lefts[part] // BLOCK + across
        self._parts.append(np.stack([y, x, sums[part, down, across]]))

    def share(self) -> float:
        """Share of the picture's pixels that are set."""
        return int(sum(part[2].sum() for part in self._parts)) / self._pixels

    def biggest(self) -> tuple[int, int, int]:
        """Pixels of the biggest place, and the column and row of its middle; zeros for none."""
        if not any(part.size for part in self._parts):
            return 0, 0, 0
        y, x, size = np.concatenate(self._parts, axis=1)
        order = np.lexsort((x, y))
        y, x, size = y[order], x[order], size[order]
        place_of = _places(y, x)
        sizes = np.bincount(place_of, size)
        best = int(np.argmax(sizes))
        middles = (float((at * size)[place_of == best].sum()) / sizes[best] for at in (x, y))
        column, row = (round((middle + 0.5) * BLOCK) for middle in middles)
        return int(sizes[best]), column, row


def _places(y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.intp]:
    """The first block of the place that each block belongs to; blocks in the order of rows."""
    wide = int(x.max()) + 3
    keys = y * wide + x + 1
    pairs = []
    for step in (1, wide - 1, wide, wide + 1):
        at = np.searchsorted(keys, keys + step)
        there = np.flatnonzero(at < len(keys))
        there = there[keys[at[there]] == keys[there] + step]
        pairs.append(np.stack([there, at[there]]))
    block, neighbor = np.concatenate(pairs, axis=1)
    first = np.arange(len(keys))
    while True:
        low, high = (
            np.minimum(first[block], first[neighbor]),
            np.maximum(first[block], first[neighbor]),
        )
        if np.array_equal(low, high):
            return first
        np.minimum.at(first, high, low)
        while not np.array_equal(first, first[first]):
            first = first[first]
