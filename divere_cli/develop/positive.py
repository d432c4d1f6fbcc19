"""One positive being made: crop, grade, turn and write the bands of a scan as they arrive.

Covers the work on one frame of a scan. Reading the scan and the order of the steps are
in :mod:`divere_cli.develop.scan`.
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
from divere_cli.color import flat, grade
from divere_cli.develop import deskew, resize
from divere_cli.develop.thumbnail import Thumbnailer
from divere_cli.image import geometry, icc, resample, writer
from divere_cli.image.layout import Carried, Header, Layout, PictureMetadata, Processing
from divere_cli.image.metadata import carried as metadata
from divere_cli.image.parallel import Parallel, Serial, slices
from divere_cli.records.film import FilmNotes
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding, Frame, Job, Progress
from divere_cli.records.outcome import Thumbnail, Written

# parts of a band for each thread: a thread that waits for the digest does not delay the others
PARTS = 2

Part = tuple[NDArray[Any], NDArray[Any], int]


class Positive:
    """One positive being made: crops, grades, turns and writes bands.

    Parameters
    ----------
    job : Job
    frame : Frame
    output : int
        Index of the output: 0 is the main encoding and target, others are in ``also``.
    header : Header
    carried : Carried or None
        Metadata of the scan; None with ``--no-metadata``.
    progress : Progress
    parallel : Parallel
        Grades parts of a band in parallel.
    serial : Serial
        Writes a band while the next one is graded.
    origin : str
        SHA-256 of the scan, if it is to be stored in the positive.
    """

    def __init__(
        self,
        job: Job,
        frame: Frame,
        output: int,
        header: Header,
        carried: Carried | None,
        progress: Progress,
        parallel: Parallel,
        serial: Serial,
        origin: str = "",
    ) -> None:
        self._encoding = resolved((job.encoding, *job.also)[output], frame.recipe)
        self._target = (frame.target, *frame.also)[output]
        self._frame = frame
        self._job, self._origin = job, origin
        self._progress = progress
        self._parallel = parallel
        self._serial = serial
        self._box = geometry.box(frame.crop, header.width, header.height)
        self._level = None
        if deskew.applies(frame.turn):
            scan = header.width, header.height
            self._level = deskew.Deskew(self._box, frame.turn, scan, header.channels, parallel)
            self._box = geometry.Box(0, 0, self._level.width, self._level.height)
            header = replace(header, band="float32")
        self._resize = None
        self._size = self._box.width, self._box.height
        small = resample.size_of(*self._size, self._encoding.size or max(self._size))
        resized = small != self._size
        self._grade = compiled(self._encoding, frame.recipe, header.layout, resized=resized)
        if resized:
            shape = (self._box.height, self._box.width, self._grade.channels)
            self._resize = resize.Resize(self._encoding, shape, small, parallel)
            self._size = small
        room = np.empty((0, self._box.width, self._grade.channels), dtype=self._grade.dtype)
        # two buffers: one receives the grade while the other is being written
        self._out, self._written = room, room
        self._cut = np.empty((0, 0, 0), dtype=header.layout.dtype)
        space = self._encoding.color_space
        self._small = (
            Thumbnailer(self._box.width, self._box.height, space, frame.orientation)
            if job.thumbnails and not output
            else None
        )
        self._described = carried, header
        self._open_files(self._picture(carried, header))

    def _open_files(self, picture: PictureMetadata) -> None:
        """Open the writer, and a spool for a picture that must be turned."""
        target, orientation = self._target, self._frame.orientation
        (width, height), channels = self._size, self._grade.channels
        size = geometry.turned_size(width, height, orientation)
        self._turn = None
        with ExitStack() as stack:
            self._writer = stack.enter_context(
                writer.open(target.temp, self._encoding, *size, channels, picture)
            )
            self._writer.share(self._parallel)
            self._rows_to = self._writer.write
            if orientation % 360:
                folder, shape = os.path.dirname(target.temp) or ".", (height, width, channels)
                dtype = np.dtype(writer.DTYPES[self._encoding.bit_depth])
                self._turn = stack.enter_context(
                    geometry.Turn(shape, dtype, orientation, folder, geometry.IN_MEMORY)
                )
                self._rows_to = self._turn.add
            self._open = stack.pop_all()

    def _picture(self, carried: Carried | None, header: Header) -> PictureMetadata:
        """Return the metadata; the resolution of a reduced picture keeps the size on film."""
        recipe, encoding = self._frame.recipe, self._encoding
        profile = icc.profile(encoding.color_space, self._grade.channels == 1)
        if self._resize is not None and header.resolution is not None:
            resolution, share = (
                header.resolution,
                max(self._size) / max(self._box.width, self._box.height),
            )
            scaled = replace(resolution, x=resolution.x * share, y=resolution.y * share)
            header = replace(header, resolution=scaled)
        film = self._frame.film or self._job.film
        processing = Processing(
            "divere",
            __version__,
            recipe.profile,
            recipe.sha256,
            film,
            os.path.basename(self._job.name) if film else "",
            self._origin,
        )
        turned = bool(self._frame.orientation % 180)
        picture = metadata.picture(carried, header, processing, profile, turned=turned)
        return replace(picture, exposure=flat.exposure(recipe) if encoding.flat else 0.0)

    def note(self, film: FilmNotes | None, origin: str) -> None:
        """Update the film data; for formats that store metadata after the pixels."""
        self._frame, self._origin = replace(self._frame, film=film), origin
        self._writer.describe(self._picture(*self._described))

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Process the part of a band of the scan that lies in this frame."""
        for above, samples in self._leveled(first, band):
            top = max(self._box.top, above)
            bottom = min(self._box.bottom, above + len(samples))
            if top >= bottom:
                continue
            with self._progress.stage("grade"):
                rows = self._cropped(samples[top - above : bottom - above])
                if len(self._out) < len(rows):
                    self._out = np.empty((len(rows), *self._out.shape[1:]), dtype=self._out.dtype)
                out = self._out[: len(rows)]
                parts = 1 if self._parallel.size == 1 else PARTS * self._parallel.size
                self._parallel.each(self._grade.apply, self._parts(rows, out, top, parts))
                if self._small is not None:
                    self._small.take(top - self._box.top, out)
                self._out, self._written = self._written, self._out
            with self._progress.stage("write"):
                self._serial.put(partial(self._store, out))

    def _leveled(self, first: int, band: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield the band, or the rows of a turned picture that it completes."""
        if self._level is None:
            yield first, band
            return
        with self._progress.stage("grade"):
            ready = iter(self._level.take(first, band))
            item = next(ready, None)
        while item is not None:
            yield item
            with self._progress.stage("grade"):
                item = next(ready, None)

    def finish(self) -> Written:
        """Write the rows held back for the turn, and complete the file."""
        with self._progress.stage("write"):
            self._serial.settle()
            if self._turn is not None:
                for rows in self._turn.bands():
                    self._writer.write(rows)
            return replace(self._writer.close(), name=self._target.name)

    def thumbnail(self) -> Thumbnail | None:
        """Return a small picture of the positive, if the job requests it."""
        return self._small.thumbnail(self._target.name) if self._small else None

    def _parts(self, rows: NDArray[Any], out: NDArray[Any], top: int, parts: int) -> Iterator[Part]:
        """Yield the arguments of :meth:`Grade.apply` for each part of a band from row ``top``."""
        for part in slices(len(rows), parts):
            yield rows[part], out[part], top - self._box.top + part.start

    def _store(self, rows: NDArray[Any]) -> None:
        for ready in self._resize.add(rows) if self._resize else (rows,):
            self._rows_to(np.ascontiguousarray(ready[:, ::-1]) if self._frame.mirrored else ready)

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


def resolved(encoding: Encoding, recipe: Recipe) -> Encoding:
    """Return the encoding of an output for one recipe.

    A DNG is a flat master in linear light of the working space.

    Parameters
    ----------
    encoding : Encoding
        How the positive is written.
    recipe : Recipe
        The grade with every name resolved.
    """
    if encoding.format != "dng":
        return encoding
    return replace(encoding, flat=True, color_space=flat.space(recipe))


def compiled(encoding: Encoding, recipe: Recipe, layout: Layout, *, resized: bool) -> grade.Grade:
    """Return the compiled grade of one output of a scan.

    Parameters
    ----------
    encoding : Encoding
        How the positive is written.
    recipe : Recipe
        The grade with every name resolved.
    layout : Layout
        Channels and type of a band.
    resized : bool
        Whether the output is made smaller after the grade.
    """
    graded = flat.recipe(recipe) if encoding.flat else recipe
    bits = resize.depth(encoding) if resized else encoding.bit_depth
    dither = encoding.dither and not resized
    return grade.compile(graded, encoding.color_space, layout, bits, dither=dither)
