"""Which hits are places: not too small, not too faint, and grown by a pixel.

Works on the bits of :mod:`divere_cli.infrared.marks`: a step of 32 pixels costs what one pixel
would.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.marks import TILE, Marks, Words

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
    for _ in range(STEPS):
        # from the peak along hits: the faint end of a dense place belongs to it
        reached = grown(reached, 2) & hit
    pixels = grown(reached & _at_least_three(hit), GROWTH)
    middle = pixels[BORDER : BORDER + TILE] >> np.uint64(BORDER)
    return (middle & np.uint64(0xFFFFFFFF)).astype("<u4").T


def grown(bits: Bits, radius: int) -> Bits:
    """Grow marks by a square of ``radius`` pixels on each side.

    Parameters
    ----------
    bits : ndarray of uint64, shape (rows, windows)
        One word for each row.
    radius : int
        Pixels.

    Returns
    -------
    ndarray of uint64
        Same shape; nothing grows in from outside of a window.
    """
    for _ in range(radius):
        bits = bits | bits << np.uint64(1) | bits >> np.uint64(1)
    for _ in range(radius):
        out = bits.copy()
        out[1:] |= bits[:-1]
        out[:-1] |= bits[1:]
        bits = out
    return bits


def _at_least_three(hit: Bits) -> Bits:
    """Return where the 5x5 pixels around have :data:`SMALLEST` hits or more."""
    once, twice, thrice = hit, np.zeros_like(hit), np.zeros_like(hit)
    for step in (np.uint64(1), np.uint64(2)):
        for beside in (hit << step, hit >> step):
            thrice = thrice | twice & beside
            twice = twice | once & beside
            once = once | beside
    row: Counts = once, twice, thrice
    square = row
    for down in (-2, -1, 1, 2):
        once, twice, thrice = (_moved(bits, down) for bits in row)
        square = _sum(square, (once, twice, thrice))
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


def _moved(bits: Bits, step: int) -> Bits:
    """Move rows down by ``step``, or up where it is negative."""
    out = np.zeros_like(bits)
    if step > 0:
        out[step:] = bits[:-step]
    else:
        out[:step] = bits[-step:]
    return out
