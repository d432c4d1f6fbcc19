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

Page = tuple[str, int]
"""Path of a file, and which of its pictures, from 0 on."""

Answers = dict[Page, FoundScan | ErrorRecord]


@dataclass(frozen=True, slots=True)
class Looking:
    """How scans are looked at; the same for all of a run.

    ``film_edge`` asks for the numbers of frames, too.
    """

    wanted: Wanted
    encoding: Encoding
    isolation: IsolationRequest
    limits: Limits
    max_pixels: int = 2_000_000_000
    light: LightMap | None = None
    transfer: InputTransfer | None = None
    film_edge: bool = False
    stopped: Callable[[], bool] = lambda: False


def look(
    looking: Looking, pages: Sequence[Page], told: Callable[[str], None] = lambda path: None
) -> Answers:
    """Find the frames of scans.

    Parameters
    ----------
    looking : Looking
    pages : sequence of (str, int)
        Scans, each once.
    told : callable
        Takes the path of each scan when its first answer is there.

    Returns
    -------
    dict
        What was found on each, or what is wrong with the scan.

    Raises
    ------
    IsolationUnavailable, KeyboardInterrupt
    """
    found = _pass(looking, pages, told)
    right = {page: scan for page, scan in found.items() if isinstance(scan, FoundScan)}
    together = answer.shown(right.values())
    if together is None or len(right) < 2:
        return found
    film, aspect = together
    again = [page for page, scan in right.items() if answer.helped(scan, film)]
    if again:
        helped = replace(looking.wanted, form=film, aspect=aspect)
        better = _pass(replace(looking, wanted=helped), again, lambda path: None)
        found |= {page: scan for page, scan in better.items() if isinstance(scan, FoundScan)}
    return found


def _pass(looking: Looking, pages: Sequence[Page], told: Callable[[str], None]) -> Answers:
    found: Answers = {}
    jobs: list[Job] = []
    for number, page in enumerate(pages):
        try:
            jobs.append(_job(looking, number, page))
        except ScanError as problem:
            found[page] = ErrorRecord.of_scan(problem)
    if not jobs:
        return found
    for outcome in run_tasks(
        jobs, request=looking.isolation, limits=looking.limits, stopped=looking.stopped
    ):
        page = pages[outcome.job_id]
        found[page] = _answered(outcome)
        told(page[0])
    return found


def _job(looking: Looking, number: int, page: Page) -> Job:
    path, picture = page
    return Job(
        id=number,
        name=os.path.basename(path),
        input=os.path.abspath(path),
        stamp=stamp.take(path),
        encoding=looking.encoding,
        frames=(),
        task=answer.TASK,
        film_edge=looking.film_edge,
        max_pixels=looking.max_pixels,
        picture=picture,
        parameters=answer.to_json(looking.wanted),
        flat_field=looking.light,
        transfer=looking.transfer,
    )


def _answered(outcome: Outcome) -> FoundScan | ErrorRecord:
    if outcome.result is None:
        return outcome.error or ErrorRecord("internal", "the worker said nothing")
    return answer.found(outcome.result.measurement)
