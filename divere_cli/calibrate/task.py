"""The worker's side: read a scan, find the chart on it, sample its patches, draw it.

Covers decoding and all work on pixels. The samples are used in the parent
(:mod:`divere_cli.calibrate.run`).
"""

from __future__ import annotations

import os

import numpy as np

from divere_cli.calibrate import find, homography, picture, sample
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.find import ChartPosition
from divere_cli.calibrate.orders import Corners, FindOrder, PatchSamples, PictureOrder
from divere_cli.calibrate.sample import Cells, Reduction
from divere_cli.develop import source
from divere_cli.develop.film_edge import EdgeView
from divere_cli.errors import Unsupported
from divere_cli.files import stamp
from divere_cli.records import serialize
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import FilmEdge, TaskResult, Written

MONOCHROME = "has one channel: a chart's colors cannot be measured on it"


def samples(job: Job, progress: Progress) -> TaskResult:
    """Find the chart of ``job.parameters`` (a FindOrder) and take its samples (a PatchSamples).

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.

    Raises
    ------
    Unsupported
        No chart was found, or none with certainty.
    ScanError
        As the reader raises it.
    """
    order = serialize.from_text(FindOrder, job.parameters)
    cells, warnings, edge = _cells(job, progress)
    with progress.stage("grade"):
        position = _locate(cells, order)
        values, why = sample.take(cells, position, order.chart)
        corners = cells.parts(homography.apply(position.to_picture, find.field(order.chart)))
    measured = PatchSamples(
        values=tuple((float(r), float(g), float(b)) for r, g, b in values),
        why=why,
        corners=_corners(corners),
        unexplained=position.unexplained,
        mirrored=position.mirrored,
        film="" if edge is None else edge.film or edge.dx,
    )
    width, height = cells.size
    return TaskResult(
        width=width, height=height, warnings=warnings, measurement=serialize.to_text(measured)
    )


def draw(job: Job, progress: Progress) -> TaskResult:
    """Draw the picture of ``job.parameters`` (a PictureOrder) into the frame's target.

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.
    """
    order = serialize.from_text(PictureOrder, job.parameters)
    cells, warnings, _ = _cells(job, progress)
    with progress.stage("grade"):
        position = _by_corners(cells, order.corners, order.chart)
        drawn = picture.draw(
            cells, position, order.chart, order.recipe, order.output, order.after, order.used
        )
    target = job.frames[0].target
    with progress.stage("write"), open(target.temp, "r+b") as file:
        kind = os.path.splitext(target.path)[1].lower()
        form = "PNG" if kind == ".png" else "JPEG"
        drawn.save(file, format=form, quality=92)
        size = file.tell()
    written = Written(target.name, size, drawn.width, drawn.height, 3)
    return TaskResult(written=(written,), warnings=warnings)


def _cells(job: Job, progress: Progress) -> tuple[Cells, tuple[str, ...], FilmEdge | None]:
    before = stamp.take(job.input)
    stamp.compare(job.stamp, before)
    with progress.stage("read"), source.open(job) as scan:
        head = scan.header
        if scan.layout.channels != 3:
            raise Unsupported(MONOCHROME, hint="scan the film in color")
        full = {"uint8": 255.0, "uint16": 65535.0}.get(scan.layout.dtype, 1.0)
        reduction = Reduction(head.width, head.height, full)
        view = EdgeView(head) if job.film_edge else None
        for first, band in scan.bands():
            reduction.take(first, band)
            if view is not None:
                view.take(first, band)
            progress.advance((first + len(band)) / head.height)
        warnings = scan.warnings
    stamp.compare(before, stamp.take(job.input))
    return reduction.cells(), warnings, None if view is None else view.read()


def _locate(cells: Cells, order: FindOrder) -> ChartPosition:
    chart = order.chart
    if order.corners is not None:
        return _checked(cells, _by_corners(cells, order.corners, chart), chart)
    if min(chart.rows, chart.columns) < 2:
        raise Unsupported(f"{chart.title} is one row: it cannot be found", hint=_cure(chart))
    best: ChartPosition | None = None
    # coarse grain hides in larger cells, small patches show in smaller ones
    for longest in (sample.SEARCH, sample.CELLS, sample.SEARCH // 2):
        coarse = cells.coarser(longest)
        position = find.find(coarse.density, chart)
        if position is not None and (best is None or position.unexplained < best.unexplained):
            corners = coarse.parts(homography.apply(position.to_picture, find.field(chart)))
            placed = find.from_corners(cells.places(corners), chart)
            assert placed is not None
            best = ChartPosition(placed.to_picture, position.unexplained)
        if best is not None and best.unexplained <= find.SURE:
            return best
    if best is None:
        raise Unsupported(f"no {chart.name} was found on it", hint=_cure(chart))
    raise Unsupported(
        f"no {chart.name} was found with certainty: {best.unexplained:.0%} of its colors stay "
        f"unexplained at the most likely position, {find.SURE:.0%} are allowed",
        hint=_cure(chart),
    )


def _checked(cells: Cells, position: ChartPosition, chart: Chart) -> ChartPosition:
    """Accept corners from the user, unless they are clearly in another order."""
    as_said, best = find.unexplained_at(cells.density, position, chart)
    if as_said > find.SURE >= best:
        raise Unsupported(
            f"the corners are in another order: {as_said:.0%} of the chart's colors stay "
            f"unexplained, but {best:.0%} if it is turned or mirrored",
            hint=_cure(chart),
        )
    return ChartPosition(position.to_picture, as_said)


def _by_corners(cells: Cells, corners: Corners, chart: Chart) -> ChartPosition:
    position = find.from_corners(cells.places(np.array(corners)), chart)
    if position is None:
        raise Unsupported("the corners are on a line", hint=_cure(chart))
    return position


def _cure(chart: Chart) -> str:
    names = ", ".join(chart.corner_names)
    return (
        "give the corners of its patches: --corners X,Y X,Y X,Y X,Y, in parts of the frame from "
        f"0 to 1, the outer corners of {names}"
    )


def _corners(corners: sample.Floats) -> Corners:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in corners)
    return top_left, top_right, bottom_right, bottom_left
