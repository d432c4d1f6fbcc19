"""How much of a picture a mask covers, and where its biggest place is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 8


class Extent:
    """Sums up a mask as its tiles go by.

    Places that come as near as a block of 8 pixels to each other count as one.
    """

    def __init__(self, height: int, width: int) -> None:
        self._pixels = height * width
        self._blocks: dict[tuple[int, int], int] = {}

    def take(self, top: int, left: int, mask: NDArray[np.bool_]) -> None:
        """Take a part of the mask; ``top``, ``left`` and its sides are multiples of 8."""
        down, across = (side // BLOCK for side in mask.shape)
        sums = mask.reshape(down, BLOCK, across, BLOCK).sum(axis=(1, 3), dtype=np.uint8)
        for y, x in np.argwhere(sums):
            self._blocks[top // BLOCK + int(y), left // BLOCK + int(x)] = int(sums[y, x])

    def share(self) -> float:
        """Share of the picture's pixels that are set."""
        return sum(self._blocks.values()) / self._pixels

    def biggest(self) -> tuple[int, int, int]:
        """Pixels of the biggest place, and the column and row of its middle; zeros for none."""
        left = set(self._blocks)
        best = (0, 0, 0)
        for first in sorted(left):
            if first not in left:
                continue
            place = self._place(first, left)
            size = sum(self._blocks[at] for at in place)
            if size > best[0]:
                y = sum(at[0] * self._blocks[at] for at in place) / size
                x = sum(at[1] * self._blocks[at] for at in place) / size
                best = (size, round((x + 0.5) * BLOCK), round((y + 0.5) * BLOCK))
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
