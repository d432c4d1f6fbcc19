"""Reduce a scan to the small picture on which frames are searched.

Covers sums of cells while bands are read, the choice of a cell size, and further reduction
of a small picture. Values are means of linear light and do not depend on the height of the
bands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.frames import film
from divere_cli.frames.film import Picture

LONGEST = 2600  # cells: nine pictures of half frame at 13 cells a millimeter
MOST_CELLS = 3_500_000
STRIP = 440  # cells across a strip: 12 a millimeter of 135, 7 of 120
COARSE = 450  # cells on the short side of a first look


class Reduction:
    """Collects means of cells from bands of linear light.

    Parameters
    ----------
    width, height : int
        Size of the scan.
    channels : int
    """

    def __init__(self, width: int, height: int, channels: int) -> None:
        self.width, self.height = width, height
        side = max(1, -(-max(width, height) // LONGEST))
        while (width // side) * (height // side) > MOST_CELLS:
            side += 1
        self.side = side
        self._starts = np.arange(0, width, side)
        across = np.diff(np.append(self._starts, width)).astype(np.float32)
        down = np.diff(np.append(np.arange(0, height, side), height)).astype(np.float32)
        self._pixels = down[:, None] * across[None, :]
        self._sums = np.zeros((len(down), len(across), channels), np.float32)

    def add(self, first: int, band: NDArray[Any]) -> None:
        """Add rows of float32 light."""
        if self.side == 1:
            self._sums[first : first + len(band)] = band
            return
        # Row by row, so that the order of additions does not depend on the bands.
        for row in range(len(band)):
            self._sums[(first + row) // self.side] += np.add.reduceat(
                band[row], self._starts, axis=0
            )

    @property
    def light(self) -> Picture:
        """``(rows, columns, channels)`` float32, means."""
        return np.asarray(self._sums / self._pixels[..., None], np.float32)


def coarser(light: Picture, by: int) -> Picture:
    """Return means of squares of cells; the rest at the border is left out.

    Parameters
    ----------
    light : Picture
        Linear light, shape (rows, columns, channels).
    by : int
        Cells of a side of a square.

    Returns
    -------
    Picture
        The means, shape (rows, columns, channels).
    """
    if by <= 1:
        return light
    rows, columns = light.shape[0] // by, light.shape[1] // by
    part = light[: rows * by, : columns * by]
    return np.asarray(
        part.reshape(rows, by, columns, by, -1).mean(axis=(1, 3), dtype=np.float32), np.float32
    )


def fitting(light: Picture) -> int:
    """Return how many cells to join so that a strip of film has about the wanted height.

    Parameters
    ----------
    light : Picture
        Linear light, shape (rows, columns, channels).
    """
    first = max(1, int(min(light.shape[:2])) // COARSE)
    small = coarser(light, first)
    film_cells = film.sort(small)
    if film_cells is None:
        return first
    pieces = film.pieces(film_cells.area, 0.05)
    if not pieces:
        return first
    boxes = [(p.any(axis=1).sum(), p.any(axis=0).sum()) for p in pieces]
    thick = max(min(box) for box in boxes) * first
    return max(1, int(thick // STRIP))
