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
        known = scan.header
        blocks = light.Blocks(known.width, known.height, known.channels)
        for first, band in scan.bands():
            blocks.add(first, _light(band))
            progress.advance((first + len(band)) / known.height)
        warnings = scan.warnings
    with progress.stage("grade"):
        found = light.measure(blocks)
    level = float(found.level.mean())
    if level < DARKEST:
        raise Unsupported(f"its center is at {level:.1%} of full scale: no light", hint=HINT)
    shown = _shown(found)
    made = LightMap(
        rows=found.gain.shape[0],
        columns=found.gain.shape[1],
        channels=found.gain.shape[2],
        across=found.across,
        down=found.down,
        aspect=found.aspect,
        gains=flat_field.packed(found.gain),
    )
    record = FlatFieldRecord(
        file=os.path.basename(job.input),
        sha256="",
        lowest=round(float(shown.min()), 4),
        highest=round(float(shown.max()), 4),
        dust=round(found.dust, 6),
        clipped=round(found.clipped, 6),
    )
    return TaskResult(
        width=known.width,
        height=known.height,
        warnings=(*warnings, *_warnings(found, level)),
        measurement=json.dumps({"map": to_plain(made), "record": to_plain(record)}),
    )


def _light(band: NDArray[Any]) -> NDArray[np.float32]:
    if band.dtype.kind == "f":
        return np.nan_to_num(np.asarray(band, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    scale = np.float32(1.0 / float(np.iinfo(band.dtype).max))
    return np.asarray(np.multiply(band, scale, dtype=np.float32), np.float32)


def _shown(found: Light) -> NDArray[np.float64]:
    """Gains within the light."""
    gain = np.clip(found.gain, flat_field.LEAST_GAIN, flat_field.MOST_GAIN)[1:-1, 1:-1]
    lit = found.lit[:: light.CELL, :: light.CELL]
    return np.asarray(gain[lit] if lit.any() else gain.reshape(-1, gain.shape[2]))


def _warnings(found: Light, level: float) -> list[str]:
    said = []
    if found.clipped > MOST_CLIPPED:
        said.append(f"{found.clipped:.1%} of it is clipped, and cannot be evened out: {HINT}")
    elif level > BRIGHT:
        said.append(f"its center is at {level:.0%} of full scale, next to clipping: {HINT}")
    if level < DARK:
        said.append(f"its center is at {level:.1%} of full scale, and noise goes on: {HINT}")
    if found.pattern > MOST_PATTERN:
        said.append(
            "it shows more than a light: film, or a pattern, which would be printed on every "
            f"scan: {HINT}"
        )
    if found.beyond > 0.0:
        said.append(
            f"{found.beyond:.1%} of it is farther from its center's light than 3 stops: evened "
            "out by 3 stops there"
        )
    return said
