"""Sample the colors of a chart's patches on a scan, and find those that cannot be used.

Covers reducing the scan to cells while it is read, and the median of each patch's inner part
with a reason if it cannot be used: clipping, or the edge of a shadow. The true colors are not
needed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import homography
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.find import ChartPosition, places

Floats = NDArray[np.float64]

CELLS = 1400  # along the longer side: a chart of a fifth of it has 60 cells a patch
CLIPPED = 0.999  # of full scale
SEARCH = 700  # pixels of the long side in the search for a chart
INNER = 0.27  # half the side of a patch's inner part, in parts of the pitch
MOST_CLIPPED = 0.01  # of a patch's cells
MOST_UNEVEN = 0.06  # density from one side of a patch to the other
LEAST_CELLS = 4
DARKEST = 1e-5


@dataclass(frozen=True, slots=True)
class Cells:
    """A scan in cells: ``mean`` (h, w, 3) of 0..1, ``clipped`` (h, w): 1 if a pixel is clipped.

    ``side`` is the side of a cell in pixels of the scan; ``size`` the scan's width and height.
    """

    mean: Floats
    clipped: Floats
    side: int
    size: tuple[int, int]

    @property
    def density(self) -> Floats:
        """Densities ``(h, w, 3)``."""
        return np.asarray(-np.log10(np.maximum(self.mean, DARKEST)))

    def coarser(self, longest: int) -> Cells:
        """Return the cells merged until the long side has at most ``longest``."""
        high, wide = self.mean.shape[:2]
        times = -(-max(high, wide) // longest)
        if times == 1:
            return self
        rows, columns = np.arange(0, high, times), np.arange(0, wide, times)
        tall = np.diff(np.append(rows, high)).astype(np.float64)
        across = np.diff(np.append(columns, wide)).astype(np.float64)
        count = tall[:, None] * across[None, :]
        mean = np.add.reduceat(np.add.reduceat(self.mean, rows, 0), columns, 1)
        clips = np.add.reduceat(np.add.reduceat(self.clipped, rows, 0), columns, 1)
        return Cells(mean / count[..., None], clips / count, self.side * times, self.size)

    def places(self, parts: Floats) -> Floats:
        """Convert parts of the frame ``(..., 2)`` to cells, whose centers are whole numbers."""
        return np.asarray(parts * np.array(self.size) / self.side - 0.5)

    def parts(self, at: Floats) -> Floats:
        """Convert positions in cells to parts of the frame."""
        return np.asarray((at + 0.5) * self.side / np.array(self.size))


class Reduction:
    """Takes the bands of a scan and keeps its cells: memory depends only on the cells.

    Parameters
    ----------
    width, height : int
        Pixels of the scan.
    full : float
        The value of white: 255, 65535 or 1.0.
    """

    def __init__(self, width: int, height: int, full: float, cells: int = CELLS) -> None:
        self.size, self.full = (width, height), full
        self.side = -(-max(width, height) // cells)
        shape = (-(-height // self.side), -(-width // self.side))
        exact = full != 1.0
        self._partial = np.uint32 if exact else np.float64
        self._sums: NDArray[Any] = np.zeros((*shape, 3), np.uint64 if exact else np.float64)
        self._ends = np.zeros(shape, np.bool_)
        self._heights = np.diff(np.append(np.arange(0, height, self.side), height))
        self._widths = np.diff(np.append(np.arange(0, width, self.side), width))

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Take a band ``(rows, width, 1 or 3)`` whose first row is ``first`` of the scan."""
        if band.dtype.kind == "f":
            band = np.nan_to_num(band, nan=0.0, posinf=1.0, neginf=0.0)
        top, bottom = first // self.side, (first + len(band) - 1) // self.side + 1
        tall = np.zeros((bottom - top, *band.shape[1:]), self._partial)
        high = np.zeros(tall.shape, band.dtype)
        low = np.full(tall.shape, self.full, band.dtype)
        # step by step and not by reduceat, which takes ten times as long
        for row in range(min(self.side, len(band))):
            rows = band[row :: self.side]
            start = (first + row) // self.side - top
            part = slice(start, start + len(rows))
            tall[part] += rows
            np.maximum(high[part], rows, out=high[part])
            np.minimum(low[part], rows, out=low[part])
        ends = np.asarray(((high >= CLIPPED * self.full) | (low <= 0)).any(axis=2))
        for column in range(self.side):
            columns = tall[:, column :: self.side]
            self._sums[top:bottom, : columns.shape[1]] += columns
            self._ends[top:bottom, : columns.shape[1]] |= ends[:, column :: self.side]

    def cells(self) -> Cells:
        """Return the cells, once all bands were taken."""
        counts = self._heights[:, None] * self._widths[None, :]
        mean = self._sums / counts[..., None] / self.full
        clipped = self._ends.astype(np.float64)
        return Cells(np.asarray(mean, np.float64), clipped, self.side, self.size)


@dataclass(frozen=True, slots=True)
class Sample:
    """The patches of one scan.

    ``values`` (patches, 3) are medians of 0..1, ``why`` has the reason not to use a patch
    (empty for one that can be used), ``corners`` (4, 2) are parts of the frame.
    """

    values: Floats
    why: tuple[str, ...]
    corners: Floats
    unexplained: float
    mirrored: bool = False


def take(cells: Cells, position: ChartPosition, chart: Chart) -> tuple[Floats, tuple[str, ...]]:
    """Return the patches' medians, and for each the reason not to use it.

    Parameters
    ----------
    cells : Cells
        The scan as a grid of cells.
    position : ChartPosition
        Where the chart is.
    chart : Chart
        The color chart.

    Returns
    -------
    tuple[Floats, tuple[str, ...]]
        Densities, shape (patches, 3), and the reasons; an empty one where a patch is good.
    """
    values, why = [], []
    density = cells.density.mean(axis=2)
    for center in places(chart):
        rows, columns, at = _inside(position.to_picture, center, cells.mean.shape[:2])
        if len(rows) < LEAST_CELLS:
            values.append(np.full(3, DARKEST))
            why.append("too small on the scan, or outside of it")
            continue
        values.append(np.median(cells.mean[rows, columns], axis=0))
        why.append(_against(cells.clipped[rows, columns], density[rows, columns], at))
    return np.array(values), tuple(why)


def _inside(
    matrix: Floats, center: Floats, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return the cells of a patch's inner part: rows, columns, and positions on the patch."""
    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    around = homography.apply(matrix, np.add(center, INNER * square))
    if not np.isfinite(around).all():
        around = np.zeros((4, 2))
    low = np.maximum(np.floor(around.min(axis=0)), 0).astype(np.int64)
    high = np.minimum(np.ceil(around.max(axis=0)) + 1, np.array(shape[::-1])).astype(np.int64)
    y, x = np.mgrid[low[1] : max(high[1], low[1]), low[0] : max(high[0], low[0])]
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    back: Floats = np.asarray(np.linalg.inv(matrix), np.float64)
    at = homography.apply(back, points.astype(np.float64)) - center
    within = (np.abs(at) <= INNER).all(axis=1)
    return points[within, 1], points[within, 0], at[within]


def _against(clipped: Floats, density: Floats, at: Floats) -> str:
    share = float(clipped.mean())
    if share > MOST_CLIPPED:
        return f"clipped: {share:.0%} of it is at the end of the scan's range"
    design = np.concatenate([at, np.ones((len(at), 1))], axis=1)
    gram = np.einsum("ij,ik->jk", design, design) + 1e-9 * np.eye(3)
    slope = np.linalg.solve(gram, np.einsum("ij,i->j", design, density))[:2]
    uneven = 2.0 * INNER * float(np.hypot(*slope))
    if uneven > MOST_UNEVEN:
        return f"uneven: {uneven:.2f} D from one side to the other; a shadow or a reflection?"
    return ""
