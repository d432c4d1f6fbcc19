"""The worker's side of a sheet: read the scan once, grade it many times, draw.

Covers the sheet of one scan, and the two steps of a contact sheet: a worker reduces each
scan, then one worker draws all of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from divere_cli.errors import Unreadable
from divere_cli.image import icc
from divere_cli.proof import drawing, layout, tiles, variants
from divere_cli.proof.drawing import Tile
from divere_cli.proof.orders import (
    Cells,
    ContactOrder,
    ContactTile,
    Named,
    SheetOrder,
    SmallOrder,
)
from divere_cli.proof.variants import Variant
from divere_cli.records import serialize
from divere_cli.records.grade import Space
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult, Written

LINES = 2
PAGE_TILES = 30  # of a PDF
PAGE_COLUMNS = 5


def sheet(job: Job, progress: Progress) -> TaskResult:
    """Draw the sheet of ``job.parameters`` (a SheetOrder) into the frame's target.

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.

    Raises
    ------
    ScanError
        As the reader raises it; then the written file is not valid.
    """
    order = serialize.from_text(SheetOrder, job.parameters)
    frame = job.frames[0]
    planned = variants.variants(order.vary, order.profiles, order.step)
    read = tiles.read(job, progress, [_largest(planned, order.size)], measured=order.measured)
    picture = read.pictures[0]
    with progress.stage("grade"):
        aspect = picture.samples.shape[1] / picture.samples.shape[0]
        profiles = _measured(order, picture)
        made = variants.variants(order.vary, profiles, order.step)
        places = [variant.at for variant in made]
        plan = layout.fitted(places, aspect, LINES, order.size)
        small = _inside(picture.samples, plan)
        drawn = [
            Tile(v.lines, v.at, _sized(tiles.graded(small, v.recipe, order.space), plan), v.center)
            for v in made
        ]
        page = drawing.sheet(plan, drawn, order.title)
    written = _saved(
        frame.target.temp, frame.target.name, [page], order.form, order.space, progress
    )
    return TaskResult(
        width=read.width, height=read.height, written=(written,), warnings=read.warnings
    )


def small(job: Job, progress: Progress) -> TaskResult:
    """Write small pictures of a scan's frames to their targets, and measure them if requested.

    ``job.parameters`` is a SmallOrder. The result has the shapes of the pictures (float32 of
    0..1) and the measurement.

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.
    """
    order = serialize.from_text(SmallOrder, job.parameters)
    measured = order.measured
    size = (order.side, order.side)
    read = tiles.read(job, progress, [size] * len(job.frames), measured=measured)
    with progress.stage("write"):
        for frame, picture in zip(job.frames, read.pictures, strict=True):
            with open(frame.target.temp, "r+b") as file:
                file.write(picture.samples.tobytes())
    measurement = ""
    if measured:
        with progress.stage("grade"):
            recipes = [frame.recipe for frame in job.frames]
            measurement = tiles.measurement(read.pictures, recipes)
    shapes = tuple(_shape(picture.samples) for picture in read.pictures)
    cells = Cells(shapes, measurement, read.numbers)
    return TaskResult(
        width=read.width,
        height=read.height,
        warnings=read.warnings,
        measurement=serialize.to_text(cells),
        film_edge=read.film_edge,
    )


def contact(job: Job, progress: Progress) -> TaskResult:
    """Draw the contact sheet of ``job.parameters``, a ContactOrder.

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.
    """
    order = serialize.from_text(ContactOrder, job.parameters)
    assert job.sidecar is not None
    frames = iter(job.frames)
    drawn: list[Tile] = []
    with progress.stage("grade"):
        for index, tile in enumerate(order.tiles):
            picture = None
            if not tile.failed:
                frame = next(frames)
                samples = _loaded(frame.target.temp, tile.shape)
                picture = tiles.graded(samples, frame.recipe, order.space)
            drawn.append(Tile(_labels(tile), (0.0, 0), picture))
            progress.advance((index + 1) / len(order.tiles))
        pages = _pages(order, drawn)
    target = job.sidecar
    written = _saved(target.temp, target.name, pages, order.form, order.space, progress)
    return TaskResult(written=(written,))


def _measured(order: SheetOrder, picture: tiles.Small) -> tuple[Named, ...]:
    if not order.measured:
        return order.profiles
    if len(order.profiles) > 1:
        picture = tiles.coarser(picture)
    return tuple(
        Named(named.name, tiles.decided(picture, named.recipe, named.name))
        for named in order.profiles
    )


def _largest(planned: Sequence[Variant], size: int) -> tuple[int, int]:
    """Return the largest size of a tile: its aspect is not known before the scan is open."""
    columns = max(column for column, _ in (variant.at for variant in planned)) + 1.0
    rows = max(row for _, row in (variant.at for variant in planned)) + 1
    side = round(size / min(columns, rows))
    return side, side


def _inside(samples: tiles.Floats, plan: layout.Layout) -> tiles.Floats:
    """Return the picture at the size of a tile; box means have reduced it close to this size."""
    high, wide = samples.shape[:2]
    size = tiles.fitted(wide, high, (plan.tile_width, plan.tile_height))
    return samples if size == (wide, high) else tiles.resized(samples, size)


def _shape(samples: tiles.Floats) -> tuple[int, int, int]:
    rows, columns, channels = samples.shape
    return rows, columns, channels


def _loaded(path: str, shape: tuple[int, int, int]) -> tiles.Floats:
    samples = np.fromfile(path, np.float32)
    if samples.size != int(np.prod(shape)):
        raise Unreadable("a small picture of the roll is incomplete")
    return samples.reshape(shape)


def _labels(tile: ContactTile) -> tuple[str, ...]:
    return (tile.name, *((f"failed: {tile.failed}",) if tile.failed else tile.lines))


def _pages(order: ContactOrder, drawn: list[Tile]) -> list[Image.Image]:
    """Draw all tiles on one sheet, or for a PDF on pages of :data:`PAGE_TILES`."""
    count = PAGE_TILES if order.form == "PDF" else len(drawn)
    groups = [drawn[first : first + count] for first in range(0, len(drawn), count)]
    pages = []
    for number, group in enumerate(groups, 1):
        columns = PAGE_COLUMNS
        if order.form != "PDF":
            columns = variants.columns_for(len(group), variants.CONTACT_ASPECT)
        places = [(float(i % columns), i // columns) for i in range(len(group))]
        full_page = (
            places if len(groups) == 1 else [(float(columns - 1), PAGE_TILES // columns - 1)]
        )
        plan = layout.fitted([*places, *full_page], variants.CONTACT_ASPECT, 1 + LINES, order.size)
        placed = [
            replace(tile, at=at, picture=_sized(tile.picture, plan))
            for tile, at in zip(group, places, strict=True)
        ]
        title = order.title + (f", page {number} of {len(groups)}" if len(groups) > 1 else "")
        pages.append(drawing.sheet(plan, placed, title))
    return pages


def _sized(picture: drawing.Codes | None, plan: layout.Layout) -> drawing.Codes | None:
    """Return a picture as large as its tile: reduced by means, or enlarged by whole pixels."""
    if picture is None:
        return None
    high, wide = picture.shape[:2]
    scale = min(plan.tile_width / wide, plan.tile_height / high)
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    if size == (wide, high):
        return picture
    flat = picture[..., 0] if picture.shape[2] == 1 else picture
    method = Image.Resampling.BOX if scale < 1.0 else Image.Resampling.NEAREST
    made = np.asarray(Image.fromarray(flat).resize(size, method))
    return made.reshape(size[1], size[0], picture.shape[2])


def _saved(
    path: str, name: str, pages: list[Image.Image], form: str, space: Space, progress: Progress
) -> Written:
    with progress.stage("write"), open(path, "r+b") as file:
        drawing.save(file, pages, form, icc.profile(space))
        file.seek(0, os.SEEK_END)
        size = file.tell()
    return Written(name, size, pages[0].width, pages[0].height, 3)
