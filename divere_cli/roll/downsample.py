"""Reduce a scan to a grid of cells while it is read.

Takes bands and gives mean and clipping of each cell; the memory depends only on the grid.
Sums are exact integers (of float scans, rows are added one by one), so that the height of
the bands does not change the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CELLS = 160  # along the longer side
LEAST_SIDE = 4  # pixels; in cells of 2 by 2, grain put gray 0.02 off on real film
SAMPLES = 8  # pixels sampled along each side of a cell, at most twice as many
CLIPPED = 0.995  # of full scale: higher values may have been cut off


@dataclass(frozen=True)
class Grid:
    """Cells of a crop: ``mean`` (rows, columns, 3) in 0..1, ``clipped`` (rows, columns).

    A cell is clipped when any of its pixels is, in any channel.
    """

    mean: Floats
    clipped: Bools
    pixels_per_cell: int


class Reduction:
    """Takes the bands of a scan and keeps the cells of one crop.

    Parameters
    ----------
    box : tuple of int
        x0, y0, x1, y1 of the crop, pixels.
    full : float
        The value of white: 255, 65535 or 1.0.
    """

    def __init__(self, box: tuple[int, int, int, int], full: float) -> None:
        self.x0, self.y0, self.x1, self.y1 = box
        side = max(LEAST_SIDE, -(-max(self.x1 - self.x0, self.y1 - self.y0) // CELLS))
        self.step = max(1, side // SAMPLES)
        self.side = -(-side // self.step) * self.step
        rows = -(-(self.y1 - self.y0) // self.side)
        columns = -(-(self.x1 - self.x0) // self.side)
        self.full = full
        self.sums: NDArray[Any] = np.zeros(
            (rows, columns, 3), np.float64 if full == 1.0 else np.uint64
        )
        self.clips = np.zeros((rows, columns), np.uint32)
        self.counts = np.zeros((rows, columns), np.uint32)
        places = np.arange(0, self.x1 - self.x0, self.step) // self.side
        self.starts = np.flatnonzero(np.diff(places, prepend=-1))
        self.widths = np.diff(np.append(self.starts, len(places)))

    def add(self, first: int, band: NDArray[Any]) -> None:
        """Take a band ``(rows, width, 1|3)`` whose first row is ``first`` of the scan."""
        rows = np.arange(first, first + len(band))
        sampled = (rows >= self.y0) & (rows < self.y1) & ((rows - self.y0) % self.step == 0)
        if not sampled.any():
            return
        part = band[sampled, self.x0 : self.x1 : self.step]
        if part.dtype.kind == "f":
            part = np.nan_to_num(part, nan=0.0, posinf=1.0, neginf=0.0)
        cells = (rows[sampled] - self.y0) // self.side
        np.add.at(self.sums, cells, np.add.reduceat(part, self.starts, 1, self.sums.dtype))
        clipped = (part >= CLIPPED * self.full).any(axis=2)
        np.add.at(self.clips, cells, np.add.reduceat(clipped, self.starts, 1, np.uint32))
        np.add.at(self.counts, cells, self.widths.astype(np.uint32))

    def grid(self) -> Grid:
        """Return the cells, once all bands were added."""
        counts = np.maximum(self.counts, 1)[..., None]
        mean = self.sums / counts / self.full
        return Grid(np.asarray(mean, np.float64), self.clips > 0, int(self.counts.max()))


def reduce(
    bands: Iterable[tuple[int, NDArray[Any]]], reductions: Iterable[Reduction]
) -> tuple[Grid, ...]:
    """Reduce a scan to the grids of several crops in one pass.

    Parameters
    ----------
    bands : Iterable[tuple[int, NDArray[Any]]]
        First row and samples of each band.
    reductions : iterable of Reduction
        The crops and sizes.
    """
    todo = tuple(reductions)
    for first, band in bands:
        for reduction in todo:
            reduction.add(first, band)
    return tuple(reduction.grid() for reduction in todo)
