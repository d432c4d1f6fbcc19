"""How much of a picture a mask covers, and where its biggest place is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.marks import TILE, Words

Ints = NDArray[np.intp]
Sums = NDArray[np.int64]

BLOCK = 8
EACH = TILE // BLOCK
Y, X, SIZE, SUM_Y, SUM_X, FIRST, PLACE = range(7)
NONE = np.iinfo(np.int64).max


class Extent:
    """Sums up a mask as its rows of tiles go by, in memory that does not grow with its height.

    Places that come as near as a block of 8 pixels to each other count as one. Only the blocks of
    the last row are kept, of each place one with the place's sums, and the biggest place so far.
    """

    def __init__(self, height: int, width: int) -> None:
        self._pixels = height * width
        self._masked = 0
        self._last_row = np.zeros((7, 0), np.int64)
        self._biggest = np.zeros(7, np.int64)

    def take(self, tiles: Ints, words: Words, last: int) -> None:
        """Take some rows of tiles, from top to bottom.

        Parameters
        ----------
        tiles : ndarray of int, (tiles, 2)
            Row and column of the tiles that are not empty.
        words : ndarray of uint32, (tiles, 32)
            Their marks.
        last : int
            Row of tiles after these.
        """
        bits = np.bitwise_count(words.astype("<u4", copy=False).view(np.uint8))
        counts = bits.reshape(-1, EACH, BLOCK, EACH).sum(axis=2, dtype=np.int64)
        tile, down, across = np.nonzero(counts)
        size = counts[tile, down, across]
        self._masked += int(size.sum())
        y, x = tiles[tile, 0] * EACH + down, tiles[tile, 1] * EACH + across
        new_blocks = np.stack([y, x, size, y * size, x * size, y << 32 | x, np.full_like(y, -1)])
        blocks = np.concatenate([self._last_row, new_blocks], axis=1)
        if blocks.size:
            self._close(blocks[:, np.lexsort((blocks[X], blocks[Y]))], last * EACH - 1)

    def share(self) -> float:
        """Share of the picture's pixels that are masked."""
        return self._masked / self._pixels

    def biggest(self) -> tuple[int, int, int]:
        """Pixels of the biggest place, and the column and row of its middle; zeros for none."""
        self._close(self._last_row, -1)
        size, y, x = (int(self._biggest[at]) for at in (SIZE, SUM_Y, SUM_X))
        if not size:
            return 0, 0, 0
        return size, round((x / size + 0.5) * BLOCK), round((y / size + 0.5) * BLOCK)

    def _close(self, blocks: Sums, last_row: int) -> None:
        """Add up places; those that do not reach the last row of blocks are complete."""
        if not blocks.size:
            return
        _, place_of = np.unique(_places(blocks), return_inverse=True)
        sums = np.zeros((7, int(place_of.max()) + 1), np.int64)
        for at in (SIZE, SUM_Y, SUM_X):
            np.add.at(sums[at], place_of, blocks[at])
        sums[FIRST] = NONE
        np.minimum.at(sums[FIRST], place_of, blocks[FIRST])
        in_last_row = blocks[Y] == last_row
        complete = np.ones(sums.shape[1], bool)
        complete[place_of[in_last_row]] = False
        candidates = np.concatenate([sums[:, complete], self._biggest[:, np.newaxis]], axis=1)
        # of places of one size the topmost
        self._biggest = candidates[:, np.lexsort((candidates[FIRST], -candidates[SIZE]))[0]]
        self._last_row = blocks[:, in_last_row]
        self._last_row[PLACE] = place_of[in_last_row]
        self._last_row[SIZE:PLACE] = 0
        self._last_row[FIRST] = NONE
        places, first = np.unique(place_of[in_last_row], return_index=True)
        self._last_row[SIZE:PLACE, first] = sums[SIZE:PLACE, places]


def _places(blocks: Sums) -> NDArray[np.intp]:
    """The first block of the place that each block belongs to; blocks in the order of rows."""
    wide = int(blocks[X].max()) + 3
    keys = blocks[Y] * wide + blocks[X] + 1
    joined = np.flatnonzero(blocks[PLACE] >= 0)
    joined = joined[np.argsort(blocks[PLACE, joined], kind="stable")]
    same = blocks[PLACE, joined[1:]] == blocks[PLACE, joined[:-1]]
    pairs = [np.stack([joined[:-1][same], joined[1:][same]])]
    for step in (1, wide - 1, wide, wide + 1):
        at = np.searchsorted(keys, keys + step)
        present = np.flatnonzero(at < len(keys))
        present = present[keys[at[present]] == keys[present] + step]
        pairs.append(np.stack([present, at[present]]))
    block, neighbor = np.concatenate(pairs, axis=1)
    first = np.arange(len(keys))
    while True:
        low = np.minimum(first[block], first[neighbor])
        high = np.maximum(first[block], first[neighbor])
        if (low == high).all():
            return first
        np.minimum.at(first, high, low)
        nearer = first[first]
        while (nearer != first).any():
            first, nearer = nearer, nearer[nearer]
