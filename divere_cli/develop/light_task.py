"""The task that measures a flat field: a picture of the light in, its map out, nothing written.

Covers what is warned of and what is refused, in words for the run. What the map is:
:mod:`divere_cli.develop.light`.
"""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import flat_field, light, source
from divere_cli.develop.light import Light
from divere_cli.errors import Unsupported
from divere_cli.image.parallel import Parallel
from divere_cli.records.job import Job, Progress
from divere_cli.records.light import FlatFieldRecord, LightMap
from divere_cli.records.outcome import TaskResult
from divere_cli.records.serialize import to_plain

DARKEST, DARK, BRIGHT = 0.01, 0.05, 0.95  # of the center, in parts of full scale
MOST_CLIPPED = 0.001
MOST_PATTERN = 0.075  # ln
HINT = "photograph the light alone, framed and focused as the scans, a little below clipping"


def measure(job: Job, progress: Progress) -> TaskResult:
    """Measure a picture of the light.

    Parameters
    ----------
    job : Job
        What the worker is asked to do.
    progress : Progress
        Takes stages and the share that is done.

    Returns
    -------
    TaskResult
        ``measurement`` is JSON: ``map`` (:class:`LightMap`) and ``record``
        (:class:`FlatFieldRecord`); ``warnings`` say what may be wrong with the picture.

    Raises
    ------
    ScanError
        As the reader raises it; Unsupported where there is no light on the picture.
    """
    with (
        progress.stage("read"),
        Parallel(job.threads) as parallel,
        source.open(job, parallel) as scan,
    ):
        header = scan.header
        blocks = light.Blocks(header.width, header.height, header.channels)
        for first, band in scan.bands():
            blocks.add(first, _light(band))
            progress.advance((first + len(band)) / header.height)
        warnings = scan.warnings
    with progress.stage("grade"):
        measured = light.measure(blocks)
    level = float(measured.level.mean())
    if level < DARKEST:
        raise Unsupported(f"its center is at {level:.1%} of full scale: no light", hint=HINT)
    gains = _gains_within(measured)
    light_map = LightMap(
        rows=measured.gain.shape[0],
        columns=measured.gain.shape[1],
        channels=measured.gain.shape[2],
        across=measured.across,
        down=measured.down,
        aspect=measured.aspect,
        gains=flat_field.packed(measured.gain),
    )
    record = FlatFieldRecord(
        file=os.path.basename(job.input),
        sha256="",
        lowest=round(float(gains.min()), 4),
        highest=round(float(gains.max()), 4),
        dust=round(measured.dust, 6),
        clipped=round(measured.clipped, 6),
    )
    return TaskResult(
        width=header.width,
        height=header.height,
        warnings=(*warnings, *_warnings(measured, level)),
        measurement=json.dumps({"map": to_plain(light_map), "record": to_plain(record)}),
    )


def _light(band: NDArray[Any]) -> NDArray[np.float32]:
    if band.dtype.kind == "f":
        return np.nan_to_num(np.asarray(band, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    scale = np.float32(1.0 / float(np.iinfo(band.dtype).max))
    return np.asarray(np.multiply(band, scale, dtype=np.float32), np.float32)


def _gains_within(measured: Light) -> NDArray[np.float64]:
    """Gains within the light."""
    gain = np.clip(measured.gain, flat_field.LEAST_GAIN, flat_field.MOST_GAIN)[1:-1, 1:-1]
    lit = measured.lit[:: light.CELL, :: light.CELL]
    return np.asarray(gain[lit] if lit.any() else gain.reshape(-1, gain.shape[2]))


def _warnings(measured: Light, level: float) -> list[str]:
    warnings = []
    if measured.clipped > MOST_CLIPPED:
        warnings.append(
            f"{measured.clipped:.1%} of it is clipped, and cannot be evened out: {HINT}"
        )
    elif level > BRIGHT:
        warnings.append(f"its center is at {level:.0%} of full scale, next to clipping: {HINT}")
    if level < DARK:
        warnings.append(f"its center is at {level:.1%} of full scale, and noise goes on: {HINT}")
    if measured.pattern > MOST_PATTERN:
        warnings.append(
            "it shows more than a light: film, or a pattern, which would be printed on every "
            f"scan: {HINT}"
        )
    if measured.beyond > 0.0:
        warnings.append(
            f"{measured.beyond:.1%} of it is farther from its center's light than 3 stops: evened "
            "out by 3 stops there"
        )
    return warnings
