"""Look closely at stacks of tiles of a scan: which pixels may belong to a defect.

Covers cutting windows out of picture and infrared, laying infrared on the picture,
and holding it against the thresholds of :mod:`divere_cli.infrared.find`. What it does
not cover: which tiles are worth a look (the survey says that), and which hits are
places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import find
from divere_cli.infrared.density import density
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.placement import sample
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.survey import TILE, Findings

Marks = NDArray[np.uint8]
Ints = NDArray[np.intp]

HIT, PEAK = 1, 2  # a peak is a hit, too
SIDE = TILE + 2 * find.BORDER


class Search:
    """Finds hits in tiles of one scan.

    Parameters
    ----------
    findings : Findings
        Of the survey of the scan.
    tuning : Tuning
    """

    def __init__(self, findings: Findings, tuning: Tuning) -> None:
        self._findings = findings
        self._tuning = tuning
        placed = findings.placement
        self._native = TILE // placed.ratio
        at = [placed.positions(axis, -find.BORDER, SIDE) for axis in (0, 1)]
        self._start = [int(np.floor(line[0])) for line in at]
        self._at = [line - low for line, low in zip(at, self._start, strict=True)]
        self._sides = [int(np.floor(line[-1])) + 2 for line in self._at]

    def marks(self, tiles: Ints, picture: Rows, plane: Rows) -> Marks:
        """Mark the pixels of tiles.

        Parameters
        ----------
        tiles : ndarray of int, (tiles, 2)
            Row and column, in tiles.
        picture, plane : Rows
            Of the scan and of its infrared; :func:`reach` says what has to be there.

        Returns
        -------
        ndarray of uint8, (tiles, TILE, TILE)
            0, :data:`HIT` or :data:`PEAK`.
        """
        (top, left), (tall, wide) = self._start, self._sides
        infrared = np.stack([
            cut(plane, row * self._native + top, tall, column * self._native + left, wide)[..., 0]
            for row, column in tiles.tolist()
        ])  # fmt: skip
        values = sample(density(infrared), *self._at)
        red = np.stack([window(picture, tile, find.BORDER)[..., 0] for tile in tiles.tolist()])
        findings = self._findings
        level = findings.level.around(tiles, find.BORDER - len(find.RED) + 1)
        edge = find.gate(values, density(red), findings.slope, level)
        hits, peaks = find.hits(edge, findings.noise, self._tuning)
        return hits.view(np.uint8) + peaks.view(np.uint8)


def window(rows: Rows, tile: list[int], border: int) -> NDArray[Any]:
    """Return a tile and the pixels around it; the picture's borders are repeated.

    Parameters
    ----------
    rows : Rows
        The rows that were read.
    tile : list of int
        Row and column of the tile.
    border : int
        Pixels around it.

    Returns
    -------
    ndarray
        Shape (tile + 2 border, tile + 2 border).
    """
    side = TILE + 2 * border
    return cut(rows, tile[0] * TILE - border, side, tile[1] * TILE - border, side)


def cut(rows: Rows, top: int, tall: int, left: int, wide: int) -> NDArray[Any]:
    """Return a window of rows that were read; the picture's borders are repeated.

    Parameters
    ----------
    rows : Rows
        The rows that were read.
    top : int
        First row.
    tall : int
        Number of rows.
    left : int
        First column.
    wide : int
        Number of columns.

    Returns
    -------
    ndarray
        Shape (tall, wide).
    """
    if top >= 0 and top + tall <= rows.height and left >= 0:
        view = rows.view(top, top + tall)
        if left + wide <= view.shape[1]:
            return view[:, left : left + wide]
    low = min(max(top, 0), rows.height - 1)
    high = max(min(top + tall, rows.height), 1)
    view = rows.view(low, high)
    down = np.clip(np.arange(top, top + tall), low, high - 1) - low
    across = np.clip(np.arange(left, left + wide), 0, view.shape[1] - 1)
    return view[np.ix_(down, across)]
