"""Read the code at the edge of the film: collect a small gray copy of a scan, then read it.

Covers the size of that copy, reading it, the film stock of the number, and the task of
commands that need only this. How a code is found and read is in
:mod:`divere_cli.films.edge`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import source
from divere_cli.films import edge, notes, stocks
from divere_cli.films.numbering import Numbering
from divere_cli.image.layout import Header, Resolution
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import FilmEdge, TaskResult

PER_MM = 30.0  # pixels of the copy, if the file has a resolution
LONG = 2600  # approximate pixels of its long side, if it has none
_UNIT = {2: 25.4, 3: 10.0}  # mm


class EdgeView:
    """Collects a gray copy of a scan, band by band.

    Parameters
    ----------
    header : Header
        Header of the bands.

    Attributes
    ----------
    numbering : Numbering or None
        Positions of frames along the film, after reading.
    """

    def __init__(self, header: Header) -> None:
        self._step = _step(header)
        self._middle = self._step // 2
        down, across = (
            max(-(-(side - self._middle) // self._step), 1)
            for side in (header.height, header.width)
        )
        self._gray = np.zeros((down, across), np.uint8)
        self.numbering: Numbering | None = None

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Sample the green channel of a band at a regular spacing."""
        start = (self._middle - first) % self._step
        picked = band[start :: self._step, self._middle :: self._step, band.shape[2] // 2]
        row = (first + start - self._middle) // self._step
        out = self._gray[row : row + len(picked)]
        if not picked.size:
            return
        if band.dtype.kind == "u":
            np.right_shift(picked, 8 * (band.dtype.itemsize - 1), out=out, casting="unsafe")
        else:
            np.multiply(np.clip(picked, 0, 1), 255, out=out, casting="unsafe")

    def read(self) -> FilmEdge | None:
        """Read the codes after all bands were taken; None if there is none."""
        code = edge.read(self._gray)
        if code is None:
            return None
        self.numbering = code.numbering
        stock = stocks.by_number(code.dx)
        return FilmEdge(code.dx, stock.name if stock else None, code.frames, code.mirrored)


def read(job: Job, progress: Progress) -> TaskResult:
    """Read only the edge code of a scan: a task that writes nothing.

    Parameters
    ----------
    job : Job
        The job of the worker.
    progress : Progress
        Receives stages and the share that is done.

    Raises
    ------
    ScanError
        As the reader raises it.
    """
    with progress.stage("read"), source.open(job) as scan:
        view = EdgeView(scan.header)
        for first, band in scan.bands():
            view.take(first, band)
            progress.advance((first + len(band)) / scan.header.height)
    return TaskResult(width=scan.header.width, height=scan.header.height, film_edge=view.read())


def with_edge_notes(job: Job, code: FilmEdge | None) -> Job:
    """Return the job with its film data completed from the edge of the film.

    A scan of several frames has several numbers, and the edge does not show which frame each
    number belongs to; then numbers are left out.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    code : FilmEdge or None
        Data read from the edge of the film; None if nothing was read.
    """
    if code is None:
        return job
    usable = code if len(job.frames) == 1 else replace(code, frames=())
    frames = tuple(
        replace(frame, film=notes.completed(frame.film, usable)) if frame.film else frame
        for frame in job.frames
    )
    return replace(job, film=notes.completed(job.film, usable), frames=frames)


def warnings(code: FilmEdge | None, recipe: Recipe) -> tuple[str, ...]:
    """Return warnings if the edge of the film disagrees with the scan or its preset.

    Parameters
    ----------
    code : FilmEdge or None
        Data read from the edge of the film.
    recipe : Recipe
        The grade with every name resolved.
    """
    if code is None:
        return ()
    lines = []
    if code.mirrored:
        lines.append(
            "the code at the film's edge runs backwards: the scan is mirrored (the film lay with"
            " its other side up); mirror it in the scanner's program"
        )
    stock = stocks.by_number(code.dx)
    if stock is not None and not stocks.fits(
        stock.process, inverts=recipe.film.invert, monochrome=recipe.film.monochrome
    ):
        lines.append(
            f"the film's edge says {stock.name} ({stock.process}), and the preset"
            f" {recipe.profile!r} is for {recipe.film.name}: choose a preset for that film"
        )
    return tuple(lines)


def _step(header: Header) -> int:
    scale = _scale(header.resolution)
    if scale:
        return max(1, int(scale / PER_MM))
    return max(1, round(max(header.width, header.height) / LONG))


def _scale(resolution: Resolution | None) -> float:
    """Return pixels per mm of a plausible scanner resolution; 0 otherwise (72 dpi of a camera)."""
    if resolution is None or resolution.unit not in _UNIT:
        return 0.0
    scale = min(resolution.x, resolution.y) / _UNIT[resolution.unit]
    return scale if 18 <= scale <= 400 else 0.0
