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
from divere_cli.infrared.level import CELL, cells
from divere_cli.infrared.placement import Placement
from divere_cli.infrared.rows import Rows

Floats = NDArray[np.float32]
Bands = Iterator[tuple[int, NDArray[Any]]]

SQUARE = 256
DUSTY, VARIED = 7, 5  # squares that are kept
STANDS_OUT = 0.05
BLOCKS = 3_200_000  # at most: 48 megapixels by 4x4


@dataclass(frozen=True, slots=True)
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
        step, half = self.step, self.step // 2
        native = max(step // self._ratio, 1)
        self._lows.append(_least(infrared, native))
        rows, columns = _middles(len(color), step), _middles(color.shape[1], step)
        points = np.ix_(_native(rows, self._ratio, infrared.shape[0]),
                        _native(columns, self._ratio, infrared.shape[1]))  # fmt: skip
        self._infrared.append(infrared[points])
        self._red.append(color[half::step, half::step, 0][: len(rows), : len(columns)])
        if len(self._red[-1]) != len(rows) or self._red[-1].shape[1] != len(columns):
            self._red[-1] = color[np.ix_(rows, columns)][..., 0]
        self._red[-1] = self._red[-1].copy()
        self._green.append(color[np.ix_(rows[::2], columns[::2])][..., color.shape[2] // 2])
        if len(color) == SQUARE:
            for left in range(0, color.shape[1] - SQUARE + 1, SQUARE):
                self._square(top, left, color, infrared)

    def _square(self, top: int, left: int, color: NDArray[Any], infrared: NDArray[Any]) -> None:
        step = self.step
        part = slice(left // step, (left + SQUARE) // step)
        lows = density(self._lows[-1][:, part])
        red = density(self._red[-1][:, part])
        stands_out = int((lows > np.median(lows[::2, ::2]) + STANDS_OUT).sum())
        # a holder's border stands out as a whole and tells nothing of dust
        dusty = stands_out if stands_out <= 0.3 * lows.size else 0
        varied = float(red.std()) if dusty or not stands_out else 0.0
        if not self._wanted(dusty, varied):
            return
        native = slice(left // self._ratio, (left + SQUARE) // self._ratio)
        square = Square(
            top, left, color[:, left : left + SQUARE].copy(), infrared[:, native].copy(),
            dusty, varied,
        )  # fmt: skip
        self._dusty = sorted([*self._dusty, square], key=lambda one: -one.dusty)[:DUSTY]
        self._varied = sorted([*self._varied, square], key=lambda one: -one.varied)[:VARIED]

    def _wanted(self, dusty: int, varied: float) -> bool:
        few = len(self._dusty) < DUSTY or len(self._varied) < VARIED
        return few or dusty > self._dusty[-1].dusty or varied > self._varied[-1].varied

    def dusty(self) -> list[Square]:
        return [square for square in self._dusty if square.dusty]

    def varied(self) -> list[Square]:
        return self._varied

    def squares(self) -> list[Square]:
        return [*self._dusty, *(one for one in self._varied if one not in self._dusty)]

    def plain(self, slope: float) -> Floats:
        """Cells of infrared less crosstalk, from every other sample down and across."""
        infrared, red = (
            density(np.concatenate([rows[::2, ::2] for rows in parts]))
            for parts in (self._infrared, self._red)
        )
        return cells(infrared - np.float32(slope) * red, 2 * self.step)

    def red(self) -> Floats:
        return density(np.concatenate(self._red))

    def lows(self, placed: Placement) -> Floats:
        """Infrared's greatest density about each block of the picture."""
        lows = np.concatenate(self._lows)
        side = self._ratio * max(self.step // self._ratio, 1)
        at = []
        for axis in (0, 1):
            count = -(-self._placement.picture[axis] // self.step)
            middles = np.arange(count) * self.step + self.step / 2 + placed.shift[axis]
            at.append(np.clip((middles // side).astype(int), 0, lows.shape[axis] - 1))
        return density(lows[np.ix_(*at)])

    def green(self) -> Floats:
        return density(np.concatenate(self._green))


def _middles(length: int, step: int) -> NDArray[np.intp]:
    return np.minimum(np.arange(0, length, step) + step // 2, length - 1)


def _native(at: NDArray[np.intp], ratio: int, size: int) -> NDArray[np.intp]:
    return np.minimum(at // ratio, size - 1)


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
