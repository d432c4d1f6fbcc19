"""Draw the chart as it was found on the scan, and as the new preset grades it.

The picture has two halves, drawn from the cells of a scan: the scan with the outlines of the
patches, and the chart straightened and graded, each patch with its published color in the
middle and its CIEDE2000. Runs in a worker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from divere_cli.calibrate import homography
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import D50, xyz_of_lab
from divere_cli.calibrate.find import ChartPosition, field, places
from divere_cli.calibrate.printed import printed
from divere_cli.calibrate.sample import INNER, Cells
from divere_cli.color.primaries import BRADFORD, rgb_to_xyz, xyz
from divere_cli.records.grade import Recipe, Space

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

HEIGHT = 560
GAP = 12
GROUND = (118, 118, 118)
MARK = (255, 64, 32)
TRUTH = 0.22  # half the side of the published color, in parts of the pitch
SRGB = Space("sRGB", ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.3127, 0.329), 2.4)


def draw(
    cells: Cells,
    position: ChartPosition,
    chart: Chart,
    recipe: Recipe,
    output: Space,
    after: Sequence[float],
    used: Sequence[bool],
) -> Image.Image:
    """Draw the chart as it was found, and beside it as graded, with its true colors.

    Parameters
    ----------
    cells : Cells
        The scan that the gains are for, as a grid of cells.
    position : ChartPosition
        Where the chart is in the cells.
    chart : Chart
        The color chart.
    recipe : Recipe
        The grade of the new preset.
    output : Space
        Color space of the positive.
    after, used : sequence
        CIEDE2000 of each patch, and whether the patch is used.
    """
    left = _scan(cells, position, chart, recipe.film.invert)
    right = _graded(cells, position, chart, recipe, output)
    _label(right, chart, after, used)
    page = Image.new("RGB", (left.width + right.width + 3 * GAP, HEIGHT + 2 * GAP), GROUND)
    page.paste(left, (GAP, GAP + (HEIGHT - left.height) // 2))
    page.paste(right, (left.width + 2 * GAP, GAP + (HEIGHT - right.height) // 2))
    return page


def srgb(lab: Floats) -> Codes:
    """Convert Lab (D50) to 8-bit sRGB; colors outside of sRGB are clipped.

    Parameters
    ----------
    lab : Floats
        Lab, shape (..., 3).

    Returns
    -------
    Codes
        Codes, uint8, shape (..., 3).
    """
    cones = (BRADFORD @ xyz(SRGB.white)) / (BRADFORD @ D50)
    adapt = np.linalg.inv(BRADFORD) @ (cones[:, None] * BRADFORD)
    linear = xyz_of_lab(lab) @ (np.linalg.inv(rgb_to_xyz(SRGB)) @ adapt).T
    linear = np.clip(linear, 0.0, 1.0)
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1.0 / 2.4) - 0.055
    codes = np.rint(np.where(linear <= 0.0031308, 12.92 * linear, curved) * 255.0)
    return np.asarray(codes, np.uint8)


def _scan(cells: Cells, position: ChartPosition, chart: Chart, negative: bool) -> Image.Image:
    """Draw the scan as a viewer shows it, with its thinnest parts white, and the outlines."""
    top = np.quantile(cells.mean.reshape(-1, 3), 0.995, axis=0) if negative else 1.0
    rendered = np.clip(cells.mean / np.maximum(top, 1e-6), 0.0, 1.0) ** (1.0 / 2.2)
    picture = Image.fromarray(np.rint(rendered * 255.0).astype(np.uint8))
    scale = HEIGHT / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    method = Image.Resampling.BOX if scale < 1.0 else Image.Resampling.NEAREST
    picture = picture.resize(size, method)
    pen = ImageDraw.Draw(picture)

    def polygon(places: Floats, width: int) -> None:
        points = (homography.apply(position.to_picture, places) + 0.5) * scale
        pen.polygon([(float(x), float(y)) for x, y in points], outline=MARK, width=width)

    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * INNER
    polygon(field(chart), 2)
    for center in places(chart):
        polygon(center + square, 1)
    x, y = (homography.apply(position.to_picture, np.zeros((1, 2)))[0] + 0.5) * scale
    pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=MARK)  # the chart's own first patch
    return picture


def _graded(
    cells: Cells, position: ChartPosition, chart: Chart, recipe: Recipe, output: Space
) -> Image.Image:
    """Draw the chart straightened and graded, with published colors in the patches' middles."""
    pitch = max(24, min(HEIGHT // chart.rows, 1100 // chart.columns))
    wide, high = chart.columns * pitch, chart.rows * pitch
    y, x = np.mgrid[0:high, 0:wide]
    at = np.stack([(x + 0.5) / pitch - 0.5, (y + 0.5) / pitch - 0.5], axis=-1)
    rows, columns = cells.mean.shape[:2]
    pixels = np.nan_to_num(homography.apply(position.to_picture, at))
    column = np.clip(np.rint(pixels[..., 0]), 0, columns - 1).astype(np.int64)
    row = np.clip(np.rint(pixels[..., 1]), 0, rows - 1).astype(np.int64)
    lab = printed(recipe, output, cells.mean[row, column].reshape(-1, 3)).reshape(high, wide, 3)
    reference = np.array([patch.lab for patch in chart.patches])
    nearest = np.rint(at)
    middle = (np.abs(at - nearest) < TRUTH).all(axis=-1)
    patch_index = (nearest[..., 1] * chart.columns + nearest[..., 0]).astype(np.int64)
    lab[middle] = reference[patch_index[middle]]
    return Image.fromarray(srgb(lab))


def _label(
    picture: Image.Image, chart: Chart, after: Sequence[float], used: Sequence[bool]
) -> None:
    pen = ImageDraw.Draw(picture)
    pitch = picture.width / chart.columns
    font = ImageFont.load_default(max(9, round(pitch * 0.14)))
    for index, patch in enumerate(chart.patches):
        row, column = divmod(index, chart.columns)
        light = patch.lab[0] < 55.0
        text = f"{after[index]:.1f}" if used[index] else "left out"
        at = ((column + 0.5) * pitch, (row + 0.5) * pitch)
        pen.text(at, text, fill=(255, 255, 255) if light else (0, 0, 0), font=font, anchor="mm")
