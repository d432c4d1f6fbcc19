"""A scan's samples before the grade: those of the reader, or the result of steps on them.

Covers opening the scan of a job once, the size check, and the steps between a file and
its grade: each works in linear light on complete stored rows, before crop and turn.
Every task reads scans through this module: grading, measuring, looking for frames.
Without steps the reader's bands pass through unchanged, and nothing is copied.

Order of the steps: repair of the file's codes (``before``), conversion to linear light
(input transfer), division by the light (flat field). The pixels do not depend on the
height of the bands; threads share a step by rows.
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

PARTS = 2  # parts for each thread: a delayed thread does not delay the others


class Step(Protocol):
    """One operation on samples before the grade.

    Attributes
    ----------
    codes : bool
        Whether it turns 16-bit codes into 16-bit codes: a grade of those takes half the time
        of a grade of floats.
    """

    codes: bool

    def apply(self, first: int, samples: NDArray[Any], scale: float, out: NDArray[Any]) -> None:
        """Fill ``out`` from rows of samples.

        Parameters
        ----------
        first : int
            Row number, in the scan, of the first of the rows.
        samples : ndarray, shape (rows, width, channels)
            Type of the reader for the first step, float32 for the others.
        scale : float
            Factor that scales a sample to 0..1: 1/255, 1/65535, or 1.
        out : ndarray, float32 or, by a step of ``codes``, uint16; the same shape
            May be ``samples``.
        """


class Source(Closing):
    """An open scan with its steps. A context manager: leaving it closes the scan.

    Parameters
    ----------
    scan : Reader
    steps : sequence of Step
    parallel : Parallel, optional
        Its threads share the rows of a band.
    before : callable, optional
        Converts the reader's bands to bands of the same type.

    Attributes
    ----------
    before : callable or None
        As given; it may be set until the first band is read.
    header : Header
        Header of the scan; its ``layout`` is that of the bands of this source.
    transfer : Decided or None
        How its samples relate to light, if the job requests it.
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
        self.flat_field_warnings: tuple[str, ...] = ()
        self.transfer: Decided | None = None

    @property
    def header(self) -> Header:
        header = self.scan.header
        return replace(header, band="float32") if self._steps and not self._codes else header

    @property
    def layout(self) -> Layout:
        """Layout for ``grade.compile``: that of the reader's samples, or float32 of 0..1."""
        return self.header.layout

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the header, the reader and the steps so far."""
        return (*self.scan.header.warnings, *self.scan.warnings, *self.flat_field_warnings)

    def bands(self, rows: int | None = None) -> Bands:
        """Yield the picture from top to bottom as (first row, band).

        See :meth:`divere_cli.image.reader.Reader.bands`; the buffer of a band is reused.
        """
        bands = self.scan.bands(rows)
        if self.before is not None:
            bands = self.before(bands)
        if not self._steps:
            return bands
        return self._stepped(bands)

    def infrared(self) -> Bands | None:
        """Return the bands of the infrared channel as stored: no step changes them."""
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


def open(  # noqa: A001 - same name as in the readers
    job: Job, parallel: Parallel | None = None, header: Header | None = None
) -> Source:
    """Open a job's scan with the steps that the job requests.

    Parameters
    ----------
    job : Job
    parallel : Parallel, optional
        Must stay open longer than the source.
    header : Header, optional
        Read from the file if absent.

    Raises
    ------
    Unreadable, Unsupported, CorruptInput, LimitExceeded
    """
    file_header = header or headers.read(job.input, job.max_pixels, job.picture)
    balance = job.frames[0].recipe.camera_white_balance if job.frames else "off"
    scan = reader.open(job.input, file_header, balance)
    try:
        if parallel is not None:
            scan.share(parallel)
        scan_header = scan.header  # of the reader: a raw decoder knows more than the file's header
        limits.check_size(scan_header.width, scan_header.height, job.max_pixels)
        decided = None if job.transfer is None else decide(job.transfer, job.input, scan_header)
        source = Source(scan, _steps(job, scan_header, decided), parallel)
        source.flat_field_warnings = _flat_field_warnings(job, scan_header)
        source.transfer = decided
        return source
    except BaseException:
        scan.close()
        raise


def _steps(job: Job, header: Header, transfer: Decided | None) -> tuple[Step, ...]:
    """Return the steps between this job's file and its grade."""
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


def _flat_field_warnings(job: Job, header: Header) -> tuple[str, ...]:
    """Return warnings about the flat field of a scan."""
    if job.flat_field is None:
        return ()
    warnings = []
    off = job.flat_field.aspect_off(header.width, header.height)
    if off > ODD_ASPECT:
        warnings.append(
            f"its shape is {off:.1%} off that of the flat field: the light may be evened out "
            "beside its place"
        )
    gammas = {frame.recipe.input_space.gamma for frame in job.frames} - {1.0}
    if gammas and job.transfer is None:
        warnings.append(
            "the light is evened out on samples that are not linear (input gamma "
            f"{', '.join(f'{gamma:g}' for gamma in sorted(gammas))}): scan linear, or leave "
            "--flat-field out"
        )
    return tuple(warnings)
