"""The unit of work: one scan in, its positives out.

Covers opening a scan once, decoding it once for all of its frames, grading
each frame's bands and writing them; the infrared sidecar; the input's digest;
the check that the scan stayed what it was when it was planned. The only place
where pixels meet color. What it does not cover: which scans, which files
appear under which names, and what a failure means for the rest of a run.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli import __version__
from divere_cli.color import grade as grades
from divere_cli.errors import CorruptInput, InputChanged, Unreadable
from divere_cli.image import geometry, icc, metadata, reader, writer
from divere_cli.image import header as headers
from divere_cli.image.crew import Crew, Shares, slices
from divere_cli.image.layout import Carried, Header, PictureMetadata, Processing
from divere_cli.image.reader import Reader
from divere_cli.image.source import Source
from divere_cli.records import (
    FileJob,
    Frame,
    Progress,
    Stage,
    Stages,
    Stamp,
    TaskResult,
    Thumbnail,
    Written,
)
from divere_cli.thumbnails import Thumbnailer, kept

HASH_BYTES = 1 << 20
# smaller parts than threads: one that waits for the digest does not hold up the others
PARTS = 2
FRAMES_SHARE = 0.95  # of the progress; the rest is for turning, the sidecar, fsync


class Clock:
    """Seconds by stage, on one clock; tells the progress as well."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seconds = {"read": 0.0, "grade": 0.0, "write": 0.0}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        start = time.perf_counter()
        try:
            with self._progress.stage(name):
                yield
        finally:
            self._seconds[name] += time.perf_counter() - start

    def stages(self) -> Stages:
        return Stages(**self._seconds)


class Digest:
    """SHA-256 of the input, taken along with the reading while its pages are warm."""

    def __init__(self, path: str, crew: Crew) -> None:
        self._source = Source(path)
        self._crew = crew
        self._hash = hashlib.sha256()
        self._buffer = bytearray(HASH_BYTES)
        self._done = 0
        self._running: Future[None] | None = None

    def advance(self, done: float) -> None:
        """Take the file up to ``done`` of 0..1 of it, to its end at 1, beside what follows."""
        self._wait()
        self._running = self._crew.later(partial(self._take, done))

    def close(self) -> str:
        """Take the rest and say the digest."""
        self.advance(1)
        self._wait()
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None

    def _take(self, done: float) -> None:
        goal = self._source.size if done >= 1 else int(done * self._source.size)
        while self._done < goal and (done >= 1 or goal - self._done >= HASH_BYTES):
            size = min(HASH_BYTES, goal - self._done)
            view = memoryview(self._buffer)[:size]
            self._source.read_into(self._done, view)
            self._hash.update(view)
            self._done += size

    def __enter__(self) -> Digest:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            wait([self._running])
        self._source.close()


class FrameWork:
    """One positive in the making: cropped, graded, turned, written.

    Parameters
    ----------
    job : FileJob
    frame : Frame
    header : Header
    carried : Carried or None
        Metadata of the scan; None for ``--no-metadata``.
    clock : Clock
    crew : Crew
    """

    def __init__(
        self,
        job: FileJob,
        frame: Frame,
        header: Header,
        carried: Carried | None,
        clock: Clock,
        crew: Crew,
    ) -> None:
        space, bits = job.encoding.color_space, job.encoding.bit_depth
        self._frame = frame
        self._clock = clock
        self._crew = crew
        self._box = geometry.box(frame.crop, header.width, header.height)
        self._grade = grades.compile(
            frame.recipe, space, header.layout, bits, dither=job.encoding.dither
        )
        channels = self._grade.channels
        self._dtype = np.dtype(f"u{bits // 8}")
        self._out = np.empty((0, self._box.width, channels), dtype=self._dtype)
        self._cut = np.empty((0, 0, 0), dtype=header.layout.dtype)
        self._small = (
            Thumbnailer(self._box.width, self._box.height, space, frame.orientation)
            if job.thumbnails
            else None
        )
        size = geometry.turned_size(self._box.width, self._box.height, frame.orientation)
        turned = bool(frame.orientation % 180)
        picture = _picture(carried, header, frame, icc.profile(space, channels == 1), turned)
        with ExitStack() as stack:
            self._writer = stack.enter_context(
                writer.open(frame.target.temp, job.encoding, *size, channels, picture)
            )
            if isinstance(self._writer, Shares):
                self._writer.share(crew)
            self._turn = None
            if frame.orientation % 360:
                shape = (self._box.height, self._box.width, channels)
                folder = os.path.dirname(frame.target.temp) or "."
                self._turn = stack.enter_context(
                    geometry.Turn(shape, self._dtype, frame.orientation, folder, geometry.IN_MEMORY)
                )
            self._open = stack.pop_all()

    def take(self, first: int, band: NDArray[Any]) -> None:
        """Take what lies in this frame of a band of the scan."""
        top = max(self._box.top, first)
        bottom = min(self._box.bottom, first + len(band))
        if top >= bottom:
            return
        with self._clock.stage("grade"):
            rows = self._cropped(band[top - first : bottom - first])
            if len(self._out) < len(rows):
                self._out = np.empty((len(rows), *self._out.shape[1:]), dtype=self._dtype)
            out = self._out[: len(rows)]
            self._apply(rows, out, top - self._box.top)
            if self._small is not None:
                self._small.take(top - self._box.top, out)
        with self._clock.stage("write"):
            if self._turn is None:
                self._writer.write(out)
            else:
                self._turn.add(out)

    def finish(self) -> Written:
        """Write what was held back for the turn, and make the file whole."""
        with self._clock.stage("write"):
            if self._turn is not None:
                for rows in self._turn.bands():
                    self._writer.write(rows)
            return replace(self._writer.close(), name=self._frame.target.name)

    def thumbnail(self) -> Thumbnail | None:
        """A small picture of the positive, where the job asks for it."""
        return self._small.thumbnail(self._frame.target.name) if self._small else None

    def _apply(self, rows: NDArray[Any], out: NDArray[Any], row: int) -> None:
        def apply(part: slice) -> None:
            self._grade.apply(rows[part], out[part], row + part.start)

        parts = 1 if self._crew.size == 1 else PARTS * self._crew.size
        self._crew.each(apply, slices(len(rows), parts))

    def _cropped(self, rows: NDArray[Any]) -> NDArray[Any]:
        if self._box.width == rows.shape[1]:
            return rows
        part = rows[:, self._box.left : self._box.right]
        if len(self._cut) < len(rows):
            self._cut = np.empty(part.shape, dtype=part.dtype)
        cut = self._cut[: len(rows)]
        cut[:] = part
        return cut

    def __enter__(self) -> FrameWork:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)


def develop(job: FileJob, progress: Progress) -> TaskResult:
    """Grade one scan into its positives.

    Parameters
    ----------
    job : FileJob
        The scan, its frames and where each goes; every ``Target.temp`` exists.
    progress : Progress
        Is told of stages and of how far the scan is.

    Returns
    -------
    TaskResult
        Every file it names is whole and durable.

    Raises
    ------
    ScanError
        Unreadable, Unsupported, CorruptInput, InputChanged, LimitExceeded,
        ProfileError, NoSpace or OutputError: what was written then is worth
        nothing.
    """
    clock = Clock(progress)
    before = _stamp(job.input)
    _compare(job.stamp, before)
    try:
        result = _develop(job, clock, progress)
    except (CorruptInput, Unreadable):
        _compare(before, _stamp(job.input))
        raise
    _compare(before, _stamp(job.input))
    progress.advance(1.0)
    return result


def _develop(job: FileJob, clock: Clock, progress: Progress) -> TaskResult:
    with ExitStack() as stack:
        with clock.stage("read"):
            header = headers.read(job.input, job.max_pixels)
            crew = stack.enter_context(Crew(job.threads))
            scan = stack.enter_context(reader.open(job.input, header))
            if isinstance(scan, Shares):
                scan.share(crew)
            header = scan.header
            carried = metadata.read(job.input, header) if job.encoding.metadata else None
            digest = stack.enter_context(Digest(job.input, crew))
        with clock.stage("write"):
            works = [
                stack.enter_context(FrameWork(job, frame, header, carried, clock, crew))
                for frame in job.frames
            ]
        small = _scan_thumbnailer(job, header) if job.thumbnails else None
        _run(scan, works, digest, clock, progress, small)
        written = [work.finish() for work in works]
        sidecar, notes = _infrared(job, scan, clock)
        with clock.stage("read"):
            sha256 = digest.close()
    return TaskResult(
        width=header.width,
        height=header.height,
        written=(*written, *sidecar),
        stages=clock.stages(),
        warnings=(*scan.header.warnings, *scan.warnings, *(carried.warnings if carried else ())),
        notes=(*header.notes, *notes),
        input_sha256=sha256,
        thumbnails=_thumbnails(small, works),
    )


def _scan_thumbnailer(job: FileJob, header: Header) -> Thumbnailer:
    """For the scan as it is, turned as its first positive; its primaries are no screen's."""
    frame = job.frames[0]
    space = replace(frame.recipe.input_space, primaries=None)
    return Thumbnailer(header.width, header.height, space, frame.orientation)


def _thumbnails(small: Thumbnailer | None, works: list[FrameWork]) -> tuple[Thumbnail, ...]:
    if small is None:
        return ()
    return kept([small.thumbnail(""), *(work.thumbnail() for work in works)])


def _run(
    scan: Reader,
    works: list[FrameWork],
    digest: Digest,
    clock: Clock,
    progress: Progress,
    small: Thumbnailer | None,
) -> None:
    height = scan.header.height
    bands = scan.bands()
    while True:
        with clock.stage("read"):
            item = next(bands, None)
        if item is None:
            return
        first, band = item
        for work in works:
            work.take(first, band)
        if small is not None:
            small.take(first, band)
        done = (first + len(band)) / height
        with clock.stage("read"):
            digest.advance(done * FRAMES_SHARE)
        progress.advance(done * FRAMES_SHARE)


def _infrared(
    job: FileJob, scan: Reader, clock: Clock
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """Write the infrared channel as it is stored; say what became of what is no color."""
    header = scan.header
    notes = ["alpha was left out"] if "alpha" in header.extra else []
    if header.orientation != 1:
        notes.append(f"the file's orientation tag ({header.orientation}) was not applied")
    bands = scan.infrared() if "infrared" in header.extra else None
    if bands is None:
        if job.sidecar is not None:
            notes.append("no infrared channel to write beside the positive")
        return (), tuple(notes)
    if job.sidecar is None:
        return (), (*notes, "infrared was left out")
    if header.sample != "uint":
        return (), (*notes, "infrared of float samples cannot be written beside the positive")
    encoding = replace(job.encoding, format="tiff", bit_depth=16 if header.bits == 16 else 8)
    picture = PictureMetadata(resolution=header.resolution)
    with (
        clock.stage("write"),
        writer.open(job.sidecar.temp, encoding, header.width, header.height, 1, picture) as sidecar,
    ):
        for _, rows in bands:
            sidecar.write(rows)
        written = replace(sidecar.close(), name=job.sidecar.name)
    return (written,), (*notes, "infrared was written beside the positive")


def _picture(
    carried: Carried | None, header: Header, frame: Frame, profile: bytes, turned: bool
) -> PictureMetadata:
    processing = Processing("divere", __version__, frame.recipe.profile, frame.recipe.sha256)
    return metadata.picture(carried, header, processing, profile, turned=turned)


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error
    return Stamp(
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        dev=status.st_dev,
        ino=status.st_ino,
    )


def _compare(known: Stamp, found: Stamp) -> None:
    """Raise InputChanged when two stamps differ in what both know (0 is unknown)."""
    for name in ("size", "mtime_ns", "ctime_ns", "dev", "ino"):
        old, new = getattr(known, name), getattr(found, name)
        if old != new and (name == "size" or (old and new)):
            raise InputChanged(f"the file changed while it was in work ({name} {old} -> {new})")
