"""The unit of work: one scan in, its positives out.

Covers opening a scan once, decoding it once for all of its frames, the
infrared sidecar, and the check that the scan has not changed since it was planned.
The work on each frame is in :mod:`divere_cli.develop.positive`. It does not cover which
scans are graded, the names of the files, or what a failure means for the rest of a run.
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
from divere_cli.develop.thumbnail import Thumbnailer, limited
from divere_cli.errors import CorruptInput, NoSpace, OutputError, Unreadable
from divere_cli.files import stamp
from divere_cli.image import digest as digests
from divere_cli.image import geometry, icc, writer
from divere_cli.image.layout import Header, Layout, PictureMetadata
from divere_cli.image.metadata import carried as metadata
from divere_cli.image.parallel import Parallel, Serial
from divere_cli.records.job import Frame, Job, Progress, WarmUp
from divere_cli.records.outcome import TaskResult, Thumbnail, Written

MOST_AHEAD = 32  # spool files; the frames of a scan with more frames are small
FRAMES_SHARE = 0.95  # share of the progress; the rest is for turning, sidecar, fsync


def prepare(warm_up: WarmUp) -> None:
    """Compile a grade and build its profile ahead of the scans that will use them.

    Parameters
    ----------
    warm_up : WarmUp
        The grade and encoding to prepare.

    Raises
    ------
    ProfileError
        The values of the recipe allow no grade.
    """
    layout = Layout(warm_up.channels, warm_up.bits, warm_up.sample)
    encoding = resolved(warm_up.encoding, warm_up.recipe)
    made = compiled(encoding, warm_up.recipe, layout, resized=encoding.size > 0)
    icc.profile(encoding.color_space, made.channels == 1)


def ahead(job: Job) -> list[int]:
    """Open files that a confined worker cannot open by name; return the descriptors.

    These are spool files, one for each positive: only the scan shows whether it is turned.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    """
    opened = []
    for frame in job.frames[:MOST_AHEAD]:
        with suppress(NoSpace, OutputError):  # reported by the turn, if there is one
            opened.append(geometry.open_ahead(os.path.dirname(frame.target.temp) or "."))
    return opened


def develop(job: Job, progress: Progress) -> TaskResult:
    """Grade one scan into its positives.

    Parameters
    ----------
    job : Job
        The scan, its frames and where each goes; every ``Target.temp`` exists.
    progress : Progress
        Receives stages and the share of the scan that is done.

    Returns
    -------
    TaskResult
        Every file it names is complete and durable.

    Raises
    ------
    ScanError
        Unreadable, Unsupported, CorruptInput, InputChanged, LimitExceeded,
        ProfileError, NoSpace or OutputError; the files written so far are then
        not usable.
    """
    job = film_edge.with_edge_notes(job, job.known_edge)
    with _unchanged(job), ExitStack() as stack:
        with progress.stage("read"):
            parallel = stack.enter_context(Parallel(job.threads))
            scan = stack.enter_context(sources.open(job, parallel))
            header = scan.header
            dust = _dust(job, scan, parallel, stack)
            carried = metadata.read(job.input) if job.encoding.metadata else None
            digest = stack.enter_context(digests.Digest(job.input, parallel))
            # JPEG and PNG store metadata before the pixels, so the digest is needed now
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
        edge_requested = job.film_edge and job.known_edge is None
        view = film_edge.EdgeView(header) if edge_requested else None
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
            noted_job = film_edge.with_edge_notes(job, edge)
            if noted_job != job:
                for positive, frame in zip(positives, _each(noted_job), strict=True):
                    positive.note(frame.film or noted_job.film, digest.finish())
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
    """Return the frame of each positive, in the order of the positives."""
    return (frame for frame in job.frames for _ in range(1 + len(job.also)))


@contextmanager
def _unchanged(job: Job) -> Iterator[None]:
    """Check before and after that the scan is unchanged: a read error may come from a change."""
    before = stamp.take(job.input)
    stamp.compare(job.stamp, before)
    try:
        yield
    except (CorruptInput, Unreadable):
        stamp.compare(before, stamp.take(job.input))
        raise
    stamp.compare(before, stamp.take(job.input))


def _bands(scan: Source, progress: Progress) -> Iterator[tuple[int, NDArray[Any], float]]:
    """Yield bands of the scan: first row, samples, and the share of work done after them."""
    bands = scan.bands()
    while True:
        with progress.stage("read"):
            item = next(bands, None)
        if item is None:
            return
        first, band = item
        yield first, band, (first + len(band)) / scan.header.height * FRAMES_SHARE


def _levelled(job: Job) -> list[str]:
    """Return notes that name the pictures that were turned level."""
    return [
        f"picture {frame.crop_name or 1} was turned level by {abs(frame.turn):.2f} degrees "
        + ("clockwise" if frame.turn > 0 else "counter-clockwise")
        for frame in job.frames
        if deskew.applies(frame.turn)
    ]


def _scan_thumbnailer(job: Job, header: Header) -> Thumbnailer:
    """Return a thumbnailer for the ungraded scan, turned like its first positive."""
    frame = job.frames[0]
    space = replace(frame.recipe.input_space, primaries=None)
    return Thumbnailer(header.width, header.height, space, frame.orientation)


def _dust(job: Job, scan: Source, parallel: Parallel, stack: ExitStack) -> Dust | None:
    """Set up the infrared repair as the first step, if the job requests it."""
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
    return limited([small.thumbnail(""), *(positive.thumbnail() for positive in positives), mask])


def _infrared(
    job: Job, scan: Source, dust: Dust | None, progress: Progress
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """Write the infrared channel unchanged; return notes on all channels that are not color."""
    header = scan.header
    notes = ["alpha was left out"] if "alpha" in header.extra else []
    if "unknown" in header.extra and job.sidecar is None:
        notes.append("samples of unknown meaning were left out")
    if header.orientation != 1:
        applied = "was applied" if job.oriented else "was not applied"
        notes.append(f"the file's orientation tag ({header.orientation}) {applied}")
    if dust is not None:
        with progress.stage("write"):
            return dust.finish(), (*notes, *dust.notes)
    expected = "infrared" in header.extra or job.sidecar is not None
    bands = scan.infrared() if expected else None
    if bands is None:
        if job.sidecar is not None or job.encoding.infrared == "sidecar":
            notes.append("no infrared channel to write beside the positive")
        return (), tuple(notes)
    if job.sidecar is None:
        return (), (*notes, "infrared was left out")
    encoding = replace(
        job.encoding, format="tiff", bit_depth=8 if scan.scan.header.layout.bits == 8 else 16
    )
    # its rows stay as stored: a tag turns it as the positive was turned
    turned = header.orientation if job.oriented else 1
    picture = PictureMetadata(resolution=header.resolution, orientation=turned)
    page = header.infrared_page or header  # may have half the width and height of the picture
    with (
        progress.stage("write"),
        writer.open(job.sidecar.temp, encoding, page.width, page.height, 1, picture) as sidecar,
    ):
        for _, rows in bands:
            sidecar.write(rows)
        written = replace(sidecar.close(), name=job.sidecar.name)
    return (written,), (*notes, "infrared was written beside the positive")
