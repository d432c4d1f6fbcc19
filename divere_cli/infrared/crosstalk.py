"""The share of the picture that shows in infrared: the red layer's crosstalk, and silver.

The dyes of color film let infrared through but for a few percent of the cyan
dye; silver and Kodachrome do not, so that infrared follows the picture and
shows no dust that could be told from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from divere_cli.infrared.level import around, median

Floats = NDArray[np.float32]

EVERY = 4
ROUNDS, DROP = 3, 3.0
# what stands out of infrared by so much is a defect or an edge, and left out of the slope with
# all that a mean mixes with it: a defect has its own slope, of about 1
MARK, MIXED = 0.03, 0.02
MOST = 0.2  # a slope that is taken off; color film has 0.03 to 0.09
SILVER_SLOPE = 0.25
SILVER_CORRELATION = 0.7
# of the gate on green: a slope that was measured too low correlates, too, but is small
FOLLOWS = 0.08


def slope(pairs: Sequence[tuple[Floats, Floats]]) -> float:
    """Slope of infrared on red density.

    Parameters
    ----------
    pairs : sequence of (infrared, red)
        Squares of log density that lie on each other.

    Returns
    -------
    float
        0 or more, not limited to what color film has.
    """
    if not pairs:
        return 0.0
    x, y = (np.concatenate(parts) for parts in zip(*map(_clear, pairs), strict=True))
    if not len(x):
        return 0.0
    used = np.ones(len(x), bool)
    measured = 0.0
    for _ in range(ROUNDS):
        weight = _product(x[used], x[used])
        if weight <= 0:
            return 0.0
        measured = _product(x[used], y[used]) / weight
        residual = np.abs(y - np.float32(measured) * x)
        used = residual <= DROP * max(1.4826 * float(np.median(residual)), 1e-4)
    return max(measured, 0.0)


def _clear(pair: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Details of red and infrared where no mark is near."""
    infrared, red = pair
    every_third = infrared[::3, ::3]
    typical = float(np.median(every_third))
    spread = 1.5 * float(np.median(np.abs(every_third - typical)))
    marks = _means((infrared > typical + MARK + spread).astype(np.float32))
    x, y = _detail(red), _detail(infrared)
    clear = marks[: x.shape[0], : x.shape[1]] < MIXED
    return x[clear], y[clear]


def _means(plane: Floats) -> Floats:
    """Means of 4x4 pixels."""
    down, across = plane.shape[0] // EVERY, plane.shape[1] // EVERY
    rows = plane[: down * EVERY, : across * EVERY]
    total = rows[0::EVERY] + rows[1::EVERY] + rows[2::EVERY] + rows[3::EVERY]
    columns = total[:, 0::EVERY] + total[:, 1::EVERY] + total[:, 2::EVERY] + total[:, 3::EVERY]
    return np.asarray(columns * np.float32(1 / EVERY**2), dtype=np.float32)


def _detail(plane: Floats) -> Floats:
    """Means of 4x4 pixels, less the median around."""
    points = _means(plane)
    side = (points.shape[0] // EVERY * EVERY, points.shape[1] // EVERY * EVERY)
    points = points[: side[0], : side[1]]
    # the 15x15 median of every point costs 16 times as much as of every 4th one
    medians = np.repeat(np.repeat(_medians(points), EVERY, 0), EVERY, 1)
    return points - medians


def _medians(points: Floats) -> Floats:
    padded = np.pad(points, (6, 5 + EVERY), mode="edge")
    boxes = np.lib.stride_tricks.sliding_window_view(padded, (15, 15))[::EVERY, ::EVERY]
    down, across = points.shape[0] // EVERY, points.shape[1] // EVERY
    part = boxes[:down, :across, ::2, ::2].reshape(down, across, -1)
    return median(part)


def is_silver(slope: float, gate: Floats, green: Floats) -> bool:
    """Whether infrared follows the picture.

    Parameters
    ----------
    slope : float
        Slope of infrared on red, as measured.
    gate, green : ndarray of float32
        Cells of infrared less crosstalk, before the level is taken off, and of
        green density.
    """
    if slope > SILVER_SLOPE:
        return True
    # every other cell: the median of 5x5 of them costs a twelfth of that of 9x9
    gate, green = gate[::2, ::2], green[::2, ::2]
    reach = min(2, (min(gate.shape) - 1) // 2)
    gate_detail, green_detail = ((cells - around(cells, reach)).ravel() for cells in (gate, green))
    weight = _product(green_detail, green_detail)
    size = float(np.sqrt(weight * _product(gate_detail, gate_detail)))
    if size <= 0:
        return False
    product = _product(gate_detail, green_detail)
    return product / size > SILVER_CORRELATION and product / weight > FOLLOWS


def _product(left: Floats, right: Floats) -> float:
    """Sum of products, whose last bits do not depend on a library's threads."""
    return float(np.multiply(left, right).sum(dtype=np.float64))
