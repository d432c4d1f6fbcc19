"""Regroups rows into strips of one height.

Covers regrouping, so that the encoded strips do not depend on how many rows are added at once. Not
covered: encoding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]


class Strips:
    """Collects rows of one shape and type.

    Parameters
    ----------
    height : int
        Rows of a strip.
    shape : tuple of int
        (width, channels).
    dtype : str
        Of the rows.
    """

    def __init__(self, height: int, shape: tuple[int, int], dtype: str) -> None:
        self.height = height
        self._shape = (height, *shape)
        self._dtype = np.dtype(dtype)
        self._begun = np.empty(self._shape, self._dtype)
        self._spare = np.empty(self._shape, self._dtype)
        self._count = 0

    def fits(self, rows: Rows) -> bool:
        """Whether rows have the shape and the type of this picture."""
        return rows.shape[1:] == self._shape[1:] and rows.dtype == self._dtype

    def add(self, rows: Rows) -> list[Rows]:
        """Add rows; return the strips that are full now.

        Returns
        -------
        list of ndarray
            In order, valid until the next call; some are views of ``rows``.
        """
        full: list[Rows] = []
        done = self._begin(rows) if self._count else 0
        if self._count == self.height:
            full.append(self._begun)
            self._begun, self._spare = self._spare, self._begun
            self._count = 0
        while not self._count and len(rows) - done >= self.height:
            full.append(rows[done : done + self.height])
            done += self.height
        self._begin(rows[done:])
        return full

    def last(self) -> list[Rows]:
        """Return the last strip, if it has fewer rows."""
        return [self._begun[: self._count]] if self._count else []

    def _begin(self, rows: Rows) -> int:
        count = min(len(rows), self.height - self._count)
        self._begun[self._count : self._count + count] = rows[:count]
        self._count += count
        return count
