"""Marks of the pixels of some rows of tiles, with a border of one tile around.

A strip moves down a picture as its rows are done with; windows into it are
slices, also at the picture's borders. Outside of the picture
all is 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.rows import move

Marks = NDArray[np.uint8]
Tile = Sequence[int]  # row and column of tiles


class Strip:
    """A strip.

    Parameters
    ----------
    side : int
        Of a tile, pixels.
    across : int
        Tiles in a row.
    rows : int
        Rows of tiles that it holds, besides one above and one below.
    """

    def __init__(self, side: int, across: int, rows: int) -> None:
        self._side = side
        self._plane = np.zeros(((rows + 2) * side, (across + 2) * side), np.uint8)
        self._first = 0

    def move(self, first: int) -> None:
        """Let go of the rows of tiles before ``first``, but for the one above it."""
        down = (first - self._first) * self._side
        if down <= 0:
            return
        count = max(len(self._plane) - down, 0)
        move(self._plane, self._plane, down, count)
        self._plane[count:] = False
        self._first = first

    def window(self, tile: Tile, border: int = 0) -> Marks:
        """A tile and ``border`` pixels around it, at most a tile's side; a view."""
        side = self._side
        top = (tile[0] - self._first + 1) * side - border
        left = (tile[1] + 1) * side - border
        return self._plane[top : top + side + 2 * border, left : left + side + 2 * border]

    def rows(self, first: int, last: int) -> Marks:
        """All pixels of rows of tiles ``first`` to ``last``, without the border; a view."""
        side = self._side
        top, bottom = ((row - self._first + 1) * side for row in (first, last))
        return self._plane[top:bottom, side:-side]
