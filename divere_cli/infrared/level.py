"""Infrared's slow level over a scan: what clean film and the light of the scanner make of it.

Cells of 32 pixels hold the median of samples, and those the median of their
neighbors. Where the level jumps (film beside bare light or a holder) the higher
one counts all around, so that a border is never taken for dust.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.placement import sample

Floats = NDArray[np.float32]

CELL = 32
JUMP = 0.02
AT_ONCE = 32  # rows of cells
EVERY = 4


@dataclass(frozen=True, slots=True)
class Level:
    """The level in the middle of each cell, (down, across)."""

    cells: Floats

    def window(self, top: int, left: int, rows: int, columns: int) -> Floats:
        """The level at pixels, between the cells' middles by bilinear steps."""
        y = (np.arange(top, top + rows) + 0.5) / CELL - 0.5
        x = (np.arange(left, left + columns) + 0.5) / CELL - 0.5
        return sample(self.cells, y, x)

    def around(self, cells: NDArray[np.intp], border: int) -> Floats:
        """The level at the pixels of cells and ``border`` around them (less than a cell).

        Parameters
        ----------
        cells : ndarray of int, (cells, 2)
            Down and across.
        border : int

        Returns
        -------
        ndarray of float32, (cells, rows / EVERY, columns)
            That of the middle of :data:`EVERY` rows: it is slow.
        """
        down, across = self.cells.shape
        y = np.maximum(np.minimum(cells[:, :1] + np.arange(-1, 2), down - 1), 0)
        x = np.maximum(np.minimum(cells[:, 1:] + np.arange(-1, 2), across - 1), 0)
        half = CELL // 2 + border
        columns = (np.arange(-half, half) + 0.5) / CELL
        rows = (np.arange(-half, half, EVERY) + 0.5 * EVERY) / CELL
        neighbors = self.cells[y[:, np.newaxis], x[..., np.newaxis]]  # across, down
        return _between(_between(neighbors, rows).swapaxes(1, 2), columns)


def _between(cells: Floats, distances: NDArray[np.float64]) -> Floats:
    """Values between three cells, the last axis, at distances from the middle one's middle."""
    out = np.empty((*cells.shape[:-1], len(distances)), np.float32)
    middle = int(np.searchsorted(distances, 0))
    for first, part in ((0, slice(None, middle)), (1, slice(middle, None))):
        before, after = cells[..., first : first + 1], cells[..., first + 1 : first + 2]
        weight = (distances[part] + (1 - first)).astype(np.float32)
        out[..., part] = (after - before) * weight + before
    return out


def cells(samples: Floats, step: int) -> Floats:
    """Median of the samples in each cell of 32 pixels.

    Parameters
    ----------
    samples : ndarray of float32, (rows, columns)
        One for each ``step`` pixels.
    step : int
        A divisor of 32.

    Returns
    -------
    ndarray of float32
        A cell at the border that is not whole is made of what it has.
    """
    per_cell = CELL // step
    down, across = -(-samples.shape[0] // per_cell), -(-samples.shape[1] // per_cell)
    padding = (down * per_cell - samples.shape[0], across * per_cell - samples.shape[1])
    padded = np.pad(samples, ((0, padding[0]), (0, padding[1])), mode="edge")
    boxes = (
        padded.reshape(down, per_cell, across, per_cell).swapaxes(1, 2).reshape(down, across, -1)
    )
    return median(boxes)


def median(values: Floats) -> Floats:
    """Median over the last axis, by sorting: of short rows a seventh of ``np.median``'s time.

    Parameters
    ----------
    values : Floats
        Any shape; the last axis is short.

    Returns
    -------
    Floats
        The medians, without the last axis.
    """
    middle = values.shape[-1] // 2
    ordered = np.sort(values, axis=-1)
    if values.shape[-1] % 2:
        return ordered[..., middle]
    return (ordered[..., middle - 1] + ordered[..., middle]) * np.float32(0.5)


def level(values: Floats) -> Level:
    """Return the level from cells of the gate.

    Parameters
    ----------
    values : Floats
        Cells, any shape.
    """
    smooth = around(values, 1)
    out = np.empty_like(smooth)
    for rows in _parts(len(smooth)):
        boxes = _boxes(smooth, 1, rows)
        low, high = boxes.min(axis=-1), boxes.max(axis=-1)
        out[rows] = np.where(high - low > JUMP, high, smooth[rows])
    return Level(out)


def around(values: Floats, reach: int) -> Floats:
    """Return the median of the square around each cell, borders repeated.

    Parameters
    ----------
    values : Floats
        Shape (rows, columns).
    reach : int
        Cells on either side.

    Returns
    -------
    Floats
        The medians, same shape.
    """
    out = np.empty_like(values)
    for rows in _parts(len(values)):
        out[rows] = median(_boxes(values, reach, rows))
    return out


def _parts(rows: int) -> list[slice]:
    """Rows that are looked at at once: a large scan has 300,000 cells, each with 9 around it."""
    return [slice(first, min(first + AT_ONCE, rows)) for first in range(0, rows, AT_ONCE)]


def _boxes(values: Floats, reach: int, rows: slice) -> NDArray[Any]:
    """The cells around each cell of some rows, (rows, columns, cells)."""
    above, below = min(reach, rows.start), min(reach, len(values) - rows.stop)
    part = values[rows.start - above : rows.stop + below]
    padded = np.pad(part, ((reach - above, reach - below), (reach, reach)), mode="edge")
    side = 2 * reach + 1
    boxes = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return boxes.reshape(rows.stop - rows.start, values.shape[1], side * side)
