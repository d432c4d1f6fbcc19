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
from divere_cli.infrared.density import DECADE, full, logarithm
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.level import EVERY, Level
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
    picture, plane : Rows
        The scan and its infrared, of which some rows were read.
    """

    def __init__(self, findings: Findings, tuning: Tuning, picture: Rows, plane: Rows) -> None:
        self._picture, self._plane = picture, plane
        self._slope = findings.slope
        # in natural logarithms of codes: fewer steps for each pixel than densities take
        self._limits = find.limits(findings.noise, tuning).times(DECADE)
        full_light = findings.slope * np.log(full(picture.dtype)) - np.log(full(plane.dtype))
        self._level = Level(findings.level.cells * np.float32(DECADE) + np.float32(full_light))
        placement = self._placement = findings.placement
        self._native = TILE // placement.ratio
        positions = [
            placement.positions(axis, -find.REACH, TILE + 2 * find.REACH) for axis in (0, 1)
        ]
        self._start = [int(np.floor(line[0])) for line in positions]
        self._at = [line - low for line, low in zip(positions, self._start, strict=True)]
        self._sides = [int(np.floor(line[-1])) + 2 for line in self._at]

    def reach(self, stop: int) -> None:
        """Read picture and infrared as far as the rows of tiles before ``stop`` look."""
        bottom = stop * TILE + find.BORDER
        self._picture.reach(bottom)
        self._plane.reach(max(int(self._placement.positions(0, bottom, 1)[0]) + 3, 1))

    def hits(self, tiles: Ints) -> tuple[Bools, Bools]:
        """Compare the pixels of tiles with the thresholds.

        Parameters
        ----------
        tiles : ndarray of int, (tiles, 2)
            Row and column, in tiles, of rows that were reached.

        Returns
        -------
        tuple of ndarray of bool, (tiles, TILE, TILE)
            Hits and peaks, as by :func:`divere_cli.infrared.find.hits`.
        """
        tall, wide = self._sides
        infrared = self._plane.windows(
            tiles[:, 0] * self._native + self._start[0],
            tiles[:, 1] * self._native + self._start[1],
            tall,
            wide,
        )
        values = sample(logarithm(infrared[..., 0]), *self._at)
        corners = tiles * TILE - find.BORDER
        red = self._picture.windows(corners[:, 0], corners[:, 1], SIDE, SIDE)[..., 0]
        excess = find.gate(values, logarithm(red), self._slope)
        level = self._level.around(tiles, find.REACH)
        parts = excess.reshape(*level.shape[:2], EVERY, level.shape[2])
        np.subtract(parts, level[:, :, np.newaxis], out=parts)
        return find.hits(excess, self._limits)
