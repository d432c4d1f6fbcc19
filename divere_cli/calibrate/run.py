"""Run one calibration: workers take samples of the scans, then the fit runs here.

This is the parent's side of ``divere calibrate``. No scan is decoded here: workers return
numbers, and draw the picture.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.orders import Corners, FindOrder, PatchSamples, PictureOrder
from divere_cli.calibrate.result import Calibration
from divere_cli.errors import DivereError
from divere_cli.files import stamp
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.profile import library
from divere_cli.records import serialize
from divere_cli.records.grade import Recipe, Space
from divere_cli.records.job import Encoding, Frame, Job, Target
from divere_cli.records.outcome import ErrorRecord, Outcome

SAMPLES, DRAW = "divere_cli.calibrate.task:samples", "divere_cli.calibrate.task:draw"
TARGETS = ("print", "input")
SPACE = "KodakEnduraPremier_gamma_2_2"  # default of `divere batch` at 16 bits


@dataclass(frozen=True, slots=True)
class Request:
    """Settings of a calibration; ``corners`` has an entry for each scan, None to find the chart."""

    scans: tuple[str, ...]
    chart: Chart
    recipe: Recipe
    corners: tuple[Corners | None, ...]
    target: str = "print"
    isolation: IsolationRequest = field(default_factory=IsolationRequest)


@dataclass(frozen=True, slots=True)
class Failed:
    """A scan that could not be used."""

    scan: str
    error: ErrorRecord


def sampled(request: Request) -> tuple[list[PatchSamples | Failed], list[str]]:
    """Return the samples of every scan, each taken in a worker of its own, and the warnings.

    Parameters
    ----------
    request : Request
        The settings.
    """
    by_scan: list[PatchSamples | Failed | None] = [None] * len(request.scans)
    warnings: list[str] = []
    jobs = []
    for index, scan in enumerate(request.scans):
        order = FindOrder(request.chart, request.corners[index])
        try:
            jobs.append(_job(index, scan, request.recipe, SAMPLES, order))
        except DivereError as error:
            by_scan[index] = Failed(scan, ErrorRecord.of_scan(error))
    for outcome in run_tasks(jobs, request=request.isolation):
        scan = request.scans[outcome.job_id]
        if outcome.result is None:
            by_scan[outcome.job_id] = Failed(scan, _error(outcome))
            continue
        by_scan[outcome.job_id] = serialize.from_text(PatchSamples, outcome.result.measurement)
        warnings += [f"{scan}: {warning}" for warning in outcome.result.warnings]
    return [result for result in by_scan if result is not None], warnings


def film(measured: Sequence[PatchSamples]) -> tuple[str, list[str]]:
    """Return the film that the scans' edges name, and warnings; empty where they do not agree.

    Parameters
    ----------
    measured : sequence of PatchSamples
        Samples of each scan.
    """
    names = list(dict.fromkeys(samples.film for samples in measured if samples.film))
    if len(names) > 1:
        return "", [f"the scans are on different films by their edges: {', '.join(names)}"]
    return "".join(names), []


def fitted(request: Request, measured: Sequence[PatchSamples]) -> Calibration:
    """Return the fitted and judged calibration.

    Parameters
    ----------
    request : Request
        The settings.
    measured : sequence of PatchSamples
        Samples of each scan.

    Raises
    ------
    UsageError, Unsupported
        As :mod:`divere_cli.calibrate.negative` and ``positive`` raise them.
    """
    import numpy as np

    from divere_cli.calibrate import judge, negative, positive
    from divere_cli.calibrate.sample import Sample

    samples = [
        Sample(np.array(t.values), t.why, np.array(t.corners), t.unexplained, t.mirrored)
        for t in measured
    ]
    fit = positive.calibrate if request.target == "input" else negative.calibrate
    return judge.judge(fit(samples, request.scans, request.chart, request.recipe, output()))


def picture(request: Request, calibration: Calibration, path: str) -> bytes | Failed:
    """Draw the chart of the middle scan, as found and as graded; PNG or JPEG by the suffix.

    Parameters
    ----------
    request : Request
        The settings.
    calibration : Calibration
        The calibration.
    path : str
        Path of the picture; its suffix gives the format.
    """
    chart = calibration.charts[calibration.middle]
    order = PictureOrder(
        request.chart,
        chart.corners,
        calibration.recipe,
        output(),
        tuple(patch.after for patch in calibration.patches),
        tuple(patch.used for patch in calibration.patches),
    )
    with tempfile.TemporaryDirectory(prefix="divere-") as folder:
        temp = os.path.join(folder, "picture")
        with open(temp, "xb"):
            pass
        target = Target("picture", path, temp)
        job = _job(0, chart.scan, request.recipe, DRAW, order, target)
        (outcome,) = run_tasks([job], request=request.isolation)
        if outcome.result is None:
            return Failed(chart.scan, _error(outcome))
        with open(temp, "rb") as file:
            return file.read()


def output() -> Space:
    """Return the color space of the positives that the values are for."""
    return library.output_space(SPACE)


def _job(
    index: int, scan: str, recipe: Recipe, name: str, order: object, target: Target | None = None
) -> Job:
    return Job(
        id=index,
        name=os.path.basename(scan),
        input=os.path.abspath(scan),
        stamp=stamp.take_regular(scan),
        encoding=Encoding("tiff", 16, output()),
        frames=(Frame(target or Target("", "", ""), recipe),),
        task=name,
        parameters=serialize.to_text(order),
        film_edge=name == SAMPLES,
    )


def _error(outcome: Outcome) -> ErrorRecord:
    return outcome.error or ErrorRecord("internal", f"the worker ended: {outcome.end}")
