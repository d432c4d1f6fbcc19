"""Rows of a stream of bands, kept for as long as they are needed.

Covers looking back and ahead of a band by a halo in flat memory; a band that is
asked for as it came is not copied. What it does not cover: who decodes; bands
are taken as they come, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Rows:
    """A sliding window over the rows of a stream.

    Parameters
    ----------
    bands : iterator of (int, ndarray)
        (first row, band) from top to bottom; a band's buffer may be used again.
    height : int
        Rows of the whole.
    """

    def __init__(self, bands: Iterator[tuple[int, NDArray[Any]]], height: int) -> None:
        self._bands = bands
        self.height = height
        self._copy: NDArray[Any] | None = None
        self._room: NDArray[Any] | None = None  # what is own, or a band as it came
        self._first = 0  # row of the scan in the first row of the room
        self._needed = 0  # rows from here on are still wanted
        self._end = 0
        self._tallest = 0  # rows of a band so far

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; some row was reached."""
        assert self._room is not None
        return int(self._room[0].nbytes)

    def reach(self, row: int) -> None:
        """Take bands until ``row`` (or the last one) is here, and all before it."""
        stop = min(row + 1, self.height)
        while self._end < stop:
            holds = self._needed < self._end
            if holds:
                self._hold(stop - self._needed + self._tallest)
            first, band = next(self._bands)
            assert first == self._end, "bands out of order"
            self._tallest = max(self._tallest, len(band))
            if holds:
                self._append(band)
            else:
                self._room, self._first = band, first
                self._end += len(band)

    def view(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, which were reached and not let go of; no copy."""
        assert self._room is not None
        assert self._needed <= start <= stop <= self._end, (self._needed, start, stop, self._end)
        return self._room[start - self._first : stop - self._first]

    def release(self, before: int) -> None:
        """Let go of the rows before ``before``."""
        self._needed = max(self._needed, min(before, self._end))

    def _append(self, band: NDArray[Any]) -> None:
        start = self._end - self._first
        if self._copy is None or start + len(band) > len(self._copy):  # the tallest so far
            self._hold(self._end - self._needed + len(band))
            start = self._end - self._first
        assert self._copy is not None
        self._copy[start : start + len(band)] = band
        self._end += len(band)

    def _hold(self, rows: int) -> None:
        """Hold what is kept in memory of its own, with room for ``rows`` rows in all.

        The room is what one reach asks for: rows that stay are moved once for each.
        """
        room, copy, needed = self._room, self._copy, self._end - self._needed
        assert room is not None
        if room is copy and self._end - self._first + self._tallest <= len(room):
            return
        if copy is None or rows > len(copy):
            copy = np.empty((rows, *room.shape[1:]), room.dtype)
        start = self._needed - self._first
        move(room, copy, start, needed)
        self._copy = self._room = copy
        self._first = self._needed


def move(rows: NDArray[Any], out: NDArray[Any], start: int, count: int) -> None:
    """Copy ``count`` rows from ``start`` on to the top of ``out``, which may be the same array.

    In parts that do not overlap: numpy would copy rows that do twice.

    Parameters
    ----------
    rows : ndarray
        The rows to copy from.
    out : ndarray
        The rows to copy to.
    start : int
        First row to copy.
    count : int
        Number of rows.
    """
    most = start if rows is out else count
    for at in range(0, count, max(most, 1)):
        size = min(most, count - at)
        out[at : at + size] = rows[start + at : start + at + size]
