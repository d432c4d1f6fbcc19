"""Marks of pixels as bits, for some rows of tiles.

A tile is 32 pixels wide, so that each of its rows is one word of 32 bits: the leftmost pixel is
the lowest bit. Marks of a scan that is 20,000 pixels wide take 2.5 KB a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

TILE = 32
ALL = 0xFFFFFFFF


class Marks:
    """Bits of the rows of tiles that were begun last; row y lies at y modulo the capacity.

    Parameters
    ----------
    height, width : int
        Size of the picture in pixels.
    tile_rows : int
        Rows of tiles that are kept.
    outside : bool
        Whether pixels outside of the picture are marked.
    """

    def __init__(self, height: int, width: int, tile_rows: int, *, outside: bool = False) -> None:
        self._height = height
        self._width = width
        self._capacity = tile_rows * TILE
        across = -(-width // TILE)
        # a word on each side lies outside, and the last bits of a picture's last word may
        self._blank = np.zeros(across + 2, "<u4")
        if outside:
            self._blank[[0, -1]] = ALL
            self._blank[-2] = ALL << (width - (across - 1) * TILE) & ALL
        self._words = np.tile(self._blank, (self._capacity + 1, 1))
        # the row that stands for all rows outside
        self._words[self._capacity] = ALL if outside else 0

    def begin(self, first: int, last: int) -> None:
        """Remove the marks of rows of tiles ``first`` to ``last``, which replace older ones."""
        for row in range(first, last):
            at = row * TILE % self._capacity
            self._words[at : at + TILE] = self._blank

    def put(self, tiles: Ints, words: Words) -> None:
        """Set the marks of tiles.

        Parameters
        ----------
        tiles : ndarray of intp, shape (tiles, 2)
            Row and column of each, in tiles.
        words : ndarray of uint32, shape (tiles, 32)
        """
        rows = (tiles[:, :1] * TILE + np.arange(TILE)) % self._capacity
        columns = tiles[:, 1:] + 1
        self._words[rows, columns] = words | self._blank[columns]

    def words(self, tiles: Ints) -> Words:
        """Return the marks of tiles, shape (tiles, 32); none outside of the picture."""
        rows, columns = tiles[:, :1] * TILE + np.arange(TILE), tiles[:, 1:] + 1
        words = self._words[rows % self._capacity, columns] & ~self._blank[columns]
        words[rows >= self._height] = 0
        return np.asarray(words)

    def wide_words(self, tiles: Ints, border: int) -> NDArray[np.uint64]:
        """Return the marks of tiles and ``border`` pixels around them, 16 at most.

        Returns
        -------
        ndarray of uint64, shape (tiles, 32 + 2 border)
            One word for each row; its lowest bit is the leftmost pixel of the border.
        """
        left, middle, right = np.moveaxis(self._around(tiles, border).astype(np.uint64), -1, 0)
        words = left >> np.uint64(TILE - border)
        words |= middle << np.uint64(border)
        words |= (right & np.uint64((1 << border) - 1)) << np.uint64(TILE + border)
        return np.asarray(words)

    def pixels(self, tiles: Ints, border: int) -> NDArray[np.uint8]:
        """Return 0 or 1 for the pixels of tiles and ``border`` around them, 32 at most.

        Returns
        -------
        ndarray of uint8, shape (tiles, 32 + 2 border, 32 + 2 border)
        """
        octets, more = divmod(TILE - border, 8)
        part = self._around(tiles, border).view(np.uint8)[..., octets : 12 - octets]
        bits = np.unpackbits(part, axis=-1, bitorder="little")
        return bits[..., more : bits.shape[-1] - more]

    def rows(self, start: int, stop: int) -> Bools:
        """Return the marks of rows of pixels, shape (rows, width)."""
        words = self._words[np.arange(start, stop) % self._capacity, 1:-1]
        bits = np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little")
        return bits[:, : self._width].view(bool)

    def reached(self, first: int, last: int, reach: int) -> Ints:
        """Return the tiles of rows ``first`` to ``last`` that have a mark, or one within ``reach``.

        Returns
        -------
        ndarray of intp, shape (tiles, 2)
        """
        tops = np.arange(first, last) * TILE - reach
        words = np.bitwise_or.reduce(self._words[self._lines(tops, TILE + 2 * reach)], axis=1)
        near = words[:, 1:-1] != 0
        near |= words[:, :-2] >> np.uint32(TILE - reach) != 0
        near |= words[:, 2:] & np.uint32((1 << reach) - 1) != 0
        return np.add(np.argwhere(near), (first, 0))

    def _around(self, tiles: Ints, border: int) -> Words:
        """Three words for each row of tiles and ``border`` rows above and below."""
        rows = self._lines(tiles[:, 0] * TILE - border, TILE + 2 * border)
        columns = tiles[:, np.newaxis, 1:] + np.arange(3)
        return np.asarray(self._words[rows[..., np.newaxis], columns])

    def _lines(self, tops: Ints, tall: int) -> Ints:
        rows = tops[:, np.newaxis] + np.arange(tall)
        inside = (rows >= 0) & (rows < self._height)
        return np.where(inside, rows % self._capacity, self._capacity)


def unpacked(words: Words) -> Bools:
    """Return words of tiles as masks; what :func:`packed` undoes.

    Parameters
    ----------
    words : ndarray of uint32, shape (tiles, 32)
        One word for each row of a tile.

    Returns
    -------
    ndarray of bool, shape (tiles, 32, 32)
    """
    octets = np.ascontiguousarray(words, "<u4").view(np.uint8).reshape(len(words), TILE, -1)
    return np.unpackbits(octets, axis=-1, bitorder="little").view(bool)


def packed(masks: Bools) -> Words:
    """Return masks of tiles as words.

    Parameters
    ----------
    masks : ndarray of bool, shape (tiles, 32, 32)
        Whether a pixel is marked.

    Returns
    -------
    ndarray of uint32, shape (tiles, 32)
    """
    return np.packbits(masks, axis=-1, bitorder="little").view("<u4")[..., 0]
