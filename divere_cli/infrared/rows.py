"""Rows of a stream of bands, kept for as long as they are needed.

Covers looking back and ahead of a band by a halo in flat memory. What it does
not cover: who decodes; bands are taken as they come, in order.
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
        self._room: NDArray[Any] | None = None
        self._first = 0  # row of the scan in the first row of the room
        self._kept = 0  # rows from here on are still wanted
        self._end = 0

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; some row was reached."""
        assert self._room is not None
        return int(self._room[0].nbytes)

    def reach(self, row: int) -> None:
        """Take bands until ``row`` (or the last one) is here, and all before it."""
        while self._end < min(row + 1, self.height):
            first, band = next(self._bands)
            assert first == self._end, "bands out of order"
            self._append(band)

    def view(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, which were reached and not let go of; no copy."""
        assert self._room is not None
        assert self._kept <= start <= stop <= self._end, (self._kept, start, stop, self._end)
        return self._room[start - self._first : stop - self._first]

    def release(self, before: int) -> None:
        """Let go of the rows before ``before``."""
        self._kept = max(self._kept, min(before, self._end))

    def _append(self, band: NDArray[Any]) -> None:
        kept, count = self._end - self._kept, len(band)
        if self._room is None or self._end - self._first + count > len(self._room):
            room = self._room
            if room is None or kept + count > len(room) // 2:
                room = np.empty((2 * (kept + count), *band.shape[1:]), band.dtype)
            if self._room is not None:
                start = self._kept - self._first
                room[:kept] = self._room[start : start + kept]
            self._room, self._first = room, self._kept
        start = self._end - self._first
        self._room[start : start + count] = band
        self._end += count
