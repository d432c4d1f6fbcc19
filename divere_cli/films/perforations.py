"""Find rows of perforations of 135 film in a picture: position, scale and tilt.

A row is a series of bright spots with the shape and the pitch of perforations. It gives the
scale to about 0.2 %. Source of the sizes: ISO 1007 (KS perforation: pitch 4.75 mm, 1.98 mm
along and 2.79 mm across the film).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PITCH, ALONG, ACROSS = 4.75, 1.98, 2.79  # mm

SMALL = 1100  # pixels: long side of the reduced picture
BRIGHT = 0.86  # share of the brightest level
LEAST = 5  # pixels: shorter side of a perforation
IN_A_ROW = 4
MOST_SPOTS = 4000
# average runs of bright pixels in a row of the reduced picture: perforations make a few dozen;
# highlights and grain make many more, and would only cost time
MOST_RUNS = 40
# the quick check: every third row, runs of bright pixels about as wide and as far apart as
# perforations, in two successive rows
EVERY, LIKELY_BRIGHT = 3, 0.82


@dataclass(frozen=True, slots=True)
class Row:
    """A row of perforations; centers are at (x, y + slope * x), ``first`` <= x <= ``last``."""

    y: float
    slope: float
    first: float
    last: float
    scale: float  # pixels per mm, along the film


@dataclass(frozen=True, slots=True)
class _Spot:
    x: float
    y: float
    width: float
    height: float


def likely(gray: NDArray[np.uint8]) -> bool:
    """Return whether a row of perforations may cross a picture.

    A quick check at a tenth of the cost of :func:`rows`, for the many scans without any:
    along a perforated edge there are three bright runs of one width in a row, 2.4 widths
    from start to start.

    Parameters
    ----------
    gray : ndarray of uint8, (rows, columns)
    """
    step = _step(gray)
    lines = _reduced(gray, step, EVERY)
    if lines.shape[1] < 3 or not len(lines):
        return False
    soft = lines[:, :-2] + lines[:, 1:-1] + lines[:, 2:]
    light = np.zeros((soft.shape[0], soft.shape[1] + 2), np.int8)
    light[:, 1:-1] = soft > LIKELY_BRIGHT * float(np.percentile(soft[:, ::3], 99.7))
    turns = np.diff(light.ravel())
    starts, ends = np.nonzero(turns == 1)[0], np.nonzero(turns == -1)[0]
    wide = ends - starts >= LEAST - 1
    starts, ends = starts[wide], ends[wide]
    if len(starts) < 3:
        return False
    line, width, pitch = starts // light.shape[1], ends - starts, np.diff(starts)
    narrow, broad = (
        pick(pick(width[:-2], width[1:-1]), width[2:]) for pick in (np.minimum, np.maximum)
    )
    near, far = np.minimum(pitch[:-1], pitch[1:]), np.maximum(pitch[:-1], pitch[1:])
    row = (line[2:] == line[:-2]) & (broad <= 1.25 * narrow + 2) & (far <= 1.1 * near + 2)
    row &= (near >= 1.8 * narrow) & (far <= 2.9 * broad)
    # a perforation is taller than wide: the next checked row crosses it, too
    middle = ((starts + ends) // 2)[1:-1][row]
    reach = 2 + 0.15 * far[row]
    first = np.searchsorted(middle, middle + light.shape[1] - reach)
    return bool((np.searchsorted(middle, middle + light.shape[1] + reach, "right") > first).any())


def bright(gray: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], int]:
    """Return a reduced mask of the parts of a picture that may be unobstructed light.

    Parameters
    ----------
    gray : ndarray of uint8
        Gray codes, uint8, shape (rows, columns).

    Returns
    -------
    tuple[NDArray[bool_], int]
        The mask, shape (rows, columns) of the reduced picture, and the side of one of its cells
        in pixels.
    """
    step = _step(gray)
    small = _softened(_reduced(gray, step))
    if not small.size:
        return np.zeros((0, 0), bool), step
    return small > BRIGHT * float(np.percentile(small[::3, ::3], 99.7)), step


def rows(mask: NDArray[np.bool_], step: int) -> list[Row]:
    """Find the rows of perforations that cross a picture.

    Parameters
    ----------
    mask : ndarray of bool, (rows, columns)
        From :func:`bright`; turned by 90 degrees for film that runs downwards.
    step : int

    Returns
    -------
    list of Row
        The longest first.
    """
    spots = [spot for spot in _spots(mask) if _is_hole(spot)]
    return sorted((_scaled(row, step) for row in _chains(spots)), key=lambda row: -_length(row))


def _step(gray: NDArray[np.uint8]) -> int:
    return max(1, -(-int(max(gray.shape)) // SMALL))


def _reduced(gray: NDArray[np.uint8], step: int, every: int = 1) -> NDArray[np.float32]:
    """Reduce by ``step``, each cell the mean of four of its pixels; only every ``every``-th row."""
    down, across = gray.shape[0] // step, gray.shape[1] // step
    cropped = gray[: down * step, : across * step]
    near, far = step // 4, step - 1 - step // 4
    total = np.zeros((-(-down // every), across), np.float32)
    for top in (near, far):
        for left in (near, far):
            total += cropped[top :: step * every, left::step]
    return total * np.float32(0.25)


def _softened(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smooth by means of 3x3, so that grain does not split a perforation."""
    padded = np.pad(small, 1, mode="edge")
    down = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((down[:, :-2] + down[:, 1:-1] + down[:, 2:]) / 9, np.float32)


def _length(row: Row) -> float:
    return (row.last - row.first) / row.scale


def _is_hole(spot: _Spot) -> bool:
    return spot.width >= LEAST and 1.1 < spot.height / spot.width < 1.8


def _spots(mask: NDArray[np.bool_]) -> list[_Spot]:
    """Return bright spots that are completely in the picture and nearly fill their boxes."""
    spots = []
    for top, bottom, left, right, pixels in _boxes(mask):
        inside = top > 0 and left > 0 and bottom < mask.shape[0] and right < mask.shape[1]
        tall, wide = bottom - top, right - left
        if inside and pixels > 0.8 * tall * wide:
            spots.append(_Spot((left + right) / 2, (top + bottom) / 2, wide, tall))
    return spots[:MOST_SPOTS]


def _boxes(mask: NDArray[np.bool_]) -> list[tuple[int, int, int, int, int]]:
    """Return (top, bottom, left, right, pixels) of connected spots, found by runs in rows."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    y, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    if len(y) > MOST_RUNS * mask.shape[0]:
        return []
    parent = list(range(len(y)))
    lines = np.searchsorted(y, np.arange(mask.shape[0] + 1))
    for row in range(1, mask.shape[0]):
        above, below = int(lines[row - 1]), int(lines[row])
        stop_above, stop_below = below, int(lines[row + 1])
        while above < stop_above and below < stop_below:
            if starts[above] < ends[below] and starts[below] < ends[above]:
                parent[root(below)] = root(above)
            if ends[above] < ends[below]:
                above += 1
            else:
                below += 1
    if not len(y):
        return []
    roots = np.array([root(index) for index in range(len(y))])
    names, label = np.unique(roots, return_inverse=True)
    size = len(names)
    top, left = np.full(size, mask.shape[0]), np.full(size, mask.shape[1])
    bottom, right, pixels = (np.zeros(size, int) for _ in range(3))
    np.minimum.at(top, label, y)
    np.maximum.at(bottom, label, y + 1)
    np.minimum.at(left, label, starts)
    np.maximum.at(right, label, ends)
    np.add.at(pixels, label, ends - starts)
    table = np.stack([top, bottom, left, right, pixels], axis=1)
    return [tuple(map(int, line)) for line in table]  # type: ignore[misc]


def _chains(spots: list[_Spot]) -> list[Row]:
    """Return rows of spots whose distances are the pitch of perforations of their size."""
    remaining = sorted(spots, key=lambda spot: spot.x)
    rows = []
    while remaining:
        chain = [remaining.pop(0)]
        index = 0
        while index < len(remaining):
            if _follows(remaining[index], chain):
                chain.append(remaining.pop(index))
            else:
                index += 1
        if len(chain) >= IN_A_ROW:
            rows.append(_row(chain))
    return [row for row in rows if row is not None]


def _follows(spot: _Spot, chain: list[_Spot]) -> bool:
    last = chain[-1]
    if abs(spot.height - last.height) > 0.2 * last.height + 1:
        return False
    # blur affects the shorter side more: the longer one gives the better scale
    pitch = last.height * PITCH / ACROSS
    if len(chain) > 1:
        pitch = (last.x - chain[0].x) / (len(chain) - 1)
    steps = round((spot.x - last.x) / pitch) if len(chain) > 3 else 1
    off = abs(spot.x - last.x - steps * pitch)
    slope = 0.06
    return (
        1 <= steps <= 2 and off < 0.14 * pitch and abs(spot.y - last.y) < slope * pitch * steps + 1
    )


def _row(chain: list[_Spot]) -> Row | None:
    x, y = np.array([spot.x for spot in chain]), np.array([spot.y for spot in chain])
    pitch = float(np.median(np.diff(x)))
    number = np.rint((x - x[0]) / pitch)
    pitch, _ = (float(value) for value in np.polyfit(number, x, 1))
    slope, start = (float(value) for value in np.polyfit(x, y, 1))
    if np.abs(y - start - slope * x).max() > 0.15 * pitch:
        return None
    scale = pitch / PITCH * float(np.hypot(1, slope))
    return Row(start, slope, float(x[0]), float(x[-1]), scale)


def _scaled(row: Row, step: int) -> Row:
    """Convert coordinates of the reduced picture to pixels of the picture."""
    middle = (step - 1) / 2
    y = row.y * step + middle - row.slope * middle
    return Row(y, row.slope, row.first * step, row.last * step, row.scale * step)
