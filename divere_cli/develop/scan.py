"""The unit of work: one scan in, its positives out.

Covers opening a scan once, decoding it once for all of its frames, the
infrared sidecar, and the check that the scan stayed what it was when it was
planned. What happens to each frame is in :mod:`divere_cli.develop.positive`. What it
does not cover: which scans, which files appear under which names, and what a
failure means for the rest of a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from divere_cli.develop import deskew, film_edge
from divere_cli.develop import source as sources
from divere_cli.develop.dust import Dust
from divere_cli.develop.ends import Ends
from divere_cli.develop.positive import Positive, compiled, resolved
from divere_cli.develop.quality import Measured
from divere_cli.develop.source import Source
from divere_cli.develop.thumbnail import Thumbnailer, kept
from divere_cli.errors import CorruptInput, NoSpace, OutputError, Unreadable
from divere_cli.files import stamp
from divere_cli.image import digest as digests
from divere_cli.image import geometry, icc, writer
from divere_cli.image.layout import Header, Layout, PictureMetadata
from divere_cli.image.metadata import carried as metadata
from divere_cli.image.parallel import Parallel, Serial
from divere_cli.records.job import Frame, Job, Progress, WarmUp
from divere_cli.records.outcome import TaskResult, Thumbnail, Written

MOST_AHEAD = 32  # spool files; a scan of more frames than that has small ones
FRAMES_SHARE = 0.95  # of the progress; the rest is for turning, the sidecar, fsync


def prepare(warm_up: WarmUp) -> None:
    """Compile a grade and build its profile ahead of the scans that will use them.

    Parameters
    ----------
    warm_up : WarmUp
        What to prepare before the first scan.

    Raises
    ------
    ProfileError
        The recipe's figures allow no grade.
    """
    layout = Layout(warm_up.channels, warm_up.bits, warm_up.sample)
    encoding = resolved(warm_up.encoding, warm_up.recipe)
    made = compiled(encoding, warm_up.recipe, layout, resized=encoding.size > 0)
    icc.profile(encoding.color_space, made.channels == 1)


def ahead(job: Job) -> list[int]:
    """Open what a confined worker cannot open by name; return the descriptors.

    A spool file for each positive: only the scan itself says whether one is turned.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    """
    opened = []
    for frame in job.frames[:MOST_AHEAD]:
        with suppress(NoSpace, OutputError):  # the turn meets it, if there is one
            opened.append(geometry.open_ahead(os.path.dirname(frame.target.temp) or "."))
    return opened


def develop(job: Job, progress: Progress) -> TaskResult:
    """Grade one scan into its positives.

    Parameters
    ----------
    job : Job
        The scan, its frames and where each goes; every ``Target.temp`` exists.
    progress : Progress
        Is told of stages and of how far the scan is.

    Returns
    -------
    TaskResult
        Every file it names is complete and durable.

    Raises
    ------
    ScanError
        Unreadable, Unsupported, CorruptInput, InputChanged, LimitExceeded,
        ProfileError, NoSpace or OutputError: what was written then is worth
        nothing.
    """
    job = film_edge.noted(job, job.known_edge)
    with _unchanged(job), ExitStack() as stack:
        with progress.stage("read"):
            parallel = stack.enter_context(Parallel(job.threads))
            scan = stack.enter_context(sources.open(job, parallel))
            header = scan.header
            dust = _dust(job, scan, parallel, stack)
            carried = metadata.read(job.input) if job.encoding.metadata else None
            digest = stack.enter_context(digests.Digest(job.input, parallel))
            # what stands before the pixels of a JPEG or PNG must be known before them
            logged = job.film is not None or any(frame.film for frame in job.frames)
            origin = digest.finish() if logged else ""
        ends = Ends(header.width, header.height, header.channels)
        measured = Measured(header.width, header.height, header.channels)
        serial = Serial(parallel)
        with progress.stage("write"):
            positives = [
                stack.enter_context(
                    Positive(
                        job, frame, output, header, carried, progress, parallel, serial, origin
                    )
                )
                for frame in job.frames
                for output in range(1 + len(job.also))
            ]
            stack.enter_context(serial)
        small = _scan_thumbnailer(job, header) if job.thumbnails else None
        asked = job.film_edge and job.known_edge is None
        view = film_edge.EdgeView(header) if asked else None
        for first, band, done in _bands(scan, progress):
            ends.take(first, band)
            measured.take(first, band)
            for positive in positives:
                positive.take(first, band)
            if small is not None:
                small.take(first, band)
            if view is not None:
                view.take(first, band)
            with progress.stage("read"):
                digest.advance(done)
            progress.advance(done)
        with progress.stage("read"):
            edge = view.read() if view is not None else job.known_edge
            noted = film_edge.noted(job, edge)
            if noted != job:
                for positive, frame in zip(positives, _each(noted), strict=True):
                    positive.note(frame.film or noted.film, digest.finish())
        written = [positive.finish() for positive in positives]
        sidecar, notes = _infrared(job, scan, dust, progress)
        with progress.stage("read"):
            sha256 = digest.finish()
    progress.advance(1.0)
    return TaskResult(
        width=header.width,
        height=header.height,
        written=(*written, *sidecar),
        warnings=(
            *scan.warnings,
            *(dust.warnings if dust else ()),
            *film_edge.warnings(edge, job.frames[0].recipe),
            *(carried.warnings if carried else ()),
            *(scan.transfer.warnings if scan.transfer else ()),
            *ends.warnings,
        ),
        notes=(
            *header.notes,
            *(scan.transfer.notes if scan.transfer else ()),
            *_levelled(job),
            *notes,
        ),
        input_sha256=sha256,
        thumbnails=_thumbnails(small, positives, dust),
        repaired=dust.repaired if dust else None,
        film_edge=edge,
        input_transfer=scan.transfer.word if scan.transfer else "",
        clipped=ends.clipped,
        quality=measured.quality,
    )


def _each(job: Job) -> Iterator[Frame]:
    """The frame of each positive, in their order."""
    return (frame for frame in job.frames for _ in range(1 + len(job.also)))


@contextmanager
def _unchanged(job: Job) -> Iterator[None]:
    """Check that the scan is what was planned, before and after: damage may be a change."""
    before = stamp.take(job.input)
    stamp.compare(job.stamp, before)
    try:
        yield
    except (CorruptInput, Unreadable):
        stamp.compare(before, stamp.take(job.input))
        raise
    stamp.compare(before, stamp.take(job.input))


def _bands(scan: Source, progress: Progress) -> Iterator[tuple[int, NDArray[Any], float]]:
    """Bands of the scan: first row, samples, and how much of the work is done after them."""
    bands = scan.bands()
    while True:
        with progress.stage("read"):
            item = next(bands, None)
        if item is None:
            return
        first, band = item
        yield first, band, (first + len(band)) / scan.header.height * FRAMES_SHARE


def _levelled(job: Job) -> list[str]:
    """Say which pictures were turned level."""
    return [
        f"picture {frame.crop_name or 1} was turned level by {abs(frame.turn):.2f} degrees "
        + ("clockwise" if frame.turn > 0 else "counter-clockwise")
        for frame in job.frames
        if deskew.applies(frame.turn)
    ]


def _scan_thumbnailer(job: Job, header: Header) -> Thumbnailer:
    """For the scan as it is, turned as its first positive; its primaries are no screen's."""
    frame = job.frames[0]
    space = replace(frame.recipe.input_space, primaries=None)
    return Thumbnailer(header.width, header.height, space, frame.orientation)


def _dust(job: Job, scan: Source, parallel: Parallel, stack: ExitStack) -> Dust | None:
    """Repair the scan before all else, where the job asks for it."""
    if job.encoding.infrared != "repair":
        return None
    dust = stack.enter_context(Dust(job, scan.scan, parallel))
    scan.before = dust.bands
    return dust


def _thumbnails(
    small: Thumbnailer | None, positives: list[Positive], dust: Dust | None
) -> tuple[Thumbnail, ...]:
    if small is None:
        return ()
    mask = dust.thumbnail() if dust else None
    return kept([small.thumbnail(""), *(positive.thumbnail() for positive in positives), mask])


def _infrared(
    job: Job, scan: Source, dust: Dust | None, progress: Progress
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """Write infrared as the reader gives it; say what became of all that is no color."""
    header = scan.header
    notes = ["alpha was left out"] if "alpha" in header.extra else []
    if header.orientation != 1:
        done = "was applied" if job.oriented else "was not applied"
        notes.append(f"the file's orientation tag ({header.orientation}) {done}")
    if dust is not None:
        with progress.stage("write"):
            return dust.finish(), (*notes, *dust.notes)
    asked = "infrared" in header.extra or job.sidecar is not None
    bands = scan.infrared() if asked else None
    if bands is None:
        if job.sidecar is not None:
            notes.append("no infrared channel to write beside the positive")
        return (), tuple(notes)
    if job.sidecar is None:
        return (), (*notes, "infrared was left out")
    encoding = replace(
        job.encoding, format="tiff", bit_depth=8 if scan.scan.header.layout.bits == 8 else 16
    )
    picture = PictureMetadata(resolution=header.resolution)
    page = header.infrared_page or header  # which may have half the picture's sides
    with (
        progress.stage("write"),
        writer.open(job.sidecar.temp, encoding, page.width, page.height, 1, picture) as sidecar,
    ):
        for _, rows in bands:
            sidecar.write(rows)
        written = replace(sidecar.close(), name=job.sidecar.name)
    return (written,), (*notes, "infrared was written beside the positive")
