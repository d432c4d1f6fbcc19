"""Find a color chart on a picture of a negative.

Covers the search for a chart of rows and columns in any orientation, mirrored or tilted:
areas with the shape of patches, lattices of such areas, every window of the chart's size in
each lattice, all eight orientations. The best one leaves the smallest share of the variance
of the chart's published colors (log light) unexplained by a linear fit of the densities. The
caller decides whether this is certain enough (:data:`SURE`). Charts with a single row are
not found, as they form no lattice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import areas as flat
from divere_cli.calibrate import homography, lattice
from divere_cli.calibrate.chart import FILL, Chart
from divere_cli.calibrate.color_difference import xyz_of_lab
from divere_cli.calibrate.lattice import Lattice

Floats = NDArray[np.float64]

SURE = 0.15  # unexplained; correct charts leave 0.03 at most, wrong ones 0.4 and more
CERTAIN = 0.03  # unexplained; the search for a better one ends
LEAST_SPREAD = 0.06  # density, standard deviation of the patches: equal areas prove nothing
LEAST_SEEN = 0.33  # of a window's patches must be areas of the lattice
MOST_WINDOWS = 80
INNER = 0.3  # half the side of the sampled part of a patch, in steps of the lattice
POINTS = 5  # along that side
BEYOND = 0.02  # of the picture: how far outside the center of a patch may be
DARKEST_LIGHT = 1e-3
REFINE = 0.3  # of a step: an area this near to the position of a patch is the patch
LIKE = 0.8  # of the usual size: complete patches
RIGHT = np.array([1.0, 0.0])
STRAY = 0.03  # of a step: areas this near to their positions are always kept


@dataclass(frozen=True, slots=True)
class ChartPosition:
    """Position of a chart on a picture.

    ``to_picture`` maps chart coordinates (column, row; patch centers are whole numbers) to
    pixels (x, y). ``unexplained`` is 0 for a perfect match and 1 for no match.
    """

    to_picture: Floats
    unexplained: float

    @property
    def mirrored(self) -> bool:
        """Whether the chart is mirrored: the film was scanned from the wrong side."""
        square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        origin, along, down = homography.apply(self.to_picture, square)
        u, v = along - origin, down - origin
        return bool(u[0] * v[1] - u[1] * v[0] < 0.0)


def from_corners(corners: Floats, chart: Chart) -> ChartPosition | None:
    """Return a chart whose patch field has the given corners.

    Parameters
    ----------
    corners : Floats
        Pixels, shape (4, 2), in the chart's own order.
    chart : Chart
        The color chart.
    """
    matrix = homography.fit(field(chart), corners)
    return None if matrix is None else ChartPosition(matrix, 0.0)


def unexplained_at(density: Floats, position: ChartPosition, chart: Chart) -> tuple[float, float]:
    """Return the unexplained share of a chart at a position: as given, and at its best turn.

    Both are 1.0 if its patches do not differ or are outside the picture.

    Parameters
    ----------
    density : Floats
        Densities, shape (h, w, 3).
    position : ChartPosition
        The chart at the given position.
    chart : Chart
        The color chart.
    """
    match, colors = _Match(chart), _colors(flat.smooth(density), position.to_picture, chart)
    best = match.unexplained(colors)
    if colors is None or best is None:
        return 1.0, 1.0
    return match.share_left(colors), best[0]


def field(chart: Chart) -> Floats:
    """Return the corners of the patch field in chart units.

    Parameters
    ----------
    chart : Chart
        The color chart.

    Returns
    -------
    Floats
        Top left, top right, bottom right and bottom left, shape (4, 2).
    """
    half = FILL / 2.0
    right, bottom = chart.columns - 1 + half, chart.rows - 1 + half
    return np.array([[-half, -half], [right, -half], [right, bottom], [-half, bottom]])


def places(chart: Chart) -> Floats:
    """Return the centers of the patches in chart units.

    Parameters
    ----------
    chart : Chart
        The color chart.

    Returns
    -------
    Floats
        Centers, row by row, shape (patches, 2).
    """
    rows, columns = np.divmod(np.arange(chart.rows * chart.columns), chart.columns)
    return np.stack([columns, rows], axis=1).astype(np.float64)


def find(density: Floats, chart: Chart) -> ChartPosition | None:
    """Find a chart.

    Parameters
    ----------
    density : ndarray
        ``(h, w, 3)``, densities of the scan; a long side near 700 pixels suits patches of
        10 pixels and more.
    chart : Chart
        The chart, with at least two rows and two columns.

    Returns
    -------
    ChartPosition or None
        The most likely position, certain or not; None if nothing is arranged like a chart.
    """
    match = _Match(chart)
    smooth = flat.smooth(density)
    area_sets = flat.find(density)
    best: ChartPosition | None = None
    for areas in area_sets:
        for grid in lattice.walk(areas):
            for candidate in _windows(grid, chart):
                result = match.unexplained(_colors(smooth, candidate, chart))
                if result is None or (best is not None and result[0] >= best.unexplained):
                    continue
                best = ChartPosition(candidate @ match.turns[result[1]], result[0])
        if best is not None and best.unexplained < CERTAIN:
            break
    return None if best is None else _refined(best, area_sets, smooth, match, chart)


class _Match:
    """Compares colors with a chart, in all orientations."""

    def __init__(self, chart: Chart) -> None:
        lab = np.array([patch.lab for patch in chart.patches])
        light = np.log10(np.maximum(_working(xyz_of_lab(lab)), DARKEST_LIGHT))
        self.published = light - light.mean(axis=0)
        self.total = float((self.published**2).sum())
        at = places(chart).astype(np.int64)
        columns, rows = chart.columns, chart.rows
        self.orders: list[NDArray[np.int64]] = []
        self.turns: list[Floats] = []
        for flip_x in (False, True):
            for flip_y in (False, True):
                x = columns - 1 - at[:, 0] if flip_x else at[:, 0]
                y = rows - 1 - at[:, 1] if flip_y else at[:, 1]
                self.orders.append(y * columns + x)
                sx, sy = (-1.0 if flip_x else 1.0), (-1.0 if flip_y else 1.0)
                tx, ty = (columns - 1.0) * flip_x, (rows - 1.0) * flip_y
                self.turns.append(np.array([[sx, 0.0, tx], [0.0, sy, ty], [0.0, 0.0, 1.0]]))

    def unexplained(self, colors: Floats | None) -> tuple[float, int] | None:
        """Return the least unexplained share, and its orientation; None if colors do not differ."""
        if colors is None or colors.std(axis=0).max() < LEAST_SPREAD:
            return None
        shares = [self.share_left(colors[order]) for order in self.orders]
        turn = int(np.argmin(shares))
        return shares[turn], turn

    def share_left(self, colors: Floats) -> float:
        """Return the unexplained share of the published colors, without the worst patch."""
        counted = np.ones(len(colors), bool)
        residual = _residual(colors, self.published, counted)
        per_patch = (residual**2).sum(axis=1)
        counted[int(np.argmax(per_patch))] = False
        without = _residual(colors, self.published, counted)
        published = self.published[counted]
        total = float(((published - published.mean(axis=0)) ** 2).sum())
        return float((without[counted] ** 2).sum() / max(total, 1e-12))


def _residual(colors: Floats, published: Floats, fitted: NDArray[np.bool_]) -> Floats:
    """Return the residual of ``published`` (n, 3) after a linear fit of ``colors`` (n, 3)."""
    design = np.concatenate([colors, np.ones((len(colors), 1))], axis=1)
    used = design[fitted]
    gram = np.einsum("ij,ik->jk", used, used) + 1e-9 * np.eye(4)
    right = np.einsum("ij,ik->jk", used, published[fitted])
    return np.asarray(published - design @ np.linalg.solve(gram, right))


def _working(xyz: Floats) -> Floats:
    """Convert XYZ (D50) to RGB with ProPhoto's primaries, whose channels films separate."""
    matrix = np.array(
        [
            [1.3459433, -0.2556075, -0.0511118],
            [-0.5445989, 1.5081673, 0.0205351],
            [0.0, 0.0, 1.2118128],
        ]
    )
    return np.asarray(xyz @ matrix.T)


def _windows(grid: Lattice, chart: Chart) -> Iterator[Floats]:
    """Yield homographies of all positions of the chart on a lattice, upright or on its side."""
    at = np.array(list(grid.places))
    for swap in (False, True):
        width, height = (chart.rows, chart.columns) if swap else (chart.columns, chart.rows)
        tried = 0
        for i in _origins(at[:, 0], width):
            for j in _origins(at[:, 1], height):
                inside = (at[:, 0] >= i) & (at[:, 0] < i + width)
                inside &= (at[:, 1] >= j) & (at[:, 1] < j + height)
                if inside.sum() < LEAST_SEEN * width * height or tried > MOST_WINDOWS:
                    continue
                tried += 1
                axes = [[0.0, 1.0], [1.0, 0.0]] if swap else [[1.0, 0.0], [0.0, 1.0]]
                moved = np.array([[*axes[0], i], [*axes[1], j], [0.0, 0.0, 1.0]])
                yield grid.to_picture @ moved


def _origins(index: NDArray[np.int64], length: int) -> range:
    low, high = int(index.min()), int(index.max())
    first, last = low, high - length + 1
    return range(min(first, last), max(first, last) + 1)


def _colors(density: Floats, to_picture: Floats, chart: Chart) -> Floats | None:
    """Return the median density of each patch's inner part; None if it is outside the picture."""
    height, width = density.shape[:2]
    centers = homography.apply(to_picture, places(chart))
    margin = BEYOND * max(height, width)
    low, high = centers.min(axis=0), centers.max(axis=0)
    if not (np.isfinite(centers).all() and (low > -margin).all()):
        return None
    if high[0] > width + margin or high[1] > height + margin:
        return None
    steps = np.linspace(-INNER, INNER, POINTS)
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    points = homography.apply(to_picture, places(chart)[:, None, :] + offsets)
    x = np.clip(np.rint(points[..., 0]), 0, width - 1).astype(np.int64)
    y = np.clip(np.rint(points[..., 1]), 0, height - 1).astype(np.int64)
    return np.asarray(np.median(density[y, x], axis=1))


def _refined(
    position: ChartPosition, areas: list[flat.Areas], density: Floats, match: _Match, chart: Chart
) -> ChartPosition:
    """Fit the homography to the areas that are the patches, unless the match becomes worse."""
    matrix = _fitted(position, areas, places(chart))
    colors = None if matrix is None else _colors(density, matrix, chart)
    if matrix is None or colors is None:
        return position
    share = match.share_left(colors)
    return ChartPosition(matrix, share) if share <= position.unexplained + 0.01 else position


def _fitted(position: ChartPosition, areas: list[flat.Areas], at: Floats) -> Floats | None:
    """Fit the homography to areas of a patch's size, without those far from their positions.

    Half a patch, beside the edge of a shadow, is as flat as a whole one but has another center.
    """
    centers = homography.apply(position.to_picture, at)
    step = np.hypot(*(homography.apply(position.to_picture, at + RIGHT) - centers).T)
    area_centers = np.concatenate([area_set.centers for area_set in areas])
    sizes = np.concatenate([area_set.sizes for area_set in areas])
    away = np.hypot(*(area_centers[None] - centers[:, None]).transpose(2, 0, 1))
    near = (away < REFINE * step[:, None]) & (sizes[None] > 0.4 * step[:, None])
    relative = sizes[None] / step[:, None]
    if not near.any():
        return None
    usual = float(np.median(relative[near]))
    near &= (relative > LIKE * usual) & (relative < usual / LIKE)
    matched = np.flatnonzero(near.any(axis=1))
    target = np.array([np.median(area_centers[near[i]], axis=0) for i in matched]).reshape(-1, 2)
    matrix = None
    for _ in range(4):
        if len(matched) < lattice.LEAST:
            return matrix
        matrix = homography.fit(at[matched], target)
        if matrix is None:
            return None
        off = np.hypot(*(homography.apply(matrix, at[matched]) - target).T) / step[matched]
        good = off <= max(2.5 * float(np.median(off)), STRAY)
        if good.all():
            break
        matched, target = matched[good], target[good]
    return matrix
