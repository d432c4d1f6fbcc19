"""Detect steps up from bare film in whole lines instead of single cells.

Covers, for every position along a strip (or across it), the share of blocks of cells
that step up from bare film there. A block of a few cells averages the grain: the lowest
edges of real scans are 0.03 density over bare film, in grain of 0.03 per cell. A dark
corner looks like bare film, but the edge of a picture continues over its whole length, so
the share of blocks decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.frames.film import Bools, Picture

Profile = NDArray[np.float32]

FILLED = 0.04  # density over bare film from which film counts as exposed
BARE = 0.05  # density over bare film that still counts as bare
SIGMAS = 4.0
LEAST_STEP = 0.014
SKIPPED = 0.08  # mm on each side of an edge: its blur
WINDOW = 0.5  # mm
LEAST_SEEN = 0.4  # share of a window's cells
PEAK = 0.35  # mm on each side within which a step must be the highest
SPREAD = 0.15  # mm


@dataclass(frozen=True)
class Steps:
    """Shares of blocks (0 to 1) that step up (``rise``) and down (``fall``) at each position."""

    rise: Profile
    fall: Profile


def blocks(over: Picture, clear: Bools, size: int) -> tuple[Picture, Picture]:
    """Return means over blocks of rows, and how much of each block is clear.

    Parameters
    ----------
    over : Picture
        Values, shape (rows, columns).
    clear : Bools
        Which cells are clear, shape (rows, columns).
    size : int
        Rows of a block.

    Returns
    -------
    tuple[Picture, Picture]
        Means and shares, each of shape (blocks, columns).
    """
    starts = np.arange(0, max(1, over.shape[0] - size // 2), size)
    weight = np.add.reduceat(clear, starts, axis=0, dtype=np.float32)
    sums = np.add.reduceat(np.where(clear, over, np.float32(0)), starts, axis=0)
    means = np.asarray(sums / np.maximum(weight, 1), np.float32)
    return means, np.asarray(weight / np.float32(size), np.float32)


def steps(values: Picture, weight: Picture, scale: float, noise: float, cells: int) -> Steps:
    """Return the shares of blocks that step at each border between columns.

    Parameters
    ----------
    values, weight : ndarray
        Result of :func:`blocks`.
    scale : float
        Cells per millimeter.
    noise : float
        Standard deviation of a cell on bare film.
    cells : int
        Rows of a block.
    """
    window = max(2, round(WINDOW * scale))
    skip = round(SKIPPED * scale)
    # Grain is not white: neighbors share a part of it.
    floor = max(LEAST_STEP, SIGMAS * 1.6 * noise * (2.0 / (window * cells)) ** 0.5)
    before, after, seen_before, seen_after = _sides(values, weight, window, skip)
    rise = _shares(after - before, before, seen_before, seen_after, floor, scale)
    fall = _shares(before - after, after, seen_after, seen_before, floor, scale)
    return Steps(rise, fall)


def _sides(
    values: Picture, weight: Picture, window: int, skip: int
) -> tuple[Picture, Picture, Picture, Picture]:
    """Return means of the windows before and after each border, and their visible shares."""
    count, columns = values.shape
    sums = np.zeros((count, columns + 1), np.float32)
    parts = np.zeros((count, columns + 1), np.float32)
    np.cumsum(values * weight, axis=1, out=sums[:, 1:])
    np.cumsum(weight, axis=1, out=parts[:, 1:])
    border = np.arange(columns + 1)
    sides: list[tuple[Picture, Picture]] = []
    for low, high in (
        (border - skip - window, border - skip),
        (border + skip, border + skip + window),
    ):
        low, high = np.clip(low, 0, columns), np.clip(high, 0, columns)
        part = parts[:, high] - parts[:, low]
        means = (sums[:, high] - sums[:, low]) / np.maximum(part, np.float32(1e-3))
        readable = part / np.float32(window)
        sides.append((np.asarray(means, np.float32), np.asarray(readable, np.float32)))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


def _shares(
    step: Picture,
    outer: Picture,
    outer_readable: Picture,
    inner_readable: Picture,
    floor: float,
    scale: float,
) -> Profile:
    stepping = (
        (outer < BARE)
        & (step > floor)
        & (outer_readable > LEAST_SEEN)
        & (inner_readable > LEAST_SEEN)
    )
    height = np.where(stepping, step, 0)
    reach = max(1, round(PEAK * scale))
    highest = _highest(height, reach)
    peaks = stepping & (height >= highest * 0.999)
    share = peaks.mean(axis=0, dtype=np.float32)
    spread = max(0, round(SPREAD * scale))
    return np.minimum(_summed(share, spread), np.float32(1))


def _highest(values: Picture, reach: int) -> Picture:
    out = values.copy()
    for shift in range(1, reach + 1):
        np.maximum(out[:, shift:], values[:, :-shift], out=out[:, shift:])
        np.maximum(out[:, :-shift], values[:, shift:], out=out[:, :-shift])
    return out


def _summed(share: Profile, reach: int) -> Profile:
    total = np.concatenate([[0], np.cumsum(share, dtype=np.float32)])
    column = np.arange(len(share))
    low, high = np.clip(column - reach, 0, len(share)), np.clip(column + reach + 1, 0, len(share))
    return np.asarray(total[high] - total[low], np.float32)


def smoothed(values: Picture, reach: int) -> Picture:
    """Return means along rows.

    Parameters
    ----------
    values : Picture
        Shape (rows, columns).
    reach : int
        Cells on either side.

    Returns
    -------
    Picture
        The means, same shape.
    """
    total = np.cumsum(np.pad(values, [(0, 0), (reach + 1, reach)], mode="edge"), axis=1)
    return np.asarray((total[:, 2 * reach + 1 :] - total[:, : -2 * reach - 1]) / (2 * reach + 1))
