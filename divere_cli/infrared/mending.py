"""Fill the masked pixels of stacks of tiles, in the picture's own codes.

Covers cutting windows out of the picture, and writing means and grain into places. The means
are computed in :mod:`divere_cli.infrared.fill`, grain in :mod:`divere_cli.infrared.grain`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import fill, grain
from divere_cli.infrared.density import codes, logarithm
from divere_cli.infrared.marks import TILE
from divere_cli.infrared.rows import Rows

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

# by the number of a pixel in its tile
ROW, COLUMN = np.divmod(np.arange(TILE**2), TILE)
CELL = ROW // fill.CELL * fill.CELLS + COLUMN // fill.CELL
MIXED = np.float32(fill.MIXED * fill.UNIT)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around the pixels of tiles.

    Attributes
    ----------
    sums : ndarray of float32, (tiles, channels + 1, side, side)
        As for :func:`divere_cli.infrared.fill.near`.
    scales : Scales
        Sums of clean pixels.
    means : ndarray of float32, (tiles, channels, CELLS, CELLS)
        Means of clean pixels for cells of 2x2 pixels.
    """

    sums: Floats
    scales: fill.Scales
    means: Floats

    def extended(self, farther: Floats) -> Surroundings:
        """Return the same with means from farther away mixed in; ``farther`` is overwritten."""
        return replace(self, means=fill.joined(self.scales.coarse, farther))


def near(picture: Rows, tiles: Ints, masked: NDArray[np.uint8]) -> Surroundings:
    """Measure what is near the pixels of tiles.

    Parameters
    ----------
    picture : Rows
    tiles : ndarray of int, (tiles, 2)
    masked : ndarray of uint8, (tiles, side, side)
        1 where a pixel is masked or outside of the picture, else 0; of tiles and
        :data:`fill.NEAR` pixels around them.
    """
    sums = _sums(picture, tiles * TILE - fill.NEAR, masked, 1)
    scales = fill.near(sums)
    return Surroundings(sums, scales, scales.means())


def far(picture: Rows, tiles: Ints, masked: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Measure what is farther from the pixels of tiles, by every other pixel.

    Parameters
    ----------
    picture : Rows
    tiles : ndarray of int, (tiles, 2)
    masked : ndarray of uint8, (tiles, side, side)
        As for :func:`near`, with :data:`fill.FAR` pixels around tiles.

    Returns
    -------
    tuple of ndarray of float32
        As :func:`divere_cli.infrared.fill.far` does.
    """
    every = fill.CELL
    return fill.far(_sums(picture, tiles * TILE - fill.FAR, masked[:, ::every, ::every], every))


def _sums(picture: Rows, corners: Ints, masked: NDArray[np.uint8], every: int) -> Floats:
    """Logarithms of clean pixels and their weight, of windows of the size of ``masked``."""
    side = masked.shape[-1]
    windows = picture.windows(corners[:, 0], corners[:, 1], side * every, side * every, every)
    samples = np.moveaxis(windows[:, :, ::every], -1, 1)
    channels = samples.shape[1]
    sums = np.empty((len(corners), channels + 1, side, side), np.float32)
    values, clean = sums[:, :channels], sums[:, channels:]
    np.subtract(np.float32(1), masked[:, np.newaxis], out=clean)
    logarithm(samples, values)
    np.multiply(values, clean, out=values)
    return sums


def write(picture: Rows, tiles: Ints, masks: Bools, surroundings: Surroundings) -> None:
    """Write means and grain where tiles are masked.

    Parameters
    ----------
    picture : Rows
        The rows; changed in place.
    tiles : ndarray of int, (tiles, 2)
        Position of each tile.
    masks : ndarray of bool, (tiles, TILE, TILE)
        Which pixels are filled.
    surroundings : Surroundings
        What is around the pixels; its means are overwritten.
    """
    finest, means = surroundings.scales.finest, surroundings.means
    channels, side = means.shape[1], finest.shape[-1]
    means *= MIXED
    sizes = np.ascontiguousarray(_grain(surroundings).T)
    filled = np.flatnonzero(masks)
    tile, pixel = filled // TILE**2, filled & (TILE**2 - 1)
    planes = np.arange(channels + 1)[:, np.newaxis]
    first = fill.START * (side + 1) + ROW * side + COLUMN
    sums = finest.take(tile * finest[0].size + first.take(pixel) + planes * side**2)
    in_means = tile * means[0].size + CELL.take(pixel)
    values = means.take(in_means + planes[:-1] * fill.CELLS**2)
    values += sums[:-1]
    values *= 1 / (sums[-1] + MIXED)
    made = grain.at(tiles, tile, pixel, channels)
    made *= sizes.take(tile, axis=1)
    values += made
    lines = picture.positions(tiles[:, :1] * TILE + np.arange(TILE), tiles[:, 1:] * TILE)
    positions = lines.take(filled // TILE) + COLUMN.take(pixel)
    picture.put(positions, codes(values, picture.dtype))


def _grain(surroundings: Surroundings) -> Floats:
    """Size of the grain of tiles, by the first pixel of each cell, (tiles, channels)."""
    first, every = slice(fill.NEAR, -fill.NEAR, fill.CELL), fill.CELL
    sums = surroundings.sums[..., first, first]
    start = slice(fill.START, fill.START + TILE, every)
    finest = surroundings.scales.finest[..., start, start]
    detail = finest[:, :-1] + surroundings.means
    detail *= 1 / (finest[:, -1:] + MIXED)
    np.subtract(sums[:, :-1], detail, out=detail)
    return grain.size(detail, sums[:, -1:])
