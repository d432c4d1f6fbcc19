"""A scan's samples before the grade: what a reader gives, or what steps make of it.

Covers opening the scan of a job once, the size check, and the steps that lie between a
file and its grade: each in linear light over whole stored rows, before crop and turn.
Every task reads scans through here: grading, measuring, looking for frames. Without
steps bands pass as the reader gives them, to the bit, and nothing is copied.

In order: what a file's codes are to be before anything else (``before``: repaired
places), how they relate to light (input transfer), the light (flat field). A step makes
the same pixels whatever the height of the bands; threads share it by rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop.flat_field import FlatField
from divere_cli.develop.transfer import Decided, Transfer, decide
from divere_cli.errors import Unsupported
from divere_cli.image import header as headers
from divere_cli.image import limits, reader
from divere_cli.image.closing import Closing
from divere_cli.image.layout import Header, Layout
from divere_cli.image.parallel import Parallel, slices
from divere_cli.image.reader import Band, Reader
from divere_cli.records.job import Job
from divere_cli.records.light import MOST_ASPECT, ODD_ASPECT

Bands = Iterator[Band]

PARTS = 2  # for each thread: one that is held up does not hold up the others


class Step(Protocol):
    """Something that is done to samples before the grade.

    Attributes
    ----------
    codes : bool
        Whether it gives codes of 16 bits for such codes: a grade takes those in half the time
        that it takes for floats.
    """

    codes: bool

    def apply(self, first: int, samples: NDArray[Any], scale: float, out: NDArray[Any]) -> None:
        """Fill ``out`` from rows of samples.

        Parameters
        ----------
        first : int
            Row of the scan that the rows begin with.
        samples : ndarray, shape (rows, width, channels)
            Of the reader's type for the first step, float32 for the others.
        scale : float
            What makes 0..1 of a sample: 1/255, 1/65535, or 1.
        out : ndarray, float32 or, by a step of ``codes``, uint16; the same shape
            May be ``samples``.
        """


class Source(Closing):
    """A scan that is open, with its steps. A context manager: leaving it closes the scan.

    Parameters
    ----------
    scan : Reader
    steps : sequence of Step
    parallel : Parallel, optional
        Its threads share the rows of a band.
    before : callable, optional
        Takes the reader's bands and gives bands of the same type.

    Attributes
    ----------
    before : callable or None
        As given; whoever has the scan open may set it before the first band.
    header : Header
        Of the scan; its ``layout`` is that of the bands that come from here.
    transfer : Decided or None
        How its samples are taken, where the job asks.
    """

    def __init__(
        self,
        scan: Reader,
        steps: Sequence[Step] = (),
        parallel: Parallel | None = None,
        before: Callable[[Bands], Bands] | None = None,
    ) -> None:
        self.scan = scan
        self._steps = tuple(steps)
        self._parallel = parallel or Parallel()
        self.before = before
        layout = scan.header.layout
        deep = layout.sample == "uint" and layout.bits == 16
        self._codes = deep and all(step.codes for step in self._steps)
        self._room = np.empty(0, np.uint16 if self._codes else np.float32)
        self.said: tuple[str, ...] = ()
        self.transfer: Decided | None = None

    @property
    def header(self) -> Header:
        known = self.scan.header
        return replace(known, band="float32") if self._steps and not self._codes else known

    @property
    def layout(self) -> Layout:
        """What ``grade.compile`` is given: samples as the reader's, or float32 of 0..1."""
        return self.header.layout

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the header, the reader and the steps have to say, so far."""
        return (*self.scan.header.warnings, *self.scan.warnings, *self.said)

    def bands(self, rows: int | None = None) -> Bands:
        """Yield the picture from top to bottom as (first row, band).

        As :meth:`divere_cli.image.reader.Reader.bands`; a band's buffer is used again.
        """
        bands = self.scan.bands(rows)
        if self.before is not None:
            bands = self.before(bands)
        if not self._steps:
            return bands
        return self._stepped(bands)

    def infrared(self) -> Bands | None:
        """The infrared channel as the file has it: no step touches it."""
        return self.scan.infrared()

    def close(self) -> None:
        self.scan.close()

    def _stepped(self, bands: Bands) -> Bands:
        for first, band in bands:
            if self._room.size < band.size:
                self._room = np.empty(band.size, self._room.dtype)
            out = self._room[: band.size].reshape(band.shape)
            parts = 1 if self._parallel.size == 1 else PARTS * self._parallel.size
            todo = [
                (first + part.start, band[part], out[part]) for part in slices(len(band), parts)
            ]
            self._parallel.each(self._apply, todo)
            yield first, out

    def _apply(self, first: int, samples: NDArray[Any], out: NDArray[Any]) -> None:
        kind = samples.dtype
        scale = 1.0 / float(np.iinfo(kind).max) if kind.kind == "u" and not self._codes else 1.0
        for step in self._steps:
            step.apply(first, samples, scale, out)
            samples, scale = out, 1.0


def open(  # noqa: A001 - as the readers say it
    job: Job, parallel: Parallel | None = None, header: Header | None = None
) -> Source:
    """Open a job's scan with the steps that the job asks for.

    Parameters
    ----------
    job : Job
    parallel : Parallel, optional
        Outlives what is returned.
    header : Header, optional
        Read when absent.

    Raises
    ------
    Unreadable, Unsupported, CorruptInput, LimitExceeded
    """
    known = header or headers.read(job.input, job.max_pixels, job.picture)
    balance = job.frames[0].recipe.camera_white_balance if job.frames else "off"
    scan = reader.open(job.input, known, balance)
    try:
        if parallel is not None:
            scan.share(parallel)
        found = scan.header  # a raw decoder knows more than the header
        limits.check_size(found.width, found.height, job.max_pixels)
        decided = None if job.transfer is None else decide(job.transfer, job.input, found)
        made = Source(scan, _steps(job, found, decided), parallel)
        made.said, made.transfer = _said(job, found), decided
        return made
    except BaseException:
        scan.close()
        raise


def _steps(job: Job, header: Header, transfer: Decided | None) -> tuple[Step, ...]:
    """What lies between this job's file and its grade."""
    steps: list[Step] = []
    if transfer is not None and transfer.curve.word != "linear":
        steps.append(Transfer(transfer.curve))
    if job.flat_field is not None:
        off = job.flat_field.aspect_off(header.width, header.height)
        if off > MOST_ASPECT:
            raise Unsupported(
                f"its picture of {header.width} x {header.height} has another shape than the "
                f"flat field ({job.flat_field.aspect:.3f} wide for 1 high)",
                hint="take the flat field framed as the scans, or grade this scan without it",
            )
        steps.append(FlatField(job.flat_field, header.width, header.height, header.channels))
    return tuple(steps)


def _said(job: Job, header: Header) -> tuple[str, ...]:
    """What is to be said of a scan and its steps."""
    if job.flat_field is None:
        return ()
    said = []
    off = job.flat_field.aspect_off(header.width, header.height)
    if off > ODD_ASPECT:
        said.append(
            f"its shape is {off:.1%} off that of the flat field: the light may be evened out "
            "beside its place"
        )
    gammas = {frame.recipe.input_space.gamma for frame in job.frames} - {1.0}
    if gammas and job.transfer is None:
        said.append(
            "the light is evened out on samples that are not linear (input gamma "
            f"{', '.join(f'{gamma:g}' for gamma in sorted(gammas))}): scan linear, or leave "
            "--flat-field out"
        )
    return tuple(said)
