"""Fill the masked pixels of stacks of tiles, in the picture's own codes.

Covers cutting windows out of the picture, the means around and the grain that come
into a place, and writing them. How means are made is in
:mod:`divere_cli.infrared.fill`, grain in :mod:`divere_cli.infrared.grain`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared import fill, grain
from divere_cli.infrared.density import codes, density
from divere_cli.infrared.rows import Rows
from divere_cli.infrared.search import window
from divere_cli.infrared.survey import TILE

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Around:
    """What is around the pixels of tiles: ``means`` of clean pixels and their ``weight``.

    ``grain`` is the robust deviation of a tile's clean pixels from their means.
    """

    means: Floats  # (tiles, channels, TILE, TILE), D
    weight: Floats  # (tiles, TILE, TILE)
    grain: Floats  # (tiles, channels), D


def around(picture: Rows, tiles: Ints, clean: Bools, border: int) -> Around:
    """Measure what is around pixels of tiles.

    Parameters
    ----------
    picture : Rows
    tiles : ndarray of int, (tiles, 2)
    clean : ndarray of bool, (tiles, side, side)
        Which pixels are in the picture and not masked, ``border`` pixels around the
        tile included.
    border : int
        :data:`fill.NEAR` or :data:`fill.FAR`.
    """
    windows = [np.moveaxis(window(picture, tile, border), -1, 0) for tile in tiles.tolist()]
    values = density(np.stack(windows))
    there = clean[:, np.newaxis]
    means, weight = fill.fill(values, there.astype(np.float32), border)
    return Around(means, weight[:, 0], grain.size(values, means, there, border))


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
    tile, y, x = np.nonzero(masks)
    if not tile.size:
        return
    rows, columns = tiles[tile, 0] * TILE + y, tiles[tile, 1] * TILE + x
    made = grain.at(rows, columns, surroundings.means.shape[1]) * surroundings.grain[tile]
    made += surroundings.means[tile, :, y, x]
    first, last = int(rows.min()), int(rows.max()) + 1
    target = picture.view(first, last)
    target[rows - first, columns] = codes(made, target.dtype)
