"""One positive in the making: cropped, graded, turned, written, as bands of the scan go by.

Covers what happens to one frame of a scan. What it does not: reading the scan
and the order of things (:mod:`divere_cli.develop.scan`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli import __version__
from divere_cli.color import grade
from divere_cli.develop.thumbnail import Thumbnailer
from divere_cli.image import geometry, icc, writer
from divere_cli.image.layout import Carried, Header, PictureMetadata, Processing
from divere_cli.image.metadata import carried as metadata
from divere_cli.image.parallel import Parallel, Serial, slices
from divere_cli.records.job import Frame, Job, Progress
from divere_cli.records.outcome import Thumbnail, Written

# smaller parts than threads: one that waits for the digest does not hold up the others
PARTS = 2

Part = tuple[NDArray[Any], NDArray[Any], int]


class Positive:
    """One positive in the making: cropped, graded, turned, written.

    Parameters
    ----------
    job : Job
    frame : Frame
    header : Header
    carried : Carried or None
        Metadata of the scan; None for ``--no-metadata``.
    progress : Progress
    parallel : Parallel
        Grades parts of a band beside each other.
    serial : Serial
        Writes a band while the next one is graded.
    """

    def __init__(
        self,
        job: Job,
        frame: Frame,
        header: Header,
        carried: Carried | None,
        progress: Progress,
        parallel: Parallel,
        serial: Serial,
    ) -> None:
        space, bits = job.encoding.color_space, job.encoding.bit_depth
        self._frame = frame
        self._progress = progress
        self._parallel = parallel
        self._serial = serial
        self._box = geometry.box(frame.crop, header.width, header.height)
        self._grade = grade.compile(
            frame.recipe, space, header.layout, bits, dither=job.encoding.dither
        )
        channels = self._grade.channels
        self._dtype = np.dtype(f"u{bits // 8}")
        room = np.empty((0, self._box.width, channels), dtype=self._dtype)
        self._out, self._written = room, room  # one is graded into, one is being written
        self._cut = np.empty((0, 0, 0), dtype=header.layout.dtype)
        self._small = (
            Thumbnailer(self._box.width, self._box.height, space, frame.orientation)
            if job.thumbnails
            else None
        )
        profile = icc.profile(space, channels == 1)
        turned = bool(frame.orientation % 180)
        self._open_files(job, _picture(carried, header, frame, profile, turned))

    def _open_files(self, job: Job, picture: PictureMetadata) -> None:
        """Open the writer, and what holds a picture that lies otherwise in the scan."""
        target, orientation = self._frame.target, self._frame.orientation
        width, height, channels = self._box.width, self._box.height, self._grade.channels
        size = geometry.turned_size(width, height, orientation)
        self._turn = None
        with ExitStack() as stack:
            self._writer = stack.enter_context(
                writer.open(target.temp, job.encoding, *size, channels, picture)
            )
            self._writer.share(self._parallel)
            if orientation % 360:
                folder, shape = os.path.dirname(target.temp) or ".", (height, width, channels)
                self._turn = stack.enter_context(
                    geometry.Turn(shape, self._dtype, orientation, folder, geometry.IN_MEMORY)
                )
            self._open = stack.pop_all()

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Take what lies in this frame of a band of the scan."""
        top = max(self._box.top, first)
        bottom = min(self._box.bottom, first + len(band))
        if top >= bottom:
            return
        with self._progress.stage("grade"):
            rows = self._cropped(band[top - first : bottom - first])
            if len(self._out) < len(rows):
                self._out = np.empty((len(rows), *self._out.shape[1:]), dtype=self._dtype)
            out = self._out[: len(rows)]
            parts = 1 if self._parallel.size == 1 else PARTS * self._parallel.size
            self._parallel.each(self._grade.apply, self._parts(rows, out, top, parts))
            if self._small is not None:
                self._small.take(top - self._box.top, out)
            self._out, self._written = self._written, self._out
        with self._progress.stage("write"):
            self._serial.put(partial(self._turn.add if self._turn else self._writer.write, out))

    def finish(self) -> Written:
        """Write what was held back for the turn, and make the file whole."""
        with self._progress.stage("write"):
            self._serial.settle()
            if self._turn is not None:
                for rows in self._turn.bands():
                    self._writer.write(rows)
            return replace(self._writer.close(), name=self._frame.target.name)

    def thumbnail(self) -> Thumbnail | None:
        """A small picture of the positive, where the job asks for it."""
        return self._small.thumbnail(self._frame.target.name) if self._small else None

    def _parts(self, rows: NDArray[Any], out: NDArray[Any], top: int, parts: int) -> Iterator[Part]:
        """What :meth:`Grade.apply` takes for each part of a band that begins at row ``top``."""
        for part in slices(len(rows), parts):
            yield rows[part], out[part], top - self._box.top + part.start

    def _cropped(self, rows: NDArray[Any]) -> NDArray[Any]:
        if self._box.width == rows.shape[1]:
            return rows
        part = rows[:, self._box.left : self._box.right]
        if len(self._cut) < len(rows):
            self._cut = np.empty(part.shape, dtype=part.dtype)
        cut = self._cut[: len(rows)]
        cut[:] = part
        return cut

    def __enter__(self) -> Positive:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)


def _picture(
    carried: Carried | None, header: Header, frame: Frame, profile: bytes, turned: bool
) -> PictureMetadata:
    processing = Processing("divere", __version__, frame.recipe.profile, frame.recipe.sha256)
    return metadata.picture(carried, header, processing, profile, turned=turned)
