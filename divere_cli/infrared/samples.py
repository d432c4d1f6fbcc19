"""Samples of a scan for its survey.

Covers a few samples for each block of pixels (blocks grow with the scan, so
that their number does not), and the most useful squares: those with the most
dust, and those with the most contrast in the picture.
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
CANDIDATES = 12  # of a row of squares: 6 MB, however wide the scan
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
    """Samples and squares of a scan.

    Parameters
    ----------
    placement : Placement
        Sizes of picture and infrared.
    """

    def __init__(self, placement: Placement) -> None:
        height, width = placement.picture
        self._placement = placement
        self.step = 4
        while height * width > BLOCKS * self.step**2 and self.step < CELL // 2:
            self.step *= 2
        self._ratio = placement.ratio
        # rows and columns in the middle of the blocks
        self._middles = [_middles(length, self.step) for length in placement.picture]
        self._native = max(self.step // self._ratio, 1)  # pixels of infrared in a block
        # whole planes at once: small parts would leave holes in the heap
        self._lows, self._infrared, self._red, self._green = (np.empty(0) for _ in range(4))
        self._dusty: list[Square] = []
        self._varied: list[Square] = []
        # one square of so many is a candidate: in each row of squares the next one
        self._every = -(-(width // SQUARE) // CANDIDATES) or 1
        self._candidates: list[tuple[int, NDArray[Any], NDArray[Any]]] = []
        self._spare: list[tuple[NDArray[Any], NDArray[Any]]] = []  # room for candidates

    def take(self, color: Bands, infrared: Bands) -> None:
        """Read a scan.

        Parameters
        ----------
        color, infrared : iterator of (int, ndarray)
            Bands of the picture and of infrared, from top to bottom.
        """
        height = self._placement.picture[0]
        pieces = _Pieces(color)
        plane = Rows(infrared, self._placement.size[0], CELL)
        self._allocate(pieces.first().dtype, plane.first().dtype)
        for top in range(0, height, SQUARE):
            bottom = min(top + SQUARE, height)
            if bottom == top + SQUARE:
                self._begin_candidates(top, pieces.first(), plane.first())
            for first, piece in pieces.until(bottom):
                self._take_color(first, piece)
            last = min(-(-bottom // self._ratio), plane.height)
            for first in range(top // self._ratio, last, CELL):
                stop = min(first + CELL, last)
                plane.reach(stop)
                self._take_infrared(first, plane.view(first, stop)[..., 0])
            if self._candidates:
                self._choose(top)
        self._spare = []

    def _allocate(self, color: np.dtype[Any], infrared: np.dtype[Any]) -> None:
        down, across = (len(line) for line in self._middles)
        self._red = np.empty((down, across), color)
        self._green = np.empty((-(-down // 2), -(-across // 2)), color)
        self._infrared = np.empty(self._green.shape, infrared)
        tall, wide = (-(-size // self._native) for size in self._placement.size)
        self._lows = np.empty((tall, wide), infrared)

    def _take_color(self, first: int, piece: NDArray[Any]) -> None:
        middle, columns = self._middles
        for plane, channel, every in ((self._red, 0, 1), (self._green, piece.shape[2] // 2, 2)):
            rows = middle[::every]
            part = slice(*np.searchsorted(rows, (first, first + len(piece))))
            plane[part] = _at(piece[..., channel], rows[part] - first, columns[::every])
        for left, square, _ in self._candidates:
            at = first % SQUARE
            square[at : at + len(piece)] = piece[:, left : left + SQUARE]

    def _take_infrared(self, first: int, plane: NDArray[Any]) -> None:
        lows = _least(plane, self._native)
        self._lows[first // self._native :][: len(lows)] = lows
        rows, columns = (
            np.minimum(line[::2] // self._ratio, size - 1)
            for line, size in zip(self._middles, self._placement.size, strict=True)
        )
        part = slice(*np.searchsorted(rows, (first, first + len(plane))))
        self._infrared[part] = _at(plane, rows[part] - first, columns)
        for left, _, square in self._candidates:
            at, start = first % len(square), left // self._ratio
            square[at : at + len(plane)] = plane[:, start : start + len(square)]

    def _begin_candidates(self, top: int, color: NDArray[Any], infrared: NDArray[Any]) -> None:
        """Make room for the candidates of a row of squares."""
        across, native = self._placement.picture[1] // SQUARE, SQUARE // self._ratio
        columns = range(top // SQUARE % self._every, across, self._every)
        while len(self._spare) < len(columns):
            self._spare.append((
                np.empty((SQUARE, SQUARE, color.shape[-1]), color.dtype),
                np.empty((native, native), infrared.dtype),
            ))  # fmt: skip
        self._candidates = [(index * SQUARE, *self._spare.pop()) for index in columns]

    def _choose(self, top: int) -> None:
        """Keep the candidates of a row of squares that are more useful than those kept so far."""
        blocks = SQUARE // self.step
        rows = slice(top // self.step, top // self.step + blocks)
        lows, red = (
            density(self._of_candidates(plane[rows], blocks)) for plane in (self._lows, self._red)
        )
        out = (lows > median(lows)[:, np.newaxis] + STANDS_OUT).sum(axis=1)
        # a holder's border stands out as a whole and tells nothing of dust
        dusty = np.where(out <= 0.3 * lows.shape[1], out, 0)
        varied = np.where(dusty == out, red.std(axis=1), 0)
        for index, (left, color, infrared) in enumerate(self._candidates):
            measures = int(dusty[index]), float(varied[index])
            if self._is_more_useful(*measures):
                self._keep(Square(top, left, color, infrared, *measures))
            else:
                self._spare.append((color, infrared))
        self._candidates = []

    def _of_candidates(self, plane: NDArray[Any], blocks: int) -> NDArray[Any]:
        """Every other sample of the candidates, down and across, (candidates, samples)."""
        columns = [left // self.step for left, _, _ in self._candidates]
        return np.stack([plane[::2, first : first + blocks : 2].ravel() for first in columns])

    def _is_more_useful(self, dusty: int, varied: float) -> bool:
        incomplete = len(self._dusty) < DUSTY or len(self._varied) < VARIED
        return incomplete or dusty > self._dusty[-1].dusty or varied > self._varied[-1].varied

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
        red = density(self._red[::2, ::2])
        np.multiply(red, np.float32(-slope), out=red)
        return cells(np.add(red, density(self._infrared), out=red), 2 * self.step)

    def red(self, rows: slice) -> Floats:
        """Red density in the middle of the blocks of some rows."""
        return density(self._red[rows])

    def lows(self, placed: Placement, rows: slice) -> Floats:
        """Greatest infrared density near each block of some rows of blocks."""
        side = self._ratio * self._native
        at = []
        for axis, size in enumerate(self._lows.shape):
            count = -(-self._placement.picture[axis] // self.step)
            middles = np.arange(count) * self.step + self.step / 2 + placed.shift[axis]
            at.append(np.clip((middles // side).astype(int), 0, size - 1))
        down = at[0][rows]
        return density(self._lows.take(down, axis=0).take(at[1], axis=1))

    def green(self) -> Floats:
        return density(self._green)


class _Pieces:
    """Bands, cut at requested rows without copying them."""

    def __init__(self, bands: Bands) -> None:
        self._bands = bands
        self._end, self._band = next(bands)

    def first(self) -> NDArray[Any]:
        return self._band

    def until(self, stop: int) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield (first row, rows) up to row ``stop``."""
        while self._end < stop:
            if not len(self._band):
                _, self._band = next(self._bands)
            piece = self._band[: stop - self._end]
            yield self._end, piece
            self._band = self._band[len(piece) :]
            self._end += len(piece)


def _middles(length: int, step: int) -> NDArray[np.intp]:
    return np.minimum(np.arange(0, length, step) + step // 2, length - 1)


def _at(plane: NDArray[Any], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
    """Samples at rows x columns; by slices where they are evenly spaced."""
    slices = []
    for line in (rows, columns):
        steps = set(np.diff(line).tolist())
        if not len(line) or len(steps) > 1 or 0 in steps:
            return plane[np.ix_(rows, columns)]
        slices.append(slice(int(line[0]), int(line[-1]) + 1, steps.pop() if steps else 1))
    return plane[slices[0], slices[1]]


def _least(plane: NDArray[Any], side: int) -> NDArray[Any]:
    """Least code of each block; blocks at the border are made of what they have."""
    padding = (-plane.shape[0] % side, -plane.shape[1] % side)
    if any(padding):
        plane = np.pad(plane, ((0, padding[0]), (0, padding[1])), mode="edge")
    down = plane[0::side].copy()
    for step in range(1, side):
        np.minimum(down, plane[step::side], out=down)
    across = down[:, 0::side].copy()
    for step in range(1, side):
        np.minimum(across, down[:, step::side], out=across)
    return across
