"""The inner picture of a scan, and the grid of its pixels by which the scan is judged.

A holder is black and light beside the film is white even on a good scan, so a margin is
left out on each side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.1  # share of each side that is left out
SAMPLES = 100_000  # approximate number; a clipped share of 1 % is then accurate to 0.03 %


class Inner:
    """Rows and columns of a scan that are sampled.

    Parameters
    ----------
    width, height : int
        Size of the scan in pixels.

    Attributes
    ----------
    step : int
        One of so many rows and columns is sampled.
    columns : slice
        Columns of the inner picture, all of them.
    sampled : slice
        Columns of the inner picture that are sampled.
    """

    def __init__(self, width: int, height: int) -> None:
        self.step = max(1, round((width * height / SAMPLES) ** 0.5))
        left, right = int(width * MARGIN), width - int(width * MARGIN)
        self.columns, self.sampled = slice(left, right), slice(left, right, self.step)
        self._top, self._bottom = int(height * MARGIN), height - int(height * MARGIN)

    def rows(self, first: int, count: int) -> NDArray[np.intp]:
        """Return which rows of a band are sampled.

        Parameters
        ----------
        first : int
            Row of the scan at which the band begins.
        count : int
            Rows of the band.

        Returns
        -------
        ndarray of intp, (n,)
            Rows within the band.
        """
        begin = max(self._top, first)
        begin += -begin % self.step
        return np.arange(begin, min(self._bottom, first + count), self.step) - first
