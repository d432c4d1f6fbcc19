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

from divere_cli.infrared import fill, find, grain
from divere_cli.infrared.density import codes, density
from divere_cli.infrared.extent import Extent
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.placement import sample
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.strip import Strip, Tile
from divere_cli.infrared.survey import TILE, Findings

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bands = Iterator[tuple[int, NDArray[Any]]]

STACK = 24  # tiles at once: their planes stay in the second-level cache
GROUP = 2  # rows of tiles at once, for each thread


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
        self._height, self._width = findings.placement.picture
        self._down, self._across = findings.tiles.shape
        self._group = min(GROUP * crew.size, self._down)
        self._extent = Extent(self._height, self._width)
        self._hits, self._peaks, self._mask, self._clean = (
            Strip(TILE, self._across, self._group + 2) for _ in range(4)
        )

    def bands(self, color: Bands, infrared: Bands) -> Iterator[tuple[int, NDArray[Any], Bools]]:
        """Yield (first row, band, mask) from top to bottom.

        The band is of the type that came in, (rows, width, channels); the mask,
        (rows, width), is set where it was filled. Both are used again for the
        next ones.
        """
        picture = Rows(color, self._height)
        plane = Rows(infrared, self._findings.placement.size[0])
        seen, known = 0, 0
        for first in range(0, self._down, self._group):
            last = min(first + self._group, self._down)
            found, placed = min(last + 2, self._down), min(last + 1, self._down)
            for strip in (self._hits, self._peaks, self._mask, self._clean):
                strip.move(first)
            self._reach(found, picture, plane)
            tiles = [(seen + int(row), int(column)) for row, column in
                     np.argwhere(self._findings.tiles[seen:found])]  # fmt: skip
            self._each(self._find, tiles, picture, plane)
            self._each(self._place, self._with_hits(known, placed))
            self._fill(first, last, picture)
            top, bottom = first * TILE, min(last * TILE, self._height)
            mask = self._mask.rows(first, last)[: bottom - top, : self._width]
            yield top, picture.view(top, bottom), mask
            picture.release(bottom - fill.FAR)
            behind = self._findings.placement.positions(0, found * TILE - find.BORDER, 1)[0]
            plane.release(int(behind) - 1)
            seen, known = found, placed

    def result(self) -> Repaired:
        """What was done; whole when the bands have gone by."""
        return Repaired(self._extent.share(), self._extent.biggest())

    def _each(self, work: Callable[..., object], tiles: list[Tile], *more: Rows) -> None:
        """Run ``work`` on stacks of tiles, beside each other."""
        stacks = [tiles[n : n + STACK] for n in range(0, len(tiles), STACK)]
        self._crew.each(work, [(stack, *more) for stack in stacks])

    def _reach(self, stop: int, picture: Rows, plane: Rows) -> None:
        """Take all rows that tile rows before ``stop`` look at."""
        halo = max(find.BORDER, fill.FAR)
        picture.reach(min(stop * TILE + halo, self._height) - 1)
        placed = self._findings.placement
        ahead = placed.positions(0, stop * TILE + find.BORDER, 1)[0]
        plane.reach(min(int(ahead) + 2, placed.size[0] - 1))

    def _find(self, tiles: list[Tile], picture: Rows, plane: Rows) -> None:
        """Find hits in tiles."""
        found, placed = self._findings, self._findings.placement
        side = TILE + 2 * find.BORDER
        at = [placed.positions(axis, -find.BORDER, side) for axis in (0, 1)]
        start = [int(np.floor(line[0])) for line in at]
        tall, wide = (
            int(np.floor(line[-1])) + 2 - low for line, low in zip(at, start, strict=True)
        )
        native = TILE // placed.ratio
        infrared = np.stack(
            [
                cut(plane, row * native + start[0], tall, column * native + start[1], wide)[..., 0]
                for row, column in tiles
            ]
        )
        values = sample(density(infrared), at[0] - start[0], at[1] - start[1])
        red = np.stack([self._window(picture, tile, find.BORDER)[..., 0] for tile in tiles])
        level = found.level.around(np.array(tiles), find.BORDER - len(find.RED) + 1)
        edge = find.gate(values, density(red), found.slope, level)
        hits, peaks = find.hits(edge, found.noise, self._tuning)
        for tile, one, other in zip(tiles, hits, peaks, strict=True):
            inside = self._inside(tile)
            self._hits.window(tile)[inside] = one[inside]
            self._peaks.window(tile)[inside] = other[inside]

    def _with_hits(self, start: int, stop: int) -> list[Tile]:
        """Tiles that have hits, or border on a tile that has."""
        near = self._findings.tiles[max(start - 1, 0) : stop + 1]
        grown = find.dilate(np.pad(near, 1), 1)[start - max(start - 1, 0) :][: stop - start]
        tiles = [(start + int(row), int(column)) for row, column in np.argwhere(grown)]
        return [tile for tile in tiles if self._hits.window(tile, find.GROWTH).any()]

    def _place(self, tiles: list[Tile]) -> None:
        """Say which hits are places."""
        found, peaks = (
            np.stack([strip.window(tile, find.PLACES_BORDER) for tile in tiles])
            for strip in (self._hits, self._peaks)
        )
        for tile, mask in zip(tiles, find.places(found, peaks, self._tuning), strict=True):
            inside = self._inside(tile)
            self._mask.window(tile)[inside] = mask[inside]

    def _fill(self, first: int, last: int, picture: Rows) -> None:
        """Fill the masked pixels of rows of tiles."""
        clean = self._clean.rows(max(first - 1, 0), min(last + 1, self._down))
        mask = self._mask.rows(max(first - 1, 0), min(last + 1, self._down))
        inside = self._height - max(first - 1, 0) * TILE
        np.logical_not(mask[:inside, : self._width], out=clean[:inside, : self._width])
        boxes = self._mask.rows(first, last).reshape(last - first, TILE, self._across, TILE)
        tiles = [(first + int(row), int(column)) for row, column in
                 np.argwhere(boxes.any(axis=(1, 3)))]  # fmt: skip
        far: list[Tile] = []
        self._each(lambda stack: far.extend(self._fill_near(stack, picture)), tiles)
        self._each(lambda stack: self._fill_far(stack, picture), sorted(far))
        for tile in tiles:
            self._extent.take(tile[0] * TILE, tile[1] * TILE, self._mask.window(tile))

    def _fill_near(self, tiles: list[Tile], picture: Rows) -> list[Tile]:
        """Fill tiles from what is near; return those that need what is farther."""
        means, grains, weight = self._means(picture, tiles, fill.NEAR)
        masks = np.stack([self._mask.window(tile) for tile in tiles])
        thin = ((weight[:, 0] < fill.ENOUGH) & masks).any(axis=(1, 2))
        masks[thin] = False
        self._lay(picture, tiles, masks, means, grains)
        return [tiles[int(index)] for index in np.flatnonzero(thin)]

    def _fill_far(self, tiles: list[Tile], picture: Rows) -> None:
        means, grains, weight = self._means(picture, tiles, fill.FAR)
        masks = np.stack([self._mask.window(tile) for tile in tiles])
        masks &= weight[:, 0] > fill.NOTHING  # nothing clean in sight: left as it is
        for tile, mask in zip(tiles, masks, strict=True):
            self._mask.window(tile)[:] = mask
        self._lay(picture, tiles, masks, means, grains)

    def _means(
        self, picture: Rows, tiles: list[Tile], border: int
    ) -> tuple[Floats, Floats, Floats]:
        """Means around pixels of tiles, the size of grain, and the weight of the means."""
        stored = np.stack([self._window(picture, tile, border) for tile in tiles])
        values = np.ascontiguousarray(np.moveaxis(density(stored), -1, 1))
        clean = np.stack([self._clean.window(tile, border) for tile in tiles])[:, np.newaxis]
        means, weight = fill.fill(values, clean.astype(np.float32), border)
        return means, grain.size(values, means, clean, border), weight

    def _lay(
        self, picture: Rows, tiles: list[Tile], masks: Bools, means: Floats, size: Floats
    ) -> None:
        """Write means and grain where tiles are masked."""
        noise = np.stack(
            [grain.window(row * TILE, column * TILE, TILE, size.shape[1]) for row, column in tiles]
        )
        counts = np.count_nonzero(masks, axis=(1, 2))
        made = noise[masks] * np.repeat(size, counts, axis=0)
        made += np.moveaxis(means, 1, -1)[masks]
        start = 0
        for tile, mask, count in zip(tiles, masks, counts, strict=True):
            inside = self._inside(tile)
            target = picture.view(tile[0] * TILE, tile[0] * TILE + inside[0].stop)
            target = target[:, tile[1] * TILE :][:, inside[1]]
            target[mask[inside]] = codes(made[start : start + count], target.dtype)
            start += int(count)

    def _inside(self, tile: Tile) -> tuple[slice, slice]:
        """The part of a tile that lies in the picture."""
        return (
            slice(0, min(TILE, self._height - tile[0] * TILE)),
            slice(0, min(TILE, self._width - tile[1] * TILE)),
        )

    def _window(self, rows: Rows, tile: Tile, border: int) -> NDArray[Any]:
        side = TILE + 2 * border
        return cut(rows, tile[0] * TILE - border, side, tile[1] * TILE - border, side)


def cut(rows: Rows, top: int, tall: int, left: int, wide: int) -> NDArray[Any]:
    """A window of rows that were reached; the picture's borders are repeated."""
    low = min(max(top, 0), rows.height - 1)
    high = max(min(top + tall, rows.height), 1)
    view = rows.view(low, high)
    width = view.shape[1]
    if high - low == tall and left >= 0 and left + wide <= width:
        return view[:, left : left + wide]
    down = np.clip(np.arange(top, top + tall), low, high - 1) - low
    across = np.clip(np.arange(left, left + wide), 0, width - 1)
    return view[np.ix_(down, across)]
