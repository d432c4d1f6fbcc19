"""Find where the pictures of a strip begin and end: the best row of pictures as a whole.

Covers dynamic programming over the left edges for one format at one scale, on a
coarse grid. Edges to a tenth of a millimeter are in ``edges``, the choice of the format
in ``detect``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.frames.formats import Format
from divere_cli.frames.steps import Profile

Floats = NDArray[np.float64]

EDGE, FILLED, LEAST_FILLED = 2.0, 2.5, 0.12
LEFT_OUT = 2.5  # penalty for exposed film in no picture, per width of a picture
SPACING = 0.6
SKIPPED = 1.0  # penalty for each blank picture between two
MOST_SKIPPED = 2
OVERLAP, OVERLAP_MM = 0.95, 1.5  # least distance of two left edges: share of a picture; less mm
GRID = 5.0  # cells a millimeter


@dataclass(frozen=True)
class Row:
    """Left edges of the pictures and nominal width, in cells, and the score of the whole row."""

    starts: tuple[float, ...]
    width: float
    score: float


def best_row(
    rise: Profile, fall: Profile, filled: Profile, scale: float, form: Format, count: int | None
) -> Row:
    """Find the pictures of a format.

    Parameters
    ----------
    rise, fall, filled : ndarray
        Along the strip: shares of lines that step up, that step down, and that are exposed.
    scale : float
        Cells a millimeter.
    form : Format
    count : int or None
        Exact number of pictures to find, if the strip has room for them.
    """
    step = max(1, round(scale / GRID))
    rise, fall = _coarse(rise, step, np.max), _coarse(fall, step, np.max)
    filled = _coarse(filled[: len(filled) // step * step], step, np.mean)
    grid = scale / step
    length = len(filled)
    width = form.along * grid
    room = int(width * (1 - form.vary))
    if length < room or length < 4:
        return Row((), width * step, 0.0)
    total = np.concatenate([[0.0], np.cumsum(filled, dtype=np.float64)])
    single = _single(rise, fall, total, width, form)
    cost = LEFT_OUT / width
    jumps, penalty = _jumps(form, grid)
    starts = (
        _chain(single, total, width, cost, jumps, penalty)
        if count is None
        else _counted(single, total, width, cost, jumps, penalty, count)
    )
    return Row(tuple(float(a * step) for a in starts[0]), width * step, starts[1])


def _coarse(profile: Profile, step: int, how: object) -> Profile:
    if step == 1:
        return profile
    starts = np.arange(0, len(profile), step)
    if how is np.max:
        return np.maximum.reduceat(profile, starts)
    return np.asarray(np.add.reduceat(profile, starts) / np.float32(step), np.float32)


def _single(rise: Profile, fall: Profile, total: Floats, width: float, form: Format) -> Floats:
    """Return the score of a single picture at each left edge."""
    last = len(total) - 1
    a = np.arange(last)
    low, high = int(np.floor(width * (1 - form.vary))), int(np.ceil(width * (1 + form.vary)))
    best = np.zeros(last)
    for wide in range(low, high + 1):
        at = a + wide
        best = np.maximum(best, np.where(at < len(fall), fall[np.minimum(at, len(fall) - 1)], 0.0))
    ends = np.minimum(a + round(width), last)
    mean = (total[ends] - total[a]) / width
    worth = EDGE * (rise[:last] + best) + FILLED * (mean - LEAST_FILLED)
    # A picture must be on the strip, within the variation of its width.
    return np.where(a + low <= last, worth, -np.inf)


def _jumps(form: Format, grid: float) -> tuple[NDArray[np.intp], Floats]:
    """Return the distances from one left edge to the next, and the cost of each."""
    pitch, sd = form.pitch * grid, form.sd * form.pitch * grid
    first = int(np.ceil(min(form.along * OVERLAP, form.along - OVERLAP_MM) * grid))
    jumps = np.arange(first, int((MOST_SKIPPED + 1.3) * pitch))
    return jumps, _cost(jumps / pitch, sd / pitch)


def _cost(distances: Floats, sd: float) -> Floats:
    """Return the costs of distances between pictures, given in pitches."""
    costs = [
        SPACING * np.log1p(((distances - k) / (sd * k**0.5)) ** 2) + SKIPPED * (k - 1)
        for k in range(1, MOST_SKIPPED + 2)
    ]
    return np.asarray(np.minimum.reduce(costs))


def spacing(starts: list[float], scale: float, form: Format) -> float:
    """Return the mean cost of a row's distances between pictures; 0 for a single one.

    Parameters
    ----------
    starts : list of float
        Where the pictures begin, in cells.
    scale : float
        Cells per millimeter.
    form : Format
        The film format.
    """
    if len(starts) < 2:
        return 0.0
    return float(_cost(np.diff(starts) / (form.pitch * scale), form.sd).mean())


def _chain(
    single: Floats,
    total: Floats,
    width: float,
    cost: float,
    jumps: NDArray[np.intp],
    penalty: Floats,
) -> tuple[list[int], float]:
    """Return the best row with any number of pictures, and its score."""
    length = len(single)
    ends = np.minimum(np.arange(length) + round(width), length)
    best = np.full(length, -np.inf)
    # score of a row that ends with this picture, without the cost beyond it
    after = np.full(length, -np.inf)
    back = np.full(length, -1)
    for a in range(length):
        if single[a] == -np.inf:
            continue
        value, origin = -cost * total[a], -1
        count = int(np.searchsorted(jumps, a, side="right"))
        if count:
            before = a - jumps[:count]
            tried = (
                after[before] - penalty[:count] - cost * np.maximum(total[a], total[ends[before]])
            )
            top = int(np.argmax(tried))
            if tried[top] > value:
                value, origin = float(tried[top]), int(before[top])
        best[a], back[a] = value + single[a], origin
        after[a] = best[a] + cost * total[ends[a]]
    totals = after - cost * total[-1]
    top = int(np.argmax(totals))
    nothing = -cost * total[-1]
    if not totals[top] > nothing:
        return [], nothing
    return _traced(back, top), float(totals[top])


def _counted(
    single: Floats,
    total: Floats,
    width: float,
    cost: float,
    jumps: NDArray[np.intp],
    penalty: Floats,
    count: int,
) -> tuple[list[int], float]:
    """Return the best row of ``count`` pictures, or of as many as there is room for."""
    length = len(single)
    ends = np.minimum(np.arange(length) + round(width), length)
    layers = [np.where(np.isfinite(single), single - cost * total[:length], -np.inf)]
    backs = [np.full(length, -1)]
    for _ in range(1, count):
        after = layers[-1] + cost * total[ends]
        best, back = np.full(length, -np.inf), np.full(length, -1)
        for jump, off in zip(jumps, penalty, strict=True):
            if jump >= length:
                break
            tried = after[:-jump] - off - cost * np.maximum(total[jump:length], total[ends[:-jump]])
            better = tried > best[jump:]
            best[jump:][better] = tried[better]
            back[jump:][better] = np.flatnonzero(better)
        best = best + single
        if not np.isfinite(best).any():
            break
        layers.append(best)
        backs.append(back)
    totals = layers[-1] + cost * total[ends] - cost * total[-1]
    top = int(np.argmax(totals))
    places = [top]
    for back in backs[:0:-1]:
        places.append(int(back[places[-1]]))
    return places[::-1], float(totals[top])


def _traced(back: NDArray[np.int_], last: int) -> list[int]:
    places = [last]
    while back[places[-1]] >= 0:
        places.append(int(back[places[-1]]))
    return places[::-1]
