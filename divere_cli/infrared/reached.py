"""Which tiles have hits, or border on one whose hits may grow into them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]


class Reached:
    """Keeps, for each tile of a scan, whether there are hits in it and near its sides.

    Parameters
    ----------
    shape : tuple of int
        Tiles down and across.
    reach : int
        Pixels that a hit may grow.
    """

    def __init__(self, shape: tuple[int, int], reach: int) -> None:
        self._reach = reach
        self._any, self._top, self._bottom, self._left, self._right = (
            np.zeros((shape[0] + 2, shape[1] + 2), bool) for _ in range(5)
        )

    def take(self, tiles: Ints, marks: NDArray[np.uint8]) -> None:
        """Take the marks of tiles; (tiles, 2) and (tiles, side, side)."""
        at = tuple(tiles.T + 1)
        rows, columns = (np.logical_or.reduce(marks, axis=axis) for axis in (2, 1))
        self._any[at] = rows.any(axis=1)
        self._top[at] = rows[:, : self._reach].any(axis=1)
        self._bottom[at] = rows[:, -self._reach :].any(axis=1)
        self._left[at] = columns[:, : self._reach].any(axis=1)
        self._right[at] = columns[:, -self._reach :].any(axis=1)

    def tiles(self, first: int, last: int) -> Ints:
        """Row and column of the tiles of rows ``first`` to ``last`` that hits may reach.

        A corner counts as reached where a tile has hits at both of the sides that meet there.
        """
        above, here, below = (slice(first + step, last + step) for step in range(3))
        before, middle, after = slice(0, -2), slice(1, -1), slice(2, None)
        reached = self._any[here, middle].copy()
        reached |= self._bottom[above, middle]
        reached |= self._top[below, middle]
        reached |= self._right[here, before]
        reached |= self._left[here, after]
        for rows, side in ((above, self._bottom), (below, self._top)):
            reached |= side[rows, before] & self._right[rows, before]
            reached |= side[rows, after] & self._left[rows, after]
        return np.add(np.argwhere(reached), (first, 0))
