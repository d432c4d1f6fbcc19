"""The task that looks for frames: one scan in, its crops out, nothing written.

Covers reading the scan through the same steps as its grade, reducing it, and from cells
to parts of the stored frame. What is found where: :mod:`divere_cli.frames.detect`.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import source
from divere_cli.develop.film_edge import EdgeView
from divere_cli.frames import answer, detect, drawing, picture
from divere_cli.frames.answer import FoundFrame, FoundScan, Wanted
from divere_cli.frames.formats import named
from divere_cli.frames.layout import Found, Hint, Result
from divere_cli.image.parallel import Parallel
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult

DIGITS = 6


def find(job: Job, progress: Progress) -> TaskResult:
    """Look for the frames of a scan.

    Parameters
    ----------
    job : Job
        ``parameters`` is a :class:`divere_cli.frames.answer.Wanted`.
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
    asked = answer.wanted(job.parameters)
    with (
        progress.stage("read"),
        Parallel(job.threads) as parallel,
        source.open(job, parallel) as scan,
    ):
        known = scan.header
        view = EdgeView(known) if job.film_edge else None
        cells = picture.Reduction(known.width, known.height, known.channels)
        for first, band in scan.bands():
            cells.add(first, _light(band))
            if view is not None:
                view.take(first, band)
            progress.advance((first + len(band)) / known.height)
        warnings = scan.warnings
    with progress.stage("grade"):
        light = cells.light
        by = picture.fitting(light)
        small = picture.coarser(light, by)
        found = detect.find(small, named(asked.film), asked.count, _hint(asked))
        size = (known.width / cells.side / by, known.height / cells.side / by)
        answered = _answer(found, size, asked, small)
        if view is not None:
            answered = _numbered(answered, view)
    return TaskResult(
        width=known.width,
        height=known.height,
        warnings=warnings,
        measurement=answer.to_json(answered),
    )


def _light(band: NDArray[Any]) -> NDArray[np.float32]:
    """Samples of 0 to 1, without what is no number."""
    if band.dtype.kind == "f":
        light = np.nan_to_num(np.asarray(band, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        return np.asarray(np.clip(light, 0.0, 1.0), np.float32)
    scale = np.float32(1.0 / float(np.iinfo(band.dtype).max))
    return np.asarray(np.multiply(band, scale, dtype=np.float32), np.float32)


def _hint(asked: Wanted) -> Hint | None:
    return Hint(asked.form, asked.aspect) if asked.form and asked.aspect else None


def _answer(
    found: Result, size: tuple[float, float], asked: Wanted, small: NDArray[np.float32]
) -> FoundScan:
    frames = tuple(_frame(str(n), one, size) for n, one in enumerate(found.found, 1))
    drawn = ""
    if asked.picture:
        data = drawing.drawn(small, found, asked.picture)
        drawn = base64.b64encode(data).decode("ascii")
    return FoundScan(
        film=found.forms[0] if found.forms else "",
        turn=round(found.turn, 3),
        frames=tuple(frame for frame in frames if frame.crop[2] > 0 and frame.crop[3] > 0),
        shown=tuple(round(width, 5) for width in detect.shown(found)),
        picture=drawn,
    )


def _numbered(found: FoundScan, view: EdgeView) -> FoundScan:
    """Give the pictures the numbers of the film's edge, where that can be read."""
    if view.read() is None or view.numbering is None:
        return found
    numbers = (
        view.numbering.frame(x + width / 2, y + height / 2)
        for x, y, width, height in (frame.crop for frame in found.frames)
    )
    frames = tuple(
        replace(frame, number=number) for frame, number in zip(found.frames, numbers, strict=True)
    )
    return replace(found, frames=frames)


def _frame(name: str, one: Found, size: tuple[float, float]) -> FoundFrame:
    """The box around a picture's corners, in parts of the stored frame and within it."""
    corners = np.clip(one.corners / np.array(size), 0.0, 1.0)
    left, top = (float(v) for v in corners.min(axis=0))
    right, bottom = (float(v) for v in corners.max(axis=0))
    crop = (left, top, right - left, bottom - top)
    x, y, w, h = (round(value, DIGITS) for value in crop)
    return FoundFrame(name, (x, y, w, h), round(one.turn, 3), one.sure, one.why)
