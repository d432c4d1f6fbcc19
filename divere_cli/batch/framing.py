"""Looking for the frames of scans, each in a worker; what a roll's strips show helps the others.

Covers the jobs, a second look at scans that were not sure once others have shown format
and width, and errors as data. What is found: :mod:`divere_cli.frames`. Used by
``divere frames`` and by ``--frames find``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from divere_cli.errors import ScanError
from divere_cli.files import stamp
from divere_cli.frames import answer
from divere_cli.frames.answer import FoundScan, Wanted
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.records.job import Encoding, InputTransfer, Job, Limits
from divere_cli.records.light import LightMap
from divere_cli.records.outcome import ErrorRecord, Outcome

Answers = dict[str, FoundScan | ErrorRecord]


@dataclass(frozen=True, slots=True)
class Looking:
    """How scans are looked at; the same for all of a run."""

    wanted: Wanted
    encoding: Encoding
    isolation: IsolationRequest
    limits: Limits
    max_pixels: int = 2_000_000_000
    light: LightMap | None = None
    transfer: InputTransfer | None = None
    stopped: Callable[[], bool] = lambda: False


def look(
    looking: Looking, paths: Sequence[str], told: Callable[[str], None] = lambda path: None
) -> Answers:
    """Find the frames of scans.

    Parameters
    ----------
    looking : Looking
    paths : sequence of str
        Scans, each once.
    told : callable
        Is told of each scan when its first answer is there.

    Returns
    -------
    dict
        Path to what was found, or what is wrong with the scan.

    Raises
    ------
    IsolationUnavailable, KeyboardInterrupt
    """
    found = _pass(looking, paths, told)
    right = {path: scan for path, scan in found.items() if isinstance(scan, FoundScan)}
    together = answer.shown(right.values())
    if together is None or len(right) < 2:
        return found
    film, aspect = together
    again = [path for path, scan in right.items() if answer.helped(scan, film)]
    if again:
        helped = replace(looking.wanted, form=film, aspect=aspect)
        better = _pass(replace(looking, wanted=helped), again, lambda path: None)
        found |= {path: scan for path, scan in better.items() if isinstance(scan, FoundScan)}
    return found


def _pass(looking: Looking, paths: Sequence[str], told: Callable[[str], None]) -> Answers:
    found: Answers = {}
    jobs: list[Job] = []
    for number, path in enumerate(paths):
        try:
            jobs.append(_job(looking, number, path))
        except ScanError as problem:
            found[path] = ErrorRecord.of_scan(problem)
    if not jobs:
        return found
    for outcome in run_tasks(
        jobs, request=looking.isolation, limits=looking.limits, stopped=looking.stopped
    ):
        path = paths[outcome.job_id]
        found[path] = _answered(outcome)
        told(path)
    return found


def _job(looking: Looking, number: int, path: str) -> Job:
    return Job(
        id=number,
        name=os.path.basename(path),
        input=os.path.abspath(path),
        stamp=stamp.take(path),
        encoding=looking.encoding,
        frames=(),
        task=answer.TASK,
        max_pixels=looking.max_pixels,
        parameters=answer.to_json(looking.wanted),
        flat_field=looking.light,
        transfer=looking.transfer,
    )


def _answered(outcome: Outcome) -> FoundScan | ErrorRecord:
    if outcome.result is None:
        return outcome.error or ErrorRecord("internal", "the worker said nothing")
    return answer.found(outcome.result.measurement)
