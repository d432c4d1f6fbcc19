"""A scan's bands, with what infrared shows filled on the way.

Covers looking closely at tiles of 32 pixels that the survey named, in flat
memory: three passes over rows of tiles, each a step behind the one before
(hits, places, fill). A tile is looked at as a whole and at the same place
whatever the bands and threads, so that they change no pixel. Pixels outside of
the mask stay what they were, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import fill, find, grain
from divere_cli.infrared.blur import inner
from divere_cli.infrared.density import codes, density
from divere_cli.infrared.extent import Extent
from divere_cli.infrared.find import Tuning
from divere_cli.infrared.placement import sample
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.survey import TILE, Findings

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bands = Iterator[tuple[int, NDArray[Any]]]
Tile = tuple[int, int]  # row and column of tiles

STACK = 16  # tiles at once: their planes stay in the second-level cache
GROUP_BYTES = 3 << 20
EVERY = 2  # of the pixels whose grain is measured, down and across


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
        self._extent = Extent(self._height, self._width)
        self._hits: dict[int, tuple[Bools, Bools]] = {}
        self._masks: dict[int, Bools] = {}

    def bands(self, color: Bands, infrared: Bands) -> Iterator[tuple[int, NDArray[Any], Bools]]:
        """Yield (first row, band, mask) from top to bottom.

        The band is of the type that came in, (rows, width, channels); the mask,
        (rows, width), is set where it was filled. Both are used again for the
        next ones.
        """
        picture = Rows(color, self._height)
        plane = Rows(infrared, self._findings.placement.size[0])
        first, seen, known = 0, 0, 0
        while first < self._down:
            picture.reach(first * TILE)
            last = min(first + self._group(picture.row_bytes), self._down)
            ahead = min(last + 2, self._down)
            self._reach(ahead, picture, plane)
            self._each(partial(self._find, picture, plane), self._to_look_at(seen, ahead))
            known = self._places(known, min(last + 1, self._down))
            self._each(partial(self._fill, picture), self._to_fill(first, last))
            top, bottom = first * TILE, min(last * TILE, self._height)
            mask = np.concatenate([self._mask(row) for row in range(first, last)])
            mask = mask[: bottom - top, : self._width]
            self._extent.take(top, mask)
            yield top, picture.view(top, bottom), mask
            picture.release(bottom - fill.FAR)
            behind = self._findings.placement.positions(0, ahead * TILE - find.BORDER, 1)[0]
            plane.release(int(behind) - 1)
            self._forget(last - 1)
            first, seen = last, ahead

    def result(self) -> Repaired:
        """What was done; whole when the bands have gone by."""
        return Repaired(self._extent.share(), self._extent.biggest())

    def _group(self, row_bytes: int) -> int:
        return max(1, GROUP_BYTES * self._crew.size // (row_bytes * TILE))

    def _each(self, work: Callable[[list[Tile]], object], tiles: list[Tile]) -> None:
        """Run ``work`` on stacks of tiles, beside each other."""
        self._crew.each(work, [(tiles[n : n + STACK],) for n in range(0, len(tiles), STACK)])

    def _reach(self, stop: int, picture: Rows, plane: Rows) -> None:
        """Take all rows that tile rows before ``stop`` look at."""
        halo = max(find.BORDER, fill.FAR)
        picture.reach(min(stop * TILE + halo, self._height) - 1)
        placed = self._findings.placement
        ahead = placed.positions(0, stop * TILE + find.BORDER, 1)[0]
        plane.reach(min(int(ahead) + 2, placed.size[0] - 1))

    def _to_look_at(self, start: int, stop: int) -> list[Tile]:
        """Tiles that the survey named, with room for what is found in them."""
        shape = (TILE, self._across * TILE)
        at = np.argwhere(self._findings.tiles[start:stop])
        for row in {start + int(row) for row, _ in at}:
            self._hits[row] = (np.zeros(shape, bool), np.zeros(shape, bool))
        return [(start + int(row), int(column)) for row, column in at]

    def _to_fill(self, start: int, stop: int) -> list[Tile]:
        """Tiles with a masked pixel."""
        tiles = []
        for row in range(start, stop):
            if row in self._masks:
                boxes = self._masks[row].reshape(TILE, self._across, TILE).any(axis=(0, 2))
                tiles += [(row, int(column)) for column in np.flatnonzero(boxes)]
        return tiles

    def _find(self, picture: Rows, plane: Rows, tiles: list[Tile]) -> None:
        """Find hits in tiles."""
        found, placed = self._findings, self._findings.placement
        side = TILE + 2 * find.BORDER
        at = [placed.positions(axis, -find.BORDER, side) for axis in (0, 1)]
        start = [int(np.floor(line[0])) for line in at]
        count = [int(np.floor(line[-1])) + 2 - first for line, first in zip(at, start, strict=True)]
        native = TILE // placed.ratio
        infrared = np.stack(
            [
                cut(plane, row * native + start[0], count[0], column * native + start[1], count[1])
                for row, column in tiles
            ]
        )[..., 0]
        values = sample(density(infrared), at[0] - start[0], at[1] - start[1])
        red = np.stack([self._window(picture, tile, find.BORDER, slice(0, 1)) for tile in tiles])
        level = found.level.around(np.array(tiles), find.BORDER - len(find.RED) + 1)
        edge = find.gate(values, density(red[..., 0]), found.slope, level)
        for tile, hits, peaks in zip(
            tiles, *find.hits(edge, found.noise, self._tuning), strict=True
        ):
            row, at_column = tile[0], slice(tile[1] * TILE, (tile[1] + 1) * TILE)
            self._hits[row][0][:, at_column] = hits
            self._hits[row][1][:, at_column] = peaks

    def _places(self, start: int, stop: int) -> int:
        """Say which hits are places, on whole rows of tiles."""
        border = find.PLACES_BORDER
        for row in range(start, stop):
            near = [self._hits.get(row + step) for step in (-1, 0, 1)]
            if all(hits is None for hits in near):
                continue
            blank = np.zeros((TILE, self._across * TILE), bool)
            found, peaks = (
                np.pad(
                    np.concatenate([blank if hits is None else hits[kind] for hits in near])[
                        TILE - border : 2 * TILE + border
                    ],
                    ((0, 0), (border, border)),
                )
                for kind in (0, 1)
            )
            if not peaks.any():
                continue
            mask = find.places(found, peaks, self._tuning)
            mask[:, self._width :] = False
            mask[max(self._height - row * TILE, 0) :] = False
            self._masks[row] = mask
        return max(start, stop)

    def _fill(self, picture: Rows, tiles: list[Tile]) -> None:
        """Fill tiles that have a masked pixel."""
        out, grains, weight = self._means(picture, tiles, fill.NEAR)
        for index, tile in enumerate(tiles):
            mask = self._tile_mask(tile)
            value, thin = out[index], weight[index, 0][mask] < fill.ENOUGH
            if thin.any():
                far, _, heavy = self._means(picture, [tile], fill.FAR)
                value = far[0]
                lost = mask & (heavy[0, 0] < 1e-4)
                mask &= ~lost  # nothing clean in sight: left as it is
            self._lay(picture, tile, mask, value, grains[index])

    def _means(
        self, picture: Rows, tiles: list[Tile], border: int
    ) -> tuple[Floats, Floats, Floats]:
        stored = np.stack([self._window(picture, tile, border, slice(None)) for tile in tiles])
        values = np.ascontiguousarray(np.moveaxis(density(stored), -1, 1))
        clean = np.stack([~self._mask_window(tile, border) for tile in tiles])
        weight = clean[:, np.newaxis].astype(np.float32)
        out, last = fill.fill(values, weight, border)
        grains = _grain(inner(values, border), out, inner(clean, border))
        return out, grains, last

    def _lay(self, picture: Rows, tile: Tile, mask: Bools, value: Floats, size: Floats) -> None:
        """Write means and grain where the tile is masked."""
        top, left = tile[0] * TILE, tile[1] * TILE
        bottom, right = min(top + TILE, self._height), min(left + TILE, self._width)
        mask = mask[: bottom - top, : right - left]
        target = picture.view(top, bottom)[:, left:right]
        at = np.flatnonzero(mask)
        noise = grain.window(top, left, TILE, len(value))[: bottom - top, : right - left]
        made = np.moveaxis(value, 0, -1)[: bottom - top, : right - left]
        made = made.reshape(-1, len(value))[at] + noise.reshape(-1, len(value))[at] * size
        target[mask] = codes(made, target.dtype)

    def _window(self, rows: Rows, tile: Tile, border: int, channels: slice) -> NDArray[Any]:
        side = TILE + 2 * border
        top, left = tile[0] * TILE - border, tile[1] * TILE - border
        return cut(rows, top, side, left, side)[..., channels]

    def _mask(self, row: int) -> Bools:
        found = self._masks.get(row)
        return np.zeros((TILE, self._across * TILE), bool) if found is None else found

    def _tile_mask(self, tile: Tile) -> Bools:
        return self._masks[tile[0]][:, tile[1] * TILE : (tile[1] + 1) * TILE]

    def _mask_window(self, tile: Tile, border: int) -> Bools:
        """The mask around a tile; outside of the picture nothing is clean."""
        row, column = tile
        out = np.ones((TILE + 2 * border, TILE + 2 * border), bool)
        left, right = column * TILE - border, (column + 1) * TILE + border
        start, stop = max(left, 0), min(right, self._width)
        top = row * TILE - border
        for near in (row - 1, row, row + 1):
            low, high = max(near * TILE, top), min((near + 1) * TILE, top + len(out), self._height)
            if 0 <= near < self._down and low < high:
                part = self._mask(near)[low - near * TILE : high - near * TILE, start:stop]
                out[low - top : high - top, start - left : stop - left] = part
        return out

    def _forget(self, before: int) -> None:
        for rows in (self._hits, self._masks):
            for row in [row for row in rows if row < before]:
                del rows[row]


def cut(rows: Rows, top: int, tall: int, left: int, wide: int) -> NDArray[Any]:
    """A window of rows that were reached; the picture's borders are repeated."""
    low, high = max(top, 0), min(top + tall, rows.height)
    low, high = min(low, rows.height - 1), max(high, 1)
    view = rows.view(low, high)
    width = view.shape[1]
    if high - low == tall and left >= 0 and left + wide <= width:
        return view[:, left : left + wide]
    down = np.clip(np.arange(top, top + tall), low, high - 1) - low
    across = np.clip(np.arange(left, left + wide), 0, width - 1)
    return view[np.ix_(down, across)]


def _grain(values: Floats, means: Floats, clean: Bools) -> Floats:
    """Robust deviation of clean pixels from their means, by window and channel."""
    detail = np.abs(values - means)[..., ::EVERY, ::EVERY]
    there = clean[:, np.newaxis, ::EVERY, ::EVERY]
    detail = np.where(there, detail, np.float32(np.nan))
    counts = there.sum(axis=(-1, -2))
    ordered = np.sort(detail.reshape(*detail.shape[:2], -1), axis=-1)  # what is masked comes last
    middle = np.broadcast_to((counts // 2)[..., np.newaxis], (*detail.shape[:2], 1))
    found = np.take_along_axis(ordered, np.minimum(middle, ordered.shape[-1] - 1), axis=-1)[..., 0]
    return np.nan_to_num(1.4826 * found).astype(np.float32)
