"""Which hits are places: not too small, not too faint, and grown by a pixel.

Works on the bits of :mod:`divere_cli.infrared.marks`: a step of 32 pixels costs what one pixel
would.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.marks import Marks, Words

Bits = NDArray[np.uint64]
Ints = NDArray[np.intp]
Counts = tuple[Bits, Bits, Bits]  # where there are one or more, two or more, three or more

SMALLEST = 3  # hits in the 5x5 pixels around a pixel of a place
STEPS = 4  # of 2 pixels: how far a place's peak may lie from a pixel that belongs to it
GROWTH = 1  # pixels; of two, a fill from farther away is worse by a tenth (measured)
BORDER = 2 * STEPS + GROWTH  # what is looked at around a tile


def places(hits: Marks, peaks: Marks, tiles: Ints) -> Words:
    """Drop hits that are too few or too faint, and grow the rest.

    Parameters
    ----------
    hits, peaks : Marks
        Pixels that may belong to a place, and those of them that are dense enough for one.
    tiles : ndarray of intp, shape (tiles, 2)
        Tiles to decide on.

    Returns
    -------
    ndarray of uint32, shape (tiles, 32)
        Bits of the places.
    """
    # rows first: they are moved up and down, and long lines cost less
    hit, reached = (
        np.ascontiguousarray(bits.wide_words(tiles, BORDER).T) for bits in (hits, peaks)
    )
    inside = slice(BORDER - GROWTH - 2, 2 + GROWTH - BORDER)  # two more rows than are grown
    numerous = _at_least_three(hit[inside])
    for _ in range(STEPS):
        # from the peak along hits: the faint end of a dense place belongs to it
        hit = hit[2:-2]
        reached = grown(reached, 2) & hit
    pixels = grown(reached & numerous, GROWTH)
    return (pixels >> np.uint64(BORDER) & np.uint64(0xFFFFFFFF)).astype("<u4").T


def grown(bits: Bits, radius: int) -> Bits:
    """Grow marks by a square of ``radius`` pixels on each side.

    Parameters
    ----------
    bits : ndarray of uint64, shape (rows, windows)
        One word for each row.
    radius : int
        1 or 2 pixels.

    Returns
    -------
    ndarray of uint64, shape (rows - 2 radius, windows)
        Rows whose neighbors are known. Nothing grows in from beside a window.
    """
    rows = len(bits) - 2 * radius
    vertical = bits[:rows] | bits[1 : rows + 1]
    for step in range(2, 2 * radius + 1):
        np.bitwise_or(vertical, bits[step : step + rows], out=vertical)
    out = vertical.copy()
    for step in range(1, radius + 1):
        out |= vertical << np.uint64(step)
        out |= vertical >> np.uint64(step)
    return out


def _at_least_three(hit: Bits) -> Bits:
    """Return where the 5x5 pixels around have :data:`SMALLEST` hits or more.

    Two rows less on each side than came in.
    """
    once, twice, thrice = hit, np.zeros_like(hit), np.zeros_like(hit)
    for step in (np.uint64(1), np.uint64(2)):
        for shifted in (hit << step, hit >> step):
            thrice |= twice & shifted
            twice |= once & shifted
            once = once | shifted
    rows = len(hit) - 4
    square: Counts = once[:rows], twice[:rows], thrice[:rows]
    for first in range(1, 5):
        part = slice(first, first + rows)
        square = _sum(square, (once[part], twice[part], thrice[part]))
    return square[2]


def _sum(counts: Counts, more: Counts) -> Counts:
    """Add counts up to three."""
    once, twice, thrice = counts
    more_once, more_twice, more_thrice = more
    return (
        once | more_once,
        twice | more_twice | once & more_once,
        thrice | more_thrice | twice & more_once | once & more_twice,
    )
