"""What is kept of a scan's pixels as they go by in a survey.

Covers a few samples for each block of pixels (blocks grow with the scan, so
that their number does not), and the squares that tell most: those with the most
dust, and those with the most picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.density import density
from divere_cli.infrared.level import CELL, cells, median
from divere_cli.infrared.placement import Placement
from divere_cli.infrared.rows import Rows

Floats = NDArray[np.float32]
Bands = Iterator[tuple[int, NDArray[Any]]]

SQUARE = 256
DUSTY, VARIED = 6, 5  # squares that are kept
STANDS_OUT = 0.05
BLOCKS = 3_200_000  # at most: 48 megapixels by 4x4


@dataclass(frozen=True, slots=True, eq=False)
class Square:
    """Codes of a square that is kept; ``top`` and ``left`` in the picture."""

    top: int
    left: int
    color: NDArray[Any]
    infrared: NDArray[Any]
    dusty: int
    varied: float


class Samples:
    """What is kept of the pixels that go by."""

    def __init__(self, placement: Placement) -> None:
        height, width = placement.picture
        self._placement = placement
        self.step = 4
        while height * width > BLOCKS * self.step**2 and self.step < CELL // 2:
            self.step *= 2
        self._ratio = placement.ratio
        self._lows: list[NDArray[Any]] = []
        self._infrared: list[NDArray[Any]] = []
        self._red: list[NDArray[Any]] = []
        self._green: list[NDArray[Any]] = []
        self._dusty: list[Square] = []
        self._varied: list[Square] = []

    def take(self, color: Bands, infrared: Bands) -> None:
        height = self._placement.picture[0]
        picture, plane = Rows(color, height), Rows(infrared, self._placement.size[0])
        for top in range(0, height, SQUARE):
            bottom = min(top + SQUARE, height)
            first, last = top // self._ratio, min(-(-bottom // self._ratio), plane.height)
            picture.reach(bottom - 1)
            plane.reach(last - 1)
            self._strip(top, picture.view(top, bottom), plane.view(first, last)[..., 0])
            picture.release(bottom)
            plane.release(last)

    def _strip(self, top: int, color: NDArray[Any], infrared: NDArray[Any]) -> None:
        step, native = self.step, max(self.step // self._ratio, 1)
        self._lows.append(_least(infrared, native))
        rows, columns = _middles(len(color), step), _middles(color.shape[1], step)
        self._red.append(_at(color, rows, columns)[..., 0].copy())
        rows, columns = rows[::2], columns[::2]
        self._green.append(_at(color, rows, columns)[..., color.shape[2] // 2].copy())
        points = (np.minimum(line // self._ratio, size - 1)
                  for line, size in zip((rows, columns), infrared.shape, strict=True))  # fmt: skip
        self._infrared.append(_at(infrared, *points).copy())
        if len(color) == SQUARE <= color.shape[1]:
            self._squares(top, color, infrared)

    def _squares(self, top: int, color: NDArray[Any], infrared: NDArray[Any]) -> None:
        """Keep the squares of a strip that tell more than those that are kept."""
        count, each = color.shape[1] // SQUARE, SQUARE // self.step
        shape = (each // 2, count, -1)
        lows, red = (
            density(plane[-1][::2, : count * each : 2]).reshape(shape).swapaxes(0, 1)
            for plane in (self._lows, self._red)
        )
        lows, red = lows.reshape(count, -1), red.reshape(count, -1)
        out = (lows > median(lows)[:, np.newaxis] + STANDS_OUT).sum(axis=1)
        # a holder's border stands out as a whole and tells nothing of dust
        dusty = np.where(out <= 0.3 * lows.shape[1], out, 0)
        varied = np.where(dusty == out, red.std(axis=1), 0)
        for index in range(count):
            if self._tells_more(int(dusty[index]), float(varied[index])):
                left = index * SQUARE
                native = slice(left // self._ratio, (left + SQUARE) // self._ratio)
                self._keep(Square(
                    top, left, color[:, left : left + SQUARE].copy(), infrared[:, native].copy(),
                    int(dusty[index]), float(varied[index]),
                ))  # fmt: skip

    def _tells_more(self, dusty: int, varied: float) -> bool:
        few = len(self._dusty) < DUSTY or len(self._varied) < VARIED
        return few or dusty > self._dusty[-1].dusty or varied > self._varied[-1].varied

    def _keep(self, square: Square) -> None:
        self._dusty = sorted([*self._dusty, square], key=lambda square: -square.dusty)[:DUSTY]
        self._varied = sorted([*self._varied, square], key=lambda square: -square.varied)[:VARIED]

    def dusty(self) -> list[Square]:
        return [square for square in self._dusty if square.dusty]

    def varied(self) -> list[Square]:
        return self._varied

    def squares(self) -> list[Square]:
        return [*self._dusty, *(square for square in self._varied if square not in self._dusty)]

    def plain(self, slope: float) -> Floats:
        """Cells of infrared less crosstalk, from every other sample down and across."""
        red = density(np.concatenate([rows[::2, ::2] for rows in self._red]))
        np.multiply(red, np.float32(-slope), out=red)
        return cells(np.add(red, density(np.concatenate(self._infrared)), out=red), 2 * self.step)

    def red(self, rows: slice) -> Floats:
        """Red density in the middle of the blocks of some rows."""
        return density(_part(self._red, rows.start, rows.stop))

    def lows(self, placed: Placement, rows: slice) -> Floats:
        """Infrared's greatest density about each block of some rows of the picture's."""
        side = self._ratio * max(self.step // self._ratio, 1)
        height, width = sum(map(len, self._lows)), self._lows[0].shape[1]
        at = []
        for axis, size in ((0, height), (1, width)):
            count = -(-self._placement.picture[axis] // self.step)
            middles = np.arange(count) * self.step + self.step / 2 + placed.shift[axis]
            at.append(np.clip((middles // side).astype(int), 0, size - 1))
        down = at[0][rows]
        lows = _part(self._lows, int(down[0]), int(down[-1]) + 1)
        return density(lows[np.ix_(down - down[0], at[1])])

    def green(self) -> Floats:
        return density(np.concatenate(self._green))


def _part(strips: list[NDArray[Any]], start: int, stop: int) -> NDArray[Any]:
    """Rows ``start`` to ``stop`` of strips that follow each other."""
    parts, first = [], 0
    for strip in strips:
        low, high = max(start - first, 0), min(stop - first, len(strip))
        if low < high:
            parts.append(strip[low:high])
        first += len(strip)
    return np.concatenate(parts)


def _middles(length: int, step: int) -> NDArray[np.intp]:
    return np.minimum(np.arange(0, length, step) + step // 2, length - 1)


def _at(plane: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """Samples at rows x columns; by slices where they are evenly spaced."""
    even = [len(line) < 3 or line[-1] - line[-2] == line[1] - line[0] for line in (rows, columns)]
    if not all(even) or min(len(rows), len(columns)) < 2:
        return plane[np.ix_(rows, columns)]
    down, across = (slice(line[0], None, line[1] - line[0]) for line in (rows, columns))
    return plane[down, across][: len(rows), : len(columns)]


def _least(plane: NDArray[Any], side: int) -> NDArray[Any]:
    """Least code of each block; blocks at the border are made of what they have."""
    fill = (-plane.shape[0] % side, -plane.shape[1] % side)
    if any(fill):
        plane = np.pad(plane, ((0, fill[0]), (0, fill[1])), mode="edge")
    down = plane[0::side].copy()
    for step in range(1, side):
        np.minimum(down, plane[step::side], out=down)
    across = down[:, 0::side].copy()
    for step in range(1, side):
        np.minimum(across, down[:, step::side], out=across)
    return across
