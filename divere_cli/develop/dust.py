"""Repair of one scan by its infrared channel, as the first step.

Covers the survey, the decision whether the scan can be repaired, the repaired bands,
the file of the mask and its thumbnail, notes and warnings. How defects are found and
filled is in :mod:`divere_cli.infrared`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop.thumbnail import SRGB, Thumbnailer
from divere_cli.image import writer
from divere_cli.image.closing import Closing
from divere_cli.image.layout import Header, PictureMetadata
from divere_cli.image.parallel import Parallel
from divere_cli.image.reader import Band, Reader
from divere_cli.infrared.bands import Repair
from divere_cli.infrared.find import TUNINGS
from divere_cli.infrared.placement import Placement
from divere_cli.infrared.survey import MOST_COVERED, Findings, survey
from divere_cli.records.job import Job
from divere_cli.records.outcome import Repaired, Thumbnail, Written

BLANK_ROWS = 256


class Dust(Closing):
    """The infrared repair of a scan (``--ir repair``). A context manager.

    Parameters
    ----------
    job : Job
    scan : Reader
    parallel : Parallel

    Attributes
    ----------
    repaired : Repaired or None
        Result of the repair, after all bands; None if nothing could be repaired.
    warnings, notes : tuple of str
    """

    def __init__(self, job: Job, scan: Reader, parallel: Parallel) -> None:
        self._scan = scan
        self._parallel = parallel
        self._tuning = TUNINGS[job.encoding.ir_strength]
        self.repaired: Repaired | None = None
        self.warnings: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        header = scan.header
        self._small = (
            Thumbnailer(header.width, header.height, SRGB, job.frames[0].orientation)
            if job.thumbnails
            else None
        )
        with ExitStack() as stack:
            self._mask = _mask_writer(job, header, stack) if job.sidecar is not None else None
            self._name = job.sidecar.name if job.sidecar is not None else ""
            self._open = stack.pop_all()

    def bands(self, bands: Iterator[Band]) -> Iterator[Band]:
        """Yield the reader's bands, repaired if possible; the type stays, heights may differ."""
        findings = self._look()
        if findings is None:
            self._blank()
            yield from bands
            return
        infrared = self._scan.infrared()
        assert infrared is not None
        repair = Repair(findings, self._tuning, self._parallel)
        for first, band in repair.bands(bands, infrared):
            if self._mask is not None or self._small is not None:
                self._keep(first, repair.mask(first, len(band)))
            yield first, band
        result = repair.result()
        shift = findings.placement.shift if findings.moved else None
        pixels, x, y = result.biggest
        self.repaired = Repaired(result.share, pixels, x, y, shift)
        self.notes = (*self.notes, *_notes(self.repaired))

    def finish(self) -> tuple[Written, ...]:
        """Complete the file of the mask, if one is requested."""
        if self._mask is None:
            return ()
        return (replace(self._mask.close(), name=self._name),)

    def thumbnail(self) -> Thumbnail | None:
        """Return a small picture of the mask, if requested and anything was repaired."""
        if self._small is None or self.repaired is None or not self.repaired.share:
            return None
        return self._small.thumbnail("repaired")

    def close(self) -> None:
        self._open.close()

    def _look(self) -> Findings | None:
        """Survey the scan; return None, and set a note or warning, if it cannot be repaired."""
        placement = _placement(self._scan.header)
        infrared = self._scan.infrared() if "infrared" in self._scan.header.extra else None
        if infrared is None or placement is None:
            self.notes = ("no infrared channel: nothing was repaired",)
            return None
        if not placement.fits:
            self.warnings = (_WRONG_SIZE.format(*placement.size[::-1], *placement.picture[::-1]),)
            return None
        findings = survey(self._scan.bands(), infrared, placement, self._tuning)
        if findings.silver:
            self.warnings = (_SILVER,)
            return None
        if findings.too_much:
            self.warnings = (_TOO_MUCH.format(findings.share, MOST_COVERED),)
            return None
        return findings

    def _keep(self, first: int, mask: NDArray[np.bool_]) -> None:
        gray = mask[..., np.newaxis].astype(np.uint8) * np.uint8(255)
        if self._mask is not None:
            self._mask.write(gray)
        if self._small is not None:
            self._small.take(first, gray)

    def _blank(self) -> None:
        """Write an empty mask, because its file was announced in the plan."""
        if self._mask is None:
            return
        header = self._scan.header
        rows = np.zeros((BLANK_ROWS, header.width, 1), np.uint8)
        for first in range(0, header.height, BLANK_ROWS):
            self._mask.write(rows[: min(BLANK_ROWS, header.height - first)])


_SILVER = (
    "infrared follows the picture, as on silver black-and-white film and Kodachrome: dust cannot"
    " be told from it, and nothing was repaired; --ir drop leaves this warning out"
)
_TOO_MUCH = (
    "infrared stands out on about {:.0%} of the picture, more than {:.0%}: that is hardly dust,"
    " and nothing was repaired; try --ir-strength low, or clean the film and scan it again"
)
_WRONG_SIZE = (
    "infrared has {} x {} pixels beside a picture of {} x {}: it was not used, and nothing was"
    " repaired"
)


def _placement(header: Header) -> Placement | None:
    page = header.infrared_page
    size = (header.height, header.width) if page is None else (page.height, page.width)
    return Placement(size, (header.height, header.width)) if header.pixels else None


def _mask_writer(job: Job, header: Header, stack: ExitStack) -> writer.Writer:
    assert job.sidecar is not None
    encoding = replace(job.encoding, format="png", bit_depth=8)
    picture = PictureMetadata(resolution=header.resolution)
    shape = (header.width, header.height, 1)
    return stack.enter_context(writer.open(job.sidecar.temp, encoding, *shape, picture))


def _notes(done: Repaired) -> tuple[str, ...]:
    if not done.share:
        return ("infrared shows no dust: nothing was repaired",)
    words = f"{done.share:.2%} of the picture was repaired by infrared"
    if done.share < 0.00005:
        words = "less than 0.01% of the picture was repaired by infrared"
    words += f"; the biggest place has {done.biggest_pixels} pixels at {done.x}, {done.y}"
    if done.shift is not None:
        down, right = done.shift
        words += f"; infrared lay {_moved(down, 'down', 'up')} and {_moved(right, 'right', 'left')}"
    return (words,)


def _moved(amount: float, positive: str, negative: str) -> str:
    return f"{abs(amount):.1f} pixels {positive if amount >= 0 else negative}"
