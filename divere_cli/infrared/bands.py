"""A scan's bands, with what infrared shows filled on the way.

Covers looking closely at the tiles of 32 pixels that the survey named, in memory that does not
grow with the scan's height and hardly with its width: three passes over rows of tiles, each a
row behind the one before (hits, places, fill). A tile is looked at as a whole and at the same
position whatever the bands and threads, so that they change no pixel. Pixels outside of the mask
keep their codes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import fill, find, mending
from divere_cli.infrared.blur import doubled
from divere_cli.infrared.extent import Extent
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.marks import TILE, Marks, packed, unpacked
from divere_cli.infrared.places import GROWTH, places
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.search import Search
from divere_cli.infrared.survey import Findings

Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]
Bands = Iterator[tuple[int, NDArray[Any]]]

# tiles at once: fewer cost Python's time, more leave the second-level cache
STACK, SMALLEST_STACK = 64, 6
DECIDED_TILES = 256  # tiles at once where a tile is 50 words
# Pixels of the picture that are kept: rows of tiles go in groups of what fits. The rows that a
# tile looks at (144) are more for scans wider than 16,000 pixels.
KEPT_PIXELS = 2_400_000
ROWS_AHEAD = 2  # rows of tiles that are searched before a row is filled
HALO = fill.FAR + ROWS_AHEAD * TILE + find.BORDER  # rows of pixels above and below a group
STEP = 16  # the ring is a multiple of so many rows, and no band ends at another row
BAND_BYTES = 2_000_000  # bytes of a band, as large as the reader's


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
        self._crew = crew
        self._tuning = tuning.at(findings.placement.ratio)
        self._height, self._width = findings.placement.picture
        self._down, self._across = findings.tiles.shape
        group = (KEPT_PIXELS // self._width - HALO) // TILE
        self._group = min(max(group, 1), self._down)
        size = (self._height, self._width, self._group + ROWS_AHEAD + 2)
        self._hits, self._peaks, self._unfilled = (Marks(*size) for _ in range(3))
        self._mask = Marks(*size, outside=True)
        self._masked = np.zeros((self._down, self._across), bool)
        self._extent = Extent(self._height, self._width)

    def bands(self, color: Bands, infrared: Bands) -> Bands:
        """Yield (first row, band) from top to bottom.

        The band is of the type that came in, (rows, width, channels). It is used again for the
        next one.
        """
        capacity = -(-(self._group * TILE + HALO) // STEP) * STEP
        picture = Rows(color, self._height, capacity)
        plane = Rows(infrared, *self._infrared_rows())
        for rows in (picture, plane):
            rows.reach(1)
        search = Search(self._findings, self._tuning, picture, plane)
        for first in range(0, self._down, self._group):
            last = min(first + self._group, self._down)
            if first == 0:
                self._find(0, min(ROWS_AHEAD, self._down), search)
            searched_to = [min(row + ROWS_AHEAD, self._down) for row in (first, last)]
            self._find(searched_to[0], searched_to[1], search)
            self._fill(first, last, picture)
            yield from self._repaired(first * TILE, min(last * TILE, self._height), picture)

    def mask(self, first: int, rows: int) -> Bools:
        """Return which pixels of the band that came last were filled, shape (rows, width)."""
        stop = first + rows
        return self._mask.rows(first, stop) & ~self._unfilled.rows(first, stop)

    def result(self) -> Repaired:
        """What was done; complete when the bands have gone by."""
        return Repaired(self._extent.share(), self._extent.biggest())

    def _infrared_rows(self) -> tuple[int, int]:
        """Rows of infrared, and how many of them the tiles of a group look at."""
        placed = self._findings.placement
        rows = max(self._group, ROWS_AHEAD) * TILE + 2 * find.BORDER
        return placed.size[0], rows // placed.ratio + STEP

    def _find(self, start: int, stop: int, search: Search) -> None:
        """Search rows of tiles, and decide which hits are places where the next row is searched."""
        for marks in (self._hits, self._peaks, self._mask, self._unfilled):
            marks.begin(start, stop)
        search.reach(stop)
        dusty = np.argwhere(self._findings.tiles[start:stop])
        dusty += (start, 0)
        self._each(lambda tiles: self._search_stack(tiles, search), dusty, STACK)
        # hits of the row of tiles below are part of what decides
        tiles = self._hits.reached(self._decidable(start), self._decidable(stop), GROWTH)
        self._each(self._decide, tiles, DECIDED_TILES)

    def _decidable(self, searched: int) -> int:
        """Rows of tiles whose hits and neighbors are known when ``searched`` rows are."""
        return searched if searched == self._down else max(searched - 1, 0)

    def _each(self, work: Callable[[Ints], None], tiles: Ints, most: int) -> None:
        """Run ``work`` on stacks of tiles, beside each other."""
        stack = min(max(-(-len(tiles) // self._crew.size), SMALLEST_STACK), most)
        self._crew.each(work, [(tiles[n : n + stack],) for n in range(0, len(tiles), stack)])

    def _search_stack(self, tiles: Ints, search: Search) -> None:
        hits, peaks = search.hits(tiles)
        self._hits.put(tiles, packed(hits))
        self._peaks.put(tiles, packed(peaks))

    def _decide(self, tiles: Ints) -> None:
        """Decide which hits are places."""
        words = places(self._hits, self._peaks, tiles)
        self._mask.put(tiles, words)
        self._masked[tuple(tiles.T)] = words.any(axis=1)

    def _fill(self, first: int, last: int, picture: Rows) -> None:
        """Fill the masked pixels of rows of tiles."""
        tiles = np.add(np.argwhere(self._masked[first:last]), (first, 0))
        thin: list[Ints] = []
        self._each(lambda stack: thin.append(self._fill_near(stack, picture)), tiles, STACK)
        remaining = np.concatenate(thin) if thin else tiles
        remaining = remaining[np.lexsort(remaining.T[::-1])]  # whichever thread was first
        self._each(lambda stack: self._fill_far(stack, picture), remaining, STACK)
        masks = self._mask.words(tiles) & ~self._unfilled.words(tiles)
        self._extent.take(tiles, masks, last)

    def _fill_near(self, tiles: Ints, picture: Rows) -> Ints:
        """Fill tiles from what is near; return those that need what is farther."""
        masks = unpacked(self._mask.words(tiles))
        surroundings = mending.near(picture, tiles, self._mask.pixels(tiles, fill.NEAR))
        thin = surroundings.scales.thin()
        masks[thin] = False
        mending.write(picture, tiles, masks, surroundings)
        return np.asarray(tiles[thin], np.intp)

    def _fill_far(self, tiles: Ints, picture: Rows) -> None:
        masks = unpacked(self._mask.words(tiles))
        surroundings = mending.near(picture, tiles, self._mask.pixels(tiles, fill.NEAR))
        farther, weight = mending.far(picture, tiles, self._mask.pixels(tiles, fill.FAR))
        unfilled = masks & doubled(weight <= fill.NOTHING)
        self._unfilled.put(tiles, packed(unfilled))
        mending.write(picture, tiles, masks & ~unfilled, surroundings.extended(farther))

    def _repaired(self, first: int, stop: int, picture: Rows) -> Bands:
        """Yield rows of the picture, in bands of a reader's size."""
        row_bytes = picture.view(first, first + 1).nbytes
        rows = max(BAND_BYTES // row_bytes // STEP * STEP, STEP)
        while first < stop:
            band = picture.view(first, min(first + rows, stop))
            yield first, band
            first += len(band)
