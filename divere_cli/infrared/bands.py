"""A scan's bands, with what infrared shows filled on the way.

Covers looking closely at tiles of 32 pixels that the survey named, in flat
memory: three passes over rows of tiles, each a row behind the one before
(hits, places, fill). A tile is looked at as a whole and at the same place
whatever the bands and threads, so that they change no pixel. Pixels outside of
the mask stay what they were, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import fill, find, mending
from divere_cli.infrared.extent import Extent
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.reached import Reached
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.search import HIT, PEAK, Search
from divere_cli.infrared.strip import Strip
from divere_cli.infrared.survey import TILE, Findings

Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Bands = Iterator[tuple[int, NDArray[Any]]]

# tiles at once: fewer cost Python's time, more leave the second-level cache
STACK, FAR_STACK = 24, 8
# rows of tiles at once for each thread, and pixels of them at most: what is kept of a wide scan
GROUP, GROUP_PIXELS = 2, 800_000
FILLED, LEFT = 1, 2  # in the mask; what is left as it is has nothing clean in sight


class Crew(Protocol):
    """Runs parts beside each other: :class:`divere_cli.image.parallel.Parallel`."""

    size: int

    def each(self, work: Callable[..., object], parts: Iterable[tuple[Any, ...]]) -> None:
        """Call ``work`` with the arguments of every part and wait for all."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Share of the picture that was filled, and the biggest place: (pixels, x, y)."""

    share: float
    biggest: tuple[int, int, int]


class Repair:
    """One scan's repair.

    Parameters
    ----------
    findings : Findings
        Of the survey of the same scan.
    tuning : Tuning
    crew : Crew
    """

    def __init__(self, findings: Findings, tuning: Tuning, crew: Crew) -> None:
        self._findings = findings
        self._tuning = tuning
        self._crew = crew
        self._search = Search(findings, tuning)
        self._height, self._width = findings.placement.picture
        self._down, self._across = findings.tiles.shape
        most = max(GROUP_PIXELS // (self._width * TILE), 1)
        self._group = min(GROUP * crew.size, most, self._down)
        self._extent = Extent(self._height, self._width)
        self._hits, self._mask = (Strip(TILE, self._across, self._group + 2) for _ in range(2))
        self._reached = Reached((self._down, self._across), find.GROWTH)
        self._masked = np.zeros((self._down, self._across), bool)

    def bands(self, color: Bands, infrared: Bands) -> Iterator[tuple[int, NDArray[Any], Bools]]:
        """Yield (first row, band, mask) from top to bottom.

        The band is of the type that came in, (rows, width, channels); the mask,
        (rows, width), is set where it was filled. The band is used again for the
        next one.
        """
        picture = Rows(color, self._height)
        plane = Rows(infrared, self._findings.placement.size[0])
        searched_before, decided_before = 0, 0
        for first in range(0, self._down, self._group):
            last = min(first + self._group, self._down)
            searched, decided = min(last + 2, self._down), min(last + 1, self._down)
            for strip in (self._hits, self._mask):
                strip.move(first)
            self._reach(searched, picture, plane)
            named = np.argwhere(self._findings.tiles[searched_before:searched])
            named += (searched_before, 0)
            self._each(lambda tiles: self._find(tiles, picture, plane), named)
            self._each(self._decide, self._reached.tiles(decided_before, decided))
            self._fill(first, last, picture)
            for row in range(first, last):  # one by one: what takes them needs less room
                top, bottom = row * TILE, min((row + 1) * TILE, self._height)
                mask = self._mask.rows(row, row + 1)[: bottom - top, : self._width]
                yield top, picture.view(top, bottom), mask == FILLED
            picture.release(min(last * TILE, self._height) - fill.FAR)
            behind = self._findings.placement.positions(0, searched * TILE - find.BORDER, 1)[0]
            plane.release(int(behind) - 1)
            searched_before, decided_before = searched, decided

    def result(self) -> Repaired:
        """What was done; whole when the bands have gone by."""
        return Repaired(self._extent.share(), self._extent.biggest())

    def _each(self, work: Callable[[Ints], None], tiles: Ints, stack: int = STACK) -> None:
        """Run ``work`` on stacks of tiles, beside each other."""
        self._crew.each(work, [(tiles[n : n + stack],) for n in range(0, len(tiles), stack)])

    def _reach(self, stop: int, picture: Rows, plane: Rows) -> None:
        """Take all rows that tile rows before ``stop`` look at."""
        halo = max(find.BORDER, fill.FAR)
        picture.reach(min(stop * TILE + halo, self._height) - 1)
        placed = self._findings.placement
        ahead = placed.positions(0, stop * TILE + find.BORDER, 1)[0]
        plane.reach(min(int(ahead) + 2, placed.size[0] - 1))

    def _find(self, tiles: Ints, picture: Rows, plane: Rows) -> None:
        """Find hits in tiles."""
        marks = self._search.marks(tiles, picture, plane)
        marks *= self._inside(tiles, 0)
        for tile, tile_marks in zip(tiles.tolist(), marks, strict=True):
            self._hits.window(tile)[:] = tile_marks
        self._reached.take(tiles, marks)

    def _decide(self, tiles: Ints) -> None:
        """Say which hits are places."""
        marks = self._windows(self._hits, tiles, find.PLACES_BORDER)
        masks = find.places(marks >= HIT, marks >= PEAK, self._tuning)
        masks &= self._inside(tiles, 0)
        for tile, mask in zip(tiles.tolist(), masks, strict=True):
            self._mask.window(tile)[:] = mask
        self._masked[tuple(tiles.T)] = masks.any(axis=(1, 2))

    def _fill(self, first: int, last: int, picture: Rows) -> None:
        """Fill the masked pixels of rows of tiles."""
        tiles = np.add(np.argwhere(self._masked[first:last]), (first, 0))
        far: list[Ints] = []
        self._each(lambda stack: far.append(self._fill_near(stack, picture)), tiles)
        remaining = np.concatenate(far) if far else tiles
        remaining = remaining[np.lexsort(remaining.T[::-1])]  # whichever thread was first
        self._each(lambda stack: self._fill_far(stack, picture), remaining, FAR_STACK)
        masks = self._windows(self._mask, tiles, 0) == FILLED
        self._extent.take(tiles[:, 0] * TILE, tiles[:, 1] * TILE, masks)

    def _fill_near(self, tiles: Ints, picture: Rows) -> Ints:
        """Fill tiles from what is near; return those that need what is farther."""
        masks = self._windows(self._mask, tiles, 0) == FILLED
        surroundings = mending.around(picture, tiles, self._clean(tiles, fill.NEAR), fill.NEAR)
        thin = ((surroundings.weight < fill.ENOUGH) & masks).any(axis=(1, 2))
        masks[thin] = False
        mending.lay(picture, tiles, masks, surroundings)
        return np.asarray(tiles[thin])

    def _fill_far(self, tiles: Ints, picture: Rows) -> None:
        masks = self._windows(self._mask, tiles, 0) == FILLED
        surroundings = mending.around(picture, tiles, self._clean(tiles, fill.FAR), fill.FAR)
        unfilled = masks & (surroundings.weight <= fill.NOTHING)
        for index in np.flatnonzero(unfilled.any(axis=(1, 2))):
            self._mask.window(tiles[index].tolist())[unfilled[index]] = LEFT
        mending.lay(picture, tiles, masks & ~unfilled, surroundings)

    def _clean(self, tiles: Ints, border: int) -> Bools:
        """Pixels of tiles, and ``border`` around them, that are in the picture and not masked."""
        clean = self._windows(self._mask, tiles, border) == 0
        clean &= self._inside(tiles, border)
        return np.asarray(clean, bool)

    def _inside(self, tiles: Ints, border: int) -> Bools:
        """Which pixels of tiles, and ``border`` around them, lie in the picture; broadcasts."""
        steps = np.arange(-border, TILE + border)
        down, across = (tiles[:, axis, np.newaxis] * TILE + steps for axis in (0, 1))
        rows = (down >= 0) & (down < self._height)
        columns = (across >= 0) & (across < self._width)
        if rows.all() and columns.all():
            return np.ones((1, 1, 1), bool)
        return np.asarray(rows[:, :, np.newaxis] & columns[:, np.newaxis, :])

    @staticmethod
    def _windows(strip: Strip, tiles: Ints, border: int) -> NDArray[np.uint8]:
        side = TILE + 2 * border
        out = np.empty((len(tiles), side, side), np.uint8)
        for tile, room in zip(tiles.tolist(), out, strict=True):
            room[:] = strip.window(tile, border)
        return out
