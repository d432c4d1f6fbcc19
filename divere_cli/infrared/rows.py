"""The last rows of a stream of bands, in a ring of fixed size.

Covers looking ahead of a row and back in memory that does not grow with the scan's height, and
cutting many windows at once. What it does not cover: decoding; bands are taken in order, as they
come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]


class Rows:
    """A window of ``capacity`` rows that moves down a stream; row y lies at y modulo the capacity.

    Parameters
    ----------
    bands : iterator of (int, ndarray)
        (first row, band) from top to bottom, a band of (rows, width, channels); its buffer may
        be used again for the next one.
    height : int
        Rows of the whole stream.
    capacity : int
        Rows that are kept.
    """

    def __init__(
        self, bands: Iterator[tuple[int, NDArray[Any]]], height: int, capacity: int
    ) -> None:
        self._bands = bands
        self.height = height
        self._capacity = min(capacity, height)
        self._ring = np.empty((0, 0, 0))
        self._lines: dict[int, NDArray[Any]] = {}  # every window of a row, by its width
        self._band = self._ring  # rows of the last band that are not in the ring yet
        self._end = 0

    def first(self) -> NDArray[Any]:
        """Return the first row, which is read if no row was."""
        self.reach(1)
        return self._ring[:1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples; some row was read."""
        return self._ring.dtype

    def reach(self, stop: int) -> None:
        """Read all rows before ``stop``; the oldest rows make room for them."""
        stop = min(stop, self.height)
        while self._end < stop:
            if not len(self._band):
                first, self._band = next(self._bands)
                assert first == self._end, "bands out of order"
            if not len(self._ring):
                self._ring = np.empty((self._capacity, *self._band.shape[1:]), self._band.dtype)
            at = self._end % self._capacity
            count = min(len(self._band), stop - self._end, self._capacity - at)
            self._ring[at : at + count] = self._band[:count]
            self._band = self._band[count:]
            self._end += count

    def view(self, start: int, stop: int) -> NDArray[Any]:
        """Return rows ``start`` to ``stop``, or those up to where the ring begins again; no copy.

        Rows change when later ones are read.
        """
        assert self._end - self._capacity <= start < stop <= self._end, (start, stop, self._end)
        at = start % self._capacity
        return self._ring[at : min(at + stop - start, self._capacity)]

    def windows(
        self, tops: Ints, lefts: Ints, tall: int, wide: int, every: int = 1
    ) -> NDArray[Any]:
        """Return copies of windows; the picture's border is repeated outside of it.

        Parameters
        ----------
        tops, lefts : ndarray of intp, shape (windows,)
            First row and column of each window; may lie outside of the picture.
        tall, wide : int
            Rows and columns of a window.
        every : int
            One of so many rows is copied.

        Returns
        -------
        ndarray, shape (windows, tall / every, wide, channels)
        """
        # np.clip costs 10 times as much for arrays as small as these
        rows = np.minimum(tops[:, np.newaxis] + np.arange(0, tall, every), self.height - 1)
        np.maximum(rows, 0, out=rows)
        assert self._end - self._capacity <= rows.min()
        assert rows.max() < self._end
        rows %= self._capacity
        width, channels = self._ring.shape[1:]
        if width < wide:
            return np.stack([
                self._repeated(lines, left, wide)
                for lines, left in zip(rows, lefts.tolist(), strict=True)
            ])  # fmt: skip
        inside = np.maximum(np.minimum(lefts, width - wide), 0)
        flat = self._windows_of_rows(wide * channels)[rows, (inside * channels)[:, np.newaxis]]
        out = flat.reshape(*rows.shape, wide, channels)
        for index in np.flatnonzero(inside != lefts).tolist():
            out[index] = self._repeated(rows[index], int(lefts[index]), wide)
        return np.asarray(out)

    def positions(self, rows: Ints, columns: Ints) -> Ints:
        """Return where pixels lie, for :meth:`put`; rows and columns are broadcast."""
        return np.asarray((rows % self._capacity) * self._ring.shape[1] + columns)

    def put(self, positions: Ints, values: NDArray[Any]) -> None:
        """Write pixels.

        Parameters
        ----------
        positions : ndarray of intp, shape (pixels,)
            From :meth:`positions`; of pixels in one row they follow each other.
        values : ndarray, shape (channels, pixels)
            Samples.
        """
        at = positions * self._ring.shape[2]
        flat = self._ring.reshape(-1)
        for channel, plane in enumerate(values):
            flat[channel:][at] = plane

    def _windows_of_rows(self, length: int) -> NDArray[Any]:
        if length not in self._lines:
            lines = self._ring.reshape(self._capacity, -1)
            self._lines[length] = np.lib.stride_tricks.sliding_window_view(lines, length, axis=1)
        return self._lines[length]

    def _repeated(self, rows: Ints, left: int, wide: int) -> NDArray[Any]:
        columns = np.clip(np.arange(left, left + wide), 0, self._ring.shape[1] - 1)
        return self._ring[rows[:, np.newaxis], columns]
