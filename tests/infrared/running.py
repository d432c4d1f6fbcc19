"""A survey and a repair over arrays, in bands of any height and by any number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.image.parallel import Parallel
from divere_cli.infrared.bands import Repair, Repaired
from divere_cli.infrared.find import TUNINGS, Strength
from divere_cli.infrared.placement import Placement
from divere_cli.infrared.survey import Findings, survey
from tests.infrared.simulator import Scan


@dataclass(frozen=True)
class Run:
    findings: Findings
    pixels: NDArray[Any]
    mask: NDArray[np.bool_]
    result: Repaired


def bands(pixels: NDArray[Any], rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Bands as readers give them: the buffer of one is used again for the next."""
    buffer = np.empty((rows, *pixels.shape[1:]), pixels.dtype)
    for first in range(0, len(pixels), rows):
        part = buffer[: min(rows, len(pixels) - first)]
        part[:] = pixels[first : first + rows]
        yield first, part


def look(scan: Scan, strength: Strength = "normal", rows: int = 97) -> Findings:
    placement = Placement(scan.infrared.shape[:2], scan.rgb.shape[:2])
    assert placement.fits
    return survey(bands(scan.rgb, rows), bands(scan.infrared, rows), placement, TUNINGS[strength])


def run(scan: Scan, strength: Strength = "normal", rows: int = 97, threads: int = 1) -> Run:
    findings = look(scan, strength, rows)
    pixels = np.empty_like(scan.rgb)
    mask = np.zeros(scan.rgb.shape[:2], bool)
    with Parallel(threads) as parallel:
        repair = Repair(findings, TUNINGS[strength], parallel)
        for first, band in repair.bands(bands(scan.rgb, rows), bands(scan.infrared, rows)):
            pixels[first : first + len(band)] = band
            mask[first : first + len(band)] = repair.mask(first, len(band))
    return Run(findings, pixels, mask, repair.result())
