"""How much of a picture a mask covers, and where its biggest place is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 8


class Extent:
    """Sums up a mask as its rows go by.

    Places that come as near as a block of 8 pixels to each other count as one.
    """

    def __init__(self, height: int, width: int) -> None:
        self._pixels = height * width
        self._blocks = np.zeros((-(-height // BLOCK), -(-width // BLOCK)), np.uint8)
        self._set = 0

    def take(self, first: int, mask: NDArray[np.bool_]) -> None:
        """Take rows of the mask; ``first`` is a multiple of 8."""
        count = int(np.count_nonzero(mask))
        if not count:
            return
        self._set += count
        fill = (-mask.shape[0] % BLOCK, -mask.shape[1] % BLOCK)
        whole = np.pad(mask, ((0, fill[0]), (0, fill[1]))) if any(fill) else mask
        down = whole.shape[0] // BLOCK
        sums = whole.reshape(down, BLOCK, -1, BLOCK).sum(axis=(1, 3), dtype=np.uint8)
        self._blocks[first // BLOCK : first // BLOCK + down] = sums

    def share(self) -> float:
        """Share of the picture's pixels that are set."""
        return self._set / self._pixels

    def biggest(self) -> tuple[int, int, int]:
        """Pixels of the biggest place, and the column and row of its middle; zeros for none."""
        left = {(int(y), int(x)) for y, x in np.argwhere(self._blocks)}
        best = (0, 0, 0)
        for first in sorted(left):
            if first not in left:
                continue
            place = self._place(first, left)
            sizes = [int(self._blocks[at]) for at in place]
            if sum(sizes) > best[0]:
                y = sum(at[0] * size for at, size in zip(place, sizes, strict=True)) / sum(sizes)
                x = sum(at[1] * size for at, size in zip(place, sizes, strict=True)) / sum(sizes)
                best = (sum(sizes), round((x + 0.5) * BLOCK), round((y + 0.5) * BLOCK))
        return best

    def _place(self, first: tuple[int, int], left: set[tuple[int, int]]) -> list[tuple[int, int]]:
        """Take the blocks of the place of ``first`` out of those that are left."""
        place = [first]
        left.discard(first)
        for y, x in place:
            for at in [(y + down, x + across) for down in (-1, 0, 1) for across in (-1, 0, 1)]:
                if at in left:
                    left.discard(at)
                    place.append(at)
        return place
