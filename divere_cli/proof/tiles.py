"""Reduce a scan's pictures once, for all the grades of a sheet.

Covers one pass over a scan: box means of its light for the tiles, and cells to measure if
the user has no preset. Means are taken before the grade, which is that of a batch. Layout
and drawing of the sheet are elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.color import grade
from divere_cli.develop import deskew, proxy, source
from divere_cli.develop.film_edge import EdgeView
from divere_cli.files import stamp
from divere_cli.films import notes
from divere_cli.image import geometry
from divere_cli.image.layout import Layout
from divere_cli.records.grade import Recipe, Space
from divere_cli.records.job import Frame, Job, Progress, Target
from divere_cli.records.outcome import FilmEdge
from divere_cli.records.roll import Measured
from divere_cli.roll import auto, downsample, measure
from divere_cli.roll.measurement import Measurement, to_json

Box = tuple[float, float, float, float]
Samples = NDArray[Any]
Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]

LEAST_ROWS = 40  # of cells: fewer are not merged


@dataclass(frozen=True, slots=True)
class Small:
    """One picture of a scan, cropped and turned, before any grade.

    ``samples`` (rows, columns, 1 or 3) are float32 of 0..1; ``grid`` are the cells to measure.
    """

    samples: Floats
    grid: downsample.Grid | None


@dataclass(frozen=True, slots=True)
class Read:
    """The result of one pass over a scan; ``film_edge`` where the job asks for it and it shows one.

    ``numbers`` are the frame numbers of the pictures, where the film's edge has numbers.
    """

    pictures: tuple[Small, ...]
    width: int
    height: int
    warnings: tuple[str, ...]
    film_edge: FilmEdge | None = None
    numbers: tuple[str, ...] = ()


def read(job: Job, progress: Progress, sizes: Sequence[tuple[int, int]], *, measured: bool) -> Read:
    """Read a scan once, and reduce the picture of each frame of its job.

    Parameters
    ----------
    job : Job
        ``frames`` have crops and orientations.
    progress : Progress
    sizes : sequence of (int, int)
        Largest width and height of each picture, after its turn.
    measured : bool
        Whether cells are kept to be measured.

    Raises
    ------
    ScanError
        As the reader raises it, or because the file was changed.
    """
    before = stamp.take(job.input)
    stamp.compare(job.stamp, before)
    with progress.stage("read"), source.open(job) as scan:
        head, layout = scan.header, scan.layout
        boxes = [geometry.box(frame.crop, head.width, head.height) for frame in job.frames]
        factor = min(
            _factor(box.width, box.height, frame.orientation, size)
            for box, frame, size in zip(boxes, job.frames, sizes, strict=True)
        )
        means = proxy.Reduction(head.width, head.height, layout, factor)
        full = {"uint8": 255.0, "uint16": 65535.0}.get(layout.dtype, 1.0)
        grids = [
            downsample.Reduction(
                deskew.inside((box.left, box.top, box.right, box.bottom), frame.turn), full
            )
            for box, frame in zip(boxes, job.frames, strict=True)
            if measured
        ]
        view = EdgeView(head) if job.film_edge else None
        for first, band in scan.bands():
            means.take(band)
            if view is not None:
                view.take(first, band)
            for grid in grids:
                grid.add(first, band)
            progress.advance((first + len(band)) / head.height)
        warnings = scan.warnings
    stamp.compare(before, stamp.take(job.input))
    made = means.finish().samples
    cells: list[downsample.Grid | None] = [grid.grid() for grid in grids]
    cells = cells or [None] * len(boxes)
    pictures = tuple(
        Small(_cut(made, box, factor, frame, size), grid)
        for box, frame, size, grid in zip(boxes, job.frames, sizes, cells, strict=True)
    )
    edge = view.read() if view is not None else None
    numbering = view.numbering if view is not None else None
    numbers = notes.numbers(edge, numbering, [frame.crop for frame in job.frames])
    return Read(pictures, head.width, head.height, warnings, edge, numbers)


def measurement(pictures: Sequence[Small], recipes: Sequence[Recipe]) -> str:
    """Return the measurement of small pictures as in the measure task of ``--auto``, as JSON.

    Parameters
    ----------
    pictures : sequence of Small
        The small pictures.
    recipes : sequence of Recipe
        The grade of each.
    """
    looks = []
    for picture, recipe in zip(pictures, recipes, strict=True):
        assert picture.grid is not None
        looks.append(measure.examine(picture.grid, recipe))
    return to_json(Measurement(tuple(looks)))


def decided(picture: Small, recipe: Recipe, name: str) -> Recipe:
    """Return the recipe with the gains that a batch would measure for this picture alone.

    Parameters
    ----------
    picture : Small
        The small picture.
    recipe : Recipe
        The grade with every name resolved.
    name : str
        Name of the picture.
    """
    frame = Frame(Target("", "", ""), recipe)
    scan = Measured(name, name, (frame,), measurement([picture], [recipe]))
    return auto.Auto("roll").decide((scan,)).scans[name].recipes[0]


def coarser(picture: Small) -> Small:
    """Return the picture with four cells merged into one, to measure thirty profiles faster.

    Gains change by less than 0.006 on the sample rolls.

    Parameters
    ----------
    picture : Small
        The small picture.
    """
    grid = picture.grid
    if grid is None or min(grid.clipped.shape) < 2 * LEAST_ROWS:
        return picture
    rows, columns = (side // 2 * 2 for side in grid.clipped.shape)
    mean = grid.mean[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, 3).mean(axis=(1, 3))
    clipped = grid.clipped[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).any(axis=(1, 3))
    return replace(picture, grid=replace(grid, mean=mean, clipped=np.asarray(clipped)))


def graded(samples: Floats, recipe: Recipe, space: Space) -> Codes:
    """Grade a small picture to 8 bits, as a batch does.

    Parameters
    ----------
    samples : Floats
        Linear samples, float32, 0 to 1, shape (rows, columns, 1 or 3).
    recipe : Recipe
        The grade with every name resolved.
    space : Space
        The color space.

    Returns
    -------
    Codes
        Codes, uint8, shape (rows, columns, 1 or 3).
    """
    channels = samples.shape[2]
    assert channels in (1, 3)
    layout = Layout(3 if channels == 3 else 1, 32, "float")
    compiled = grade.compile(recipe, space, layout, 8)
    out = np.empty((*samples.shape[:2], compiled.channels), np.uint8)
    compiled.apply(np.ascontiguousarray(samples), out)
    return out


def resized(samples: Floats, size: tuple[int, int]) -> Floats:
    """Return a picture at a size that is no larger, by area means.

    Parameters
    ----------
    samples : Floats
        Shape (rows, columns, channels).
    size : tuple[int, int]
        Width and height.

    Returns
    -------
    Floats
        Shape (height, width, channels).
    """
    high, wide = samples.shape[:2]
    return np.asarray(proxy.area(samples, (0.0, 0.0, wide, high), *size), np.float32)


def fitted(width: int, height: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a picture inside of a tile; it is never enlarged.

    Parameters
    ----------
    width : int
        Pixels of the picture.
    height : int
        Pixels of the picture.
    size : tuple[int, int]
        Width and height of the tile.
    """
    scale = min(1.0, size[0] / width, size[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _turned(width: int, height: int, orientation: int) -> tuple[int, int]:
    return geometry.turned_size(width, height, orientation)


def _factor(width: int, height: int, orientation: int, size: tuple[int, int]) -> int:
    """Return how many pixels of a side become one, so that a tile keeps its resolution."""
    wide, high = _turned(width, height, orientation)
    to_wide, to_high = fitted(wide, high, size)
    return max(1, min(wide // to_wide, high // to_high))


def _cut(
    made: Samples, box: geometry.Box, factor: int, frame: Frame, size: tuple[int, int]
) -> Floats:
    """Crop, reduce to the size of a tile, and turn; float32 of 0..1."""
    orientation, level = frame.orientation, (box.width, box.height)
    skewed = deskew.applies(frame.turn)
    if skewed:
        level = deskew.level(box, frame.turn)
    turned = fitted(*_turned(*level, orientation), size)
    to_wide, to_high = turned if orientation % 180 == 0 else turned[::-1]
    wide = round(to_wide * box.width / level[0])
    high = round(to_high * box.height / level[1])
    edges = (box.left / factor, box.top / factor, box.right / factor, box.bottom / factor)
    limits = (made.shape[1], made.shape[0])
    left, right = edges[0], min(edges[2], limits[0])
    top, bottom = edges[1], min(edges[3], limits[1])
    wide, high = min(wide, max(1, int(right - left))), min(high, max(1, int(bottom - top)))
    part = proxy.area(made, (left, top, right, bottom), wide, high)
    scale = 1.0 if part.dtype == np.float32 else 1.0 / 65535.0
    small = np.asarray(part * np.float32(scale), np.float32)
    if skewed:
        small = deskew.small(small, frame.turn)[:to_high, :to_wide]
    unmirrored = small[:, ::-1] if frame.mirrored else small
    return np.ascontiguousarray(np.rot90(unmirrored, orientation // 90))
