"""Measure scans without grading: the first pass of a batch on its own; writes nothing.

Covers ``divere analyze``. The measuring itself is in ``roll``, the first pass of a batch
in :mod:`divere_cli.batch.run`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from divere_cli.batch import discover, plan
from divere_cli.batch.admission import Admission
from divere_cli.batch.engine import Engine
from divere_cli.batch.journal.state import State
from divere_cli.batch.measuring import Measuring
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.stop import Stop
from divere_cli.batch.walked import WalkResult
from divere_cli.records.events import Event
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.roll import Measured
from divere_cli.system import capacity, signals


@dataclass(frozen=True, slots=True)
class Analysis:
    """The measurements; ``problems`` has the reason, by name, for scans without one.

    ``signal`` is the signal that ended the analysis early, or None.
    """

    measured: tuple[Measured, ...]
    problems: dict[str, str]
    warnings: tuple[str, ...] = ()
    signal: int | None = None


def analyze(
    request: BatchRequest,
    task: str,
    emit: Callable[[Event], None],
    clock: Callable[[], float] = time.monotonic,
) -> Analysis:
    """Measure every scan of the request's inputs; its outputs are ignored.

    Parameters
    ----------
    request : BatchRequest
    task : str
        Dotted name of the measure task.
    emit : callable
        Receives each event as it happens; must not raise.
    clock : callable
        Monotonic clock in seconds.

    Raises
    ------
    RunError, ProfileError
        Before any scan was touched, or when the runner is lost.
    """
    with signals.watch() as stop_request:
        stop = Stop(stop_request, request.bounds.grace_seconds, clock)
        walked = _distinct(discover.find(request.inputs, ""))
        plans = plan.make(request, walked, State(), None, lambda: stop.stopping)
        problems = {each.scan.name: _why(each) for each in plans if each.error is not None}
        usable = [each for each in plans if each.error is None]
        engine = Engine(
            request,
            Admission(capacity.budget(request.bounds.memory_budget), []),
            stop,
            emit,
            clock,
        )
        try:
            queue = engine.queue(usable)
            engine.open(queue)
            work = Measuring(request, task, engine.threads)
            if queue:
                engine.scheduler().run(work, queue, looks=True)
        finally:
            engine.close()
        if stop.error is not None:
            raise stop.error
        measured = () if stop.stopping else work.all(usable)
        return Analysis(measured, problems | work.notes, tuple(walked.warnings), stop.signal)


def _distinct(walked: WalkResult) -> WalkResult:
    """Name all scans by their paths if several INPUTs have scans of the same name."""
    if len({scan.name for scan in walked.scans}) == len(walked.scans):
        return walked
    scans = [replace(scan, name=scan.path.replace(os.sep, "/")) for scan in walked.scans]
    return WalkResult(scans, walked.warnings)


def _why(each: plan.ScanPlan) -> str:
    assert each.error is not None
    error = ErrorRecord.of_scan(each.error)
    return f"{error.kind}: {error.message}"
