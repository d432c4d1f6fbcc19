"""Find plain lines along the sides of a frame: bare film, holder or light.

Goes inward from each side over the cells of a grid and keeps the lines of one color. Which
color is film base is decided from all frames of a roll (:mod:`divere_cli.roll.bare`): on a
single frame, the rebate looks like a strip of wall or sky.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DEEP = 0.2  # of the short side: how far inward a rebate is searched, behind a holder of 10 %
INNER = 0.22  # of each side: further inward is certainly picture
THIN_SHARE = 5.0  # percentile of the inner picture's densities: its thin end
DENSE = 0.45  # density above the thin end: holder, or picture
REMAIN = 0.3  # of a side must be neither clipped nor dense
ALIKE, ALIKE_SHARE = 0.05, 0.8  # density to the line's median in every channel; of what remains
SMOOTH = 0.012  # density between neighbors, the middle of them
RUN = 0.25  # of a side without a break
ONE_COLOR = 0.035  # density; lines of one group
BLANK = 0.9  # with this share of equal inner cells, a frame is unexposed or fully exposed
MOST = 5  # groups of a frame, those with most lines


@dataclass(frozen=True)
class PlainColor:
    """A color of lines along the sides of a frame.

    Parameters
    ----------
    density : ndarray
        ``(3,)``, median of its lines.
    sides : tuple of int
        0 top, 1 right, 2 bottom, 3 left.
    lines : int
        How many lines have it.
    blank : bool
        The whole frame has it.
    """

    density: Floats
    sides: tuple[int, ...]
    lines: int
    blank: bool = False


def plain(density: Floats, valid: Bools) -> tuple[PlainColor, ...]:
    """Find the plain colors along the sides of a frame.

    Parameters
    ----------
    density : ndarray
        ``(rows, columns, 3)``.
    valid : ndarray
        ``(rows, columns)``: neither clipped nor black.

    Returns
    -------
    tuple of PlainColor
        Most lines first, at most ``MOST``; for a blank frame its only color.
    """
    inside = density[inner(valid.shape) & valid]
    if not len(inside):
        return ()
    middle = np.median(inside, axis=0)
    if (np.abs(inside - middle) < ALIKE).all(axis=1).mean() >= BLANK:
        return (PlainColor(middle, (0, 1, 2, 3), min(valid.shape), blank=True),)
    limit = float(np.percentile(inside.mean(axis=1), THIN_SHARE)) + DENSE
    usable = valid & (density.mean(axis=2) < limit)
    plain_lines = list(_marched(density, usable))
    groups = _grouped(plain_lines)
    return tuple(sorted(groups, key=lambda group: -group.lines)[:MOST])


def inner(shape: tuple[int, ...]) -> Bools:
    """Return the cells that no holder, rebate or margin reaches.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    Bools
        The cells, shape (rows, columns).
    """
    mask = np.zeros(shape, np.bool_)
    rows, columns = (round(INNER * n) for n in shape)
    mask[rows : shape[0] - rows, columns : shape[1] - columns] = True
    return mask


def _marched(density: Floats, usable: Bools) -> Iterator[tuple[int, Floats]]:
    """Yield side and color of each plain line."""
    deep = max(2, round(DEEP * min(usable.shape)))
    for side in range(4):
        turned, mask = np.rot90(density, side), np.rot90(usable, side)
        for line in range(min(deep, len(mask) // 2)):
            color = _color(turned[line], mask[line])
            if color is not None:
                yield side, color


def _color(cells: Floats, usable: Bools) -> Floats | None:
    """Return the color of a line; None unless it is plain."""
    if usable.mean() < REMAIN:
        return None
    middle = np.median(cells[usable], axis=0)
    alike = usable & (np.abs(cells - middle) < ALIKE).all(axis=1)
    if alike.sum() < ALIKE_SHARE * usable.sum() or _longest(alike) < RUN * len(alike):
        return None
    steps = np.abs(np.diff(cells.mean(axis=1)))[alike[1:] & alike[:-1]]
    if not len(steps) or np.median(steps) > SMOOTH:
        return None
    return np.asarray(np.median(cells[alike], axis=0))


def _longest(mask: Bools) -> int:
    """Return the length of the longest unbroken run."""
    ends = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return int((ends[1::2] - ends[::2]).max(initial=0))


def _grouped(plain_lines: list[tuple[int, Floats]]) -> list[PlainColor]:
    """Group the lines of one color, from the thinnest on."""
    ordered = sorted(plain_lines, key=lambda line: (float(line[1].mean()), line[0]))
    groups: list[list[tuple[int, Floats]]] = []
    for side, color in ordered:
        for group in groups:
            if np.abs(color - np.median([c for _, c in group], axis=0)).max() <= ONE_COLOR:
                group.append((side, color))
                break
        else:
            groups.append([(side, color)])
    return [
        PlainColor(
            np.asarray(np.median([color for _, color in group], axis=0)),
            tuple(sorted({side for side, _ in group})),
            len(group),
        )
        for group in groups
    ]
