"""Levels a picture that is rotated in the scan, while the rows of the scan pass.

Covers the level rectangle inside a turned picture's bounding box and its samples, before
the grade: in linear light, by Lanczos' kernel over 6 samples each way. The turn is made in
two passes (Catmull and Smith 1980): along the rows as they come, then along the columns.
Rows of the first pass wait in a ring that is as high as the picture falls across its
width (157 rows for 1.5 degrees of 6,000 pixels), so memory does not grow with the scan's
height. A sample depends on its place alone: the same pixels whatever the height of the
bands and the number of threads. Not covered: where turns come from (``frames``, presets).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.image.geometry import Box
from divere_cli.image.parallel import Parallel, slices

Floats = NDArray[np.float32]
Corners = tuple[int, int, int, int]

MOST = 15.0  # degrees; more is no slightly rotated picture
LEAST = 0.01  # degrees: half a pixel across 3,000
LOBES = 3  # of the kernel, on each side
PARTS = 1024  # positions are rounded to this part of a pixel
BLOCK = 64  # rows processed at a time
MARGIN = 2 * LOBES + 2


def level(box: Box, turn: float) -> tuple[int, int]:
    """Return width and height of a level picture from the bounding box of the rotated one.

    A rectangle of w by h, turned by a, has a bounding box of w cos a + h sin a by
    w sin a + h cos a; this is the inverse.

    Parameters
    ----------
    box : Box
        Pixels.
    turn : float
        Degrees; the sign does not matter.
    """
    sine, cosine = _wave(abs(turn))
    width = (box.width * cosine - box.height * sine) / (cosine**2 - sine**2)
    height = (box.height * cosine - box.width * sine) / (cosine**2 - sine**2)
    return max(1, round(width)), max(1, round(height))


def applies(turn: float) -> bool:
    """Return whether a rotation is large enough to be corrected.

    Parameters
    ----------
    turn : float
        Degrees.
    """
    return LEAST <= abs(turn) <= MOST


def inside(corners: Corners, turn: float) -> Corners:
    """Return the largest level rectangle about the middle that shows nothing but the picture.

    The corners of the bounding box of a turned picture are film beside it.

    Parameters
    ----------
    corners : tuple of int
        Left, top, right, bottom of the turned picture's bounding box, pixels.
    turn : float
        Degrees; the box itself is returned for one that is not made.
    """
    if not applies(turn):
        return corners
    box = Box(*corners)
    width, height = level(Box(0, 0, *level(box, turn)), turn)
    left, top = (box.left + box.right - width) // 2, (box.top + box.bottom - height) // 2
    return left, top, left + width, top + height


def small(samples: Floats, turn: float) -> Floats:
    """Return the level picture inside a small picture of its bounding box, bilinear.

    Parameters
    ----------
    samples : ndarray
        ``(rows, columns, channels)`` float32.
    turn : float
        Degrees counter-clockwise that the picture is turned by; taken off.

    Returns
    -------
    ndarray
        Float32; its size is that of :func:`level`.
    """
    rows, columns = samples.shape[:2]
    width, height = level(Box(0, 0, columns, rows), turn)
    sine, cosine = _wave(turn)
    across = (np.arange(width) + 0.5 - width / 2)[None, :]
    down = (np.arange(height) + 0.5 - height / 2)[:, None]
    x = np.clip(cosine * across + sine * down + columns / 2 - 0.5, 0, columns - 1)
    y = np.clip(cosine * down - sine * across + rows / 2 - 0.5, 0, rows - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    fx, fy = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    upper = samples[top, left] * (1 - fx) + samples[top, right] * fx
    lower = samples[below, left] * (1 - fx) + samples[below, right] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


class Deskew:
    """Converts bands of a scan to level rows of one of its pictures.

    Parameters
    ----------
    box : Box
        Bounding box of the rotated picture in the scan, pixels.
    turn : float
        Rotation of the picture in the scan, degrees counter-clockwise; it is removed.
    size : tuple of int
        Width and height of the scan, pixels.
    channels : int
    parallel : Parallel
        Its threads share the rows.
    """

    def __init__(
        self, box: Box, turn: float, size: tuple[int, int], channels: int, parallel: Parallel
    ) -> None:
        self.width, self.height = level(box, turn)
        self._parallel, self._channels = parallel, channels
        self._sine, self._cosine = _wave(turn)
        self._middle = 0.5 * (box.left + box.right), 0.5 * (box.top + box.bottom)
        self._across = np.arange(self.width) + 0.5 - self.width / 2
        fall = -self._sine * self._across
        self._fall = np.floor(fall).astype(np.intp)
        self._part = fall - self._fall
        self._segments = _segments(self._fall)
        self._lines, self._scan_width = size[1], size[0]
        lowest, highest = int(self._fall.min()), int(self._fall.max())
        self._after = highest + LOBES + 1  # rows needed below a position
        first, last = self._ring_row(0), self._ring_row(self.height - 1)
        self._next = math.floor(first) - LOBES + 1 + lowest  # next row of the scan
        self._end = math.floor(last) + self._after + 1
        self._ring_rows = highest - lowest + 2 * BLOCK + MARGIN
        self._ring = np.zeros((channels, self._ring_rows, self.width), np.float32)
        self._columns = self._needed()
        self._done = 0

    def take(self, first: int, band: NDArray[Any]) -> Iterator[tuple[int, Floats]]:
        """Add rows of the scan; yield (first row of the picture, rows) that are ready.

        Parameters
        ----------
        first : int
            Row of the scan at which the band starts.
        band : ndarray, shape (rows, width, channels)
            uint8, uint16, or float32 of 0..1.

        Yields
        ------
        tuple of int and ndarray
            Rows, float32 of 0..1, ``(rows, width, channels)``; the buffer is reused.
        """
        last = first + len(band)
        at_end = last >= self._lines  # below the scan, its last row is repeated
        while self._next < (self._end if at_end else min(last, self._end)):
            count = min(BLOCK, self._end - self._next)
            count = count if at_end else min(count, last - self._next)
            rows = np.clip(np.arange(self._next, self._next + count), 0, self._lines - 1) - first
            self._along(self._next, band[np.clip(rows, 0, len(band) - 1)])
            self._next += count
            yield from self._ready()

    def _ring_row(self, row: int) -> float:
        """Return the position of a row of the picture in the ring, at the first column."""
        return self._cosine * (row + 0.5 - self.height / 2) + self._middle[1] - 0.5

    def _start(self, row: int) -> float:
        """Return the position of the picture's first column in a row of the scan."""
        tangent = self._sine / self._cosine
        fall = tangent * (row + 0.5 - self._middle[1])
        return float(self._across[0]) / self._cosine + fall + self._middle[0] - 0.5

    def _needed(self) -> tuple[int, NDArray[np.intp]]:
        """Return the first column of the scan that is read, and all of them, within the scan."""
        starts = [self._start(row) for row in (self._next, self._end)]
        low = math.floor(min(starts)) - LOBES
        high = math.ceil(max(starts) + self.width / self._cosine) + LOBES + 1
        return low, np.clip(np.arange(low, high + 1), 0, self._scan_width - 1)

    def _along(self, first: int, rows: NDArray[Any]) -> None:
        """Resample rows of the scan along themselves, and store them in the ring."""
        made = np.empty((self._channels, len(rows), self.width), np.float32)
        parts = 1 if self._parallel.size == 1 else self._parallel.size
        self._parallel.each(
            self._rows, [(first + p.start, rows[p], made[:, p]) for p in slices(len(rows), parts)]
        )
        for begin, end, fall in self._segments:
            slots = (np.arange(first, first + len(rows)) - fall) % self._ring_rows
            self._ring[:, slots, begin:end] = made[:, :, begin:end]

    def _rows(self, first: int, rows: NDArray[Any], out: Floats) -> None:
        low, columns = self._columns
        scale = 1.0 / float(np.iinfo(rows.dtype).max) if rows.dtype.kind == "u" else 1.0
        line = np.empty((self._channels, len(columns)), np.float32)
        room = np.empty(self.width, np.float32)
        steps = np.arange(self.width) / self._cosine
        for index, row in enumerate(rows):
            np.multiply(row[columns].T, np.float32(scale), out=line, casting="unsafe")
            places = self._start(first + index) - low + steps
            first_tap = np.floor(places).astype(np.intp)
            weights = KERNEL[:, np.rint((places - first_tap) * PARTS).astype(np.intp)]
            for begin, end, off in _segments(first_tap - np.arange(self.width)):
                for channel in range(self._channels):
                    part = out[channel, index, begin:end]
                    start = begin + off - LOBES + 1
                    for tap in range(2 * LOBES):
                        source = line[channel, start + tap : start + tap + end - begin]
                        target = part if tap == 0 else room[begin:end]
                        np.multiply(source, weights[tap, begin:end], out=target)
                        if tap:
                            np.add(part, target, out=part)

    def _ready(self) -> Iterator[tuple[int, Floats]]:
        """Yield the rows of the picture for which the ring has all rows."""
        count = 0
        while self._done + count < self.height and count < BLOCK:
            if math.floor(self._ring_row(self._done + count)) + self._after >= self._next:
                break
            count += 1
        if not count:
            return
        out = np.empty((count, self.width, self._channels), np.float32)
        parts = 1 if self._parallel.size == 1 else self._parallel.size
        first = self._done
        self._parallel.each(self._down, [(first + p.start, out[p]) for p in slices(count, parts)])
        self._done += count
        yield first, out

    def _down(self, first: int, out: Floats) -> None:
        """Resample rows of the picture along its columns."""
        total, room = np.empty(self.width, np.float32), np.empty(self.width, np.float32)
        for index in range(len(out)):
            position = self._ring_row(first + index)
            base = math.floor(position)
            parts = np.rint((position - base + self._part) * PARTS).astype(np.intp)
            weights = KERNEL_TWO[:, parts]
            for channel in range(self._channels):
                for tap in range(2 * LOBES + 1):
                    row = self._ring[channel, (base - LOBES + 1 + tap) % self._ring_rows]
                    np.multiply(row, weights[tap], out=room if tap else total)
                    if tap:
                        np.add(total, room, out=total)
                np.clip(total, 0.0, 1.0, out=out[index, :, channel])


def _wave(turn: float) -> tuple[float, float]:
    angle = math.radians(turn)
    return math.sin(angle), math.cos(angle)


def _segments(values: NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Yield runs of equal values: first, end, value."""
    ends = [*(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    starts = [0, *ends[:-1]]
    return [(a, b, int(values[a])) for a, b in zip(starts, ends, strict=True)]


def _kernel(places: NDArray[np.float64], taps: int) -> Floats:
    """Return weights of taps at -2, -1, 0, .. for positions above 0, (taps, positions), sum 1."""
    off = np.arange(taps)[:, None] - (LOBES - 1) - places[None, :]
    weights = np.where(np.abs(off) < LOBES, np.sinc(off) * np.sinc(off / LOBES), 0.0)
    return np.asarray(weights / weights.sum(axis=0), np.float32)


KERNEL = _kernel(np.arange(PARTS + 1) / PARTS, 2 * LOBES)
KERNEL_TWO = _kernel(np.arange(2 * PARTS + 1) / PARTS, 2 * LOBES + 1)  # for positions from 0 to 2
