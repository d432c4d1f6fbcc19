"""The task that searches frames: reads one scan, returns its crops, writes nothing.

Covers reading the scan through the same steps as its grade, reducing it, and converting
cells to shares of the stored frame. The search is in :mod:`divere_cli.frames.detect`.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import source
from divere_cli.develop.film_edge import EdgeView
from divere_cli.frames import detect, drawing, picture
from divere_cli.frames.answer import FoundFrame, FoundScan, FrameRequest
from divere_cli.frames.formats import named
from divere_cli.frames.layout import FoundPicture, Hint, Result
from divere_cli.image.parallel import Parallel
from divere_cli.records import serialize
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult

DIGITS = 6


def find(job: Job, progress: Progress) -> TaskResult:
    """Search the frames of a scan.

    Parameters
    ----------
    job : Job
        ``parameters`` is a :class:`divere_cli.frames.answer.FrameRequest`.
    progress : Progress

    Returns
    -------
    TaskResult
        ``measurement`` is a :class:`divere_cli.frames.answer.FoundScan`.

    Raises
    ------
    ScanError
        As the reader raises it.
    """
    request = serialize.from_text(FrameRequest, job.parameters)
    with (
        progress.stage("read"),
        Parallel(job.threads) as parallel,
        source.open(job, parallel) as scan,
    ):
        header = scan.header
        view = EdgeView(header) if job.film_edge else None
        cells = picture.Reduction(header.width, header.height, header.channels)
        for first, band in scan.bands():
            cells.add(first, _light(band))
            if view is not None:
                view.take(first, band)
            progress.advance((first + len(band)) / header.height)
        warnings = scan.warnings
    with progress.stage("grade"):
        light = cells.light
        factor = picture.fitting(light)
        reduced = picture.coarser(light, factor)
        result = detect.find(reduced, named(request.film), request.count, _hint(request))
        size = (header.width / cells.side / factor, header.height / cells.side / factor)
        scan_result = _answer(result, size, request, reduced)
        if view is not None:
            scan_result = _numbered(scan_result, view)
    return TaskResult(
        width=header.width,
        height=header.height,
        warnings=warnings,
        measurement=serialize.to_text(scan_result, allow_nan=False),
    )


def _light(band: NDArray[Any]) -> NDArray[np.float32]:
    """Return samples as float32 in 0..1, without NaN and infinity."""
    if band.dtype.kind == "f":
        light = np.nan_to_num(np.asarray(band, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        return np.asarray(np.clip(light, 0.0, 1.0), np.float32)
    scale = np.float32(1.0 / float(np.iinfo(band.dtype).max))
    return np.asarray(np.multiply(band, scale, dtype=np.float32), np.float32)


def _hint(request: FrameRequest) -> Hint | None:
    return Hint(request.form, request.aspect) if request.form and request.aspect else None


def _answer(
    result: Result, size: tuple[float, float], request: FrameRequest, small: NDArray[np.float32]
) -> FoundScan:
    frames = tuple(_frame(str(n), picture, size) for n, picture in enumerate(result.pictures, 1))
    drawn = ""
    if request.picture:
        data = drawing.drawn(small, result, request.picture)
        drawn = base64.b64encode(data).decode("ascii")
    return FoundScan(
        film=result.forms[0] if result.forms else "",
        turn=round(result.turn, 3),
        frames=tuple(frame for frame in frames if frame.crop[2] > 0 and frame.crop[3] > 0),
        shown=tuple(round(width, 5) for width in detect.visible_aspects(result)),
        picture=drawn,
    )


def _numbered(scan: FoundScan, view: EdgeView) -> FoundScan:
    """Return the scan with frame numbers from the edge of the film, if it can be read."""
    if view.read() is None or view.numbering is None:
        return scan
    numbers = (view.numbering.of_crop(frame.crop) for frame in scan.frames)
    frames = tuple(
        replace(frame, number=number) for frame, number in zip(scan.frames, numbers, strict=True)
    )
    return replace(scan, frames=frames)


def _frame(name: str, picture: FoundPicture, size: tuple[float, float]) -> FoundFrame:
    """Return the bounding box of a picture's corners, as shares of the stored frame."""
    corners = np.clip(picture.corners / np.array(size), 0.0, 1.0)
    left, top = (float(v) for v in corners.min(axis=0))
    right, bottom = (float(v) for v in corners.max(axis=0))
    crop = (left, top, right - left, bottom - top)
    x, y, w, h = (round(value, DIGITS) for value in crop)
    return FoundFrame(name, (x, y, w, h), round(picture.turn, 3), picture.sure, picture.why)
