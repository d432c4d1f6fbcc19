"""Fill the masked pixels of stacks of tiles, in the picture's own codes.

Covers cutting windows out of the picture, and writing means and grain into places. The means
are computed in :mod:`divere_cli.infrared.fill`, grain in :mod:`divere_cli.infrared.grain`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import fill, grain
from divere_cli.infrared.density import codes, logarithm
from divere_cli.infrared.marks import TILE
from divere_cli.infrared.rows import Rows

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Around:
    """Surroundings of the pixels of tiles: ``means`` of clean pixels and their ``weight``.

    ``grain`` is the robust deviation of a tile's clean pixels from their means.
    """

    means: Floats  # (tiles, channels, TILE, TILE), natural logarithms of codes
    weight: Floats  # (tiles, TILE, TILE)
    grain: Floats  # (tiles, channels)


def around(picture: Rows, tiles: Ints, masked: NDArray[np.uint8], border: int) -> Around:
    """Measure the surroundings of the pixels of tiles.

    Parameters
    ----------
    picture : Rows
    tiles : ndarray of int, (tiles, 2)
    masked : ndarray of uint8, (tiles, side, side)
        1 where a pixel is masked or outside of the picture, else 0; ``border`` pixels around
        the tile included.
    border : int
        :data:`fill.NEAR` or :data:`fill.FAR`.
    """
    side = TILE + 2 * border
    corners = tiles * TILE - border
    samples = np.moveaxis(picture.windows(corners[:, 0], corners[:, 1], side, side), -1, 1)
    channels = samples.shape[1]
    sums = np.empty((len(tiles), channels + 1, side, side), np.float32)
    values, clean = sums[:, :channels], sums[:, channels:]
    np.subtract(np.float32(1), masked[:, np.newaxis], out=clean)
    logarithm(samples, values)
    np.multiply(values, clean, out=values)
    means, weight = fill.fill(sums, border)
    return Around(means, weight, grain.size(values, means, clean, border))


def lay(picture: Rows, tiles: Ints, masks: Bools, surroundings: Around) -> None:
    """Write means and grain where tiles are masked.

    Parameters
    ----------
    picture : Rows
        The rows; changed in place.
    tiles : Ints
        Position of each tile.
    masks : Bools
        Shape (tiles, TILE, TILE).
    surroundings : Around
        What is around the masked pixels.
    """
    at = np.flatnonzero(masks)
    tile, pixel = at // TILE**2, at & (TILE**2 - 1)
    rows = (tiles[:, 0] * TILE).take(tile) + pixel // TILE
    columns = (tiles[:, 1] * TILE).take(tile) + (pixel & (TILE - 1))
    channels = surroundings.means.shape[1]
    means, sizes = surroundings.means.reshape(-1), surroundings.grain.reshape(-1)
    values = []
    for channel in range(channels):
        at = tile * channels + channel
        made = grain.at(rows, columns, channel)
        made *= sizes.take(at)
        made += means.take(at * TILE**2 + pixel)
        values.append(codes(made, picture.dtype))
    picture.put(rows, columns, values)
