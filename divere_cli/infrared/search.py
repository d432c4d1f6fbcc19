"""Look closely at stacks of tiles of a scan: which pixels may belong to a defect.

Covers cutting windows out of picture and infrared, laying infrared on the picture,
and holding it against the thresholds of :mod:`divere_cli.infrared.find`. What it does
not cover: which tiles are worth a look (the survey says that), and which hits are
places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import find
from divere_cli.infrared.density import density
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.marks import TILE
from divere_cli.infrared.placement import sample
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.survey import Findings

Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

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
        at = [placed.positions(axis, -find.REACH, TILE + 2 * find.REACH) for axis in (0, 1)]
        self._start = [int(np.floor(line[0])) for line in at]
        self._at = [line - low for line, low in zip(at, self._start, strict=True)]
        self._sides = [int(np.floor(line[-1])) + 2 for line in self._at]

    def hits(self, tiles: Ints, picture: Rows, plane: Rows) -> tuple[Bools, Bools]:
        """Compare the pixels of tiles with the thresholds.

        Parameters
        ----------
        tiles : ndarray of int, (tiles, 2)
            Row and column, in tiles.
        picture, plane : Rows
            The scan and its infrared, read as far as the tiles' borders.

        Returns
        -------
        tuple of ndarray of bool, (tiles, TILE, TILE)
            Hits and peaks, as by :func:`divere_cli.infrared.find.hits`.
        """
        tall, wide = self._sides
        infrared = plane.windows(
            tiles[:, 0] * self._native + self._start[0],
            tiles[:, 1] * self._native + self._start[1],
            tall,
            wide,
        )
        values = sample(density(infrared[..., 0]), *self._at)
        corners = tiles * TILE - find.BORDER
        red = picture.windows(corners[:, 0], corners[:, 1], SIDE, SIDE)[..., 0]
        findings = self._findings
        level = findings.level.around(tiles, find.REACH)
        edge = find.gate(values, density(red), findings.slope, level)
        return find.hits(edge, findings.noise, self._tuning)
