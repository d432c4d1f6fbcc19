"""Find the frames of scans, each in a worker; clear strips of a roll help with unclear ones.

Covers the jobs, a second pass over unsure scans once other scans have shown format and
width, and errors as data. The search itself is in :mod:`divere_cli.frames`. Used by
``divere frames`` and by ``--frames find``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from divere_cli.errors import ScanError
from divere_cli.files import stamp
from divere_cli.frames import answer
from divere_cli.frames.answer import FoundScan, FrameRequest
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.records import serialize
from divere_cli.records.job import Encoding, InputTransfer, Job, Limits
from divere_cli.records.light import LightMap
from divere_cli.records.outcome import ErrorRecord, Outcome

Page = tuple[str, int]
"""Path of a file, and index of a picture in it, from 0."""

Answers = dict[Page, FoundScan | ErrorRecord]


@dataclass(frozen=True, slots=True)
class FrameSearch:
    """Settings of the search, the same for all scans of a run.

    ``film_edge`` also reads the frame numbers at the edge of the film.
    """

    expected: FrameRequest
    encoding: Encoding
    isolation: IsolationRequest
    limits: Limits
    max_pixels: int = 2_000_000_000
    light: LightMap | None = None
    transfer: InputTransfer | None = None
    film_edge: bool = False
    stopped: Callable[[], bool] = lambda: False


def look(
    search: FrameSearch, pages: Sequence[Page], on_scan: Callable[[str], None] = lambda path: None
) -> Answers:
    """Find the frames of scans.

    Parameters
    ----------
    search : FrameSearch
    pages : sequence of (str, int)
        Scans, each once.
    on_scan : callable
        Receives the path of each scan after its first pass.

    Returns
    -------
    dict
        The found frames of each scan, or its error.

    Raises
    ------
    IsolationUnavailable, KeyboardInterrupt
    """
    answers = _pass(search, pages, on_scan)
    scans = {page: scan for page, scan in answers.items() if isinstance(scan, FoundScan)}
    common = answer.common_format(scans.values())
    if common is None or len(scans) < 2:
        return answers
    film, aspect = common
    again = [page for page, scan in scans.items() if answer.needs_second_search(scan, film)]
    if again:
        hinted = replace(search.expected, form=film, aspect=aspect)
        better = _pass(replace(search, expected=hinted), again, lambda path: None)
        answers |= {page: scan for page, scan in better.items() if isinstance(scan, FoundScan)}
    return answers


def _pass(search: FrameSearch, pages: Sequence[Page], on_scan: Callable[[str], None]) -> Answers:
    answers: Answers = {}
    jobs: list[Job] = []
    for number, page in enumerate(pages):
        try:
            jobs.append(_job(search, number, page))
        except ScanError as problem:
            answers[page] = ErrorRecord.of_scan(problem)
    if not jobs:
        return answers
    for outcome in run_tasks(
        jobs, request=search.isolation, limits=search.limits, stopped=search.stopped
    ):
        page = pages[outcome.job_id]
        answers[page] = _result_of(outcome)
        on_scan(page[0])
    return answers


def _job(search: FrameSearch, number: int, page: Page) -> Job:
    path, picture = page
    return Job(
        id=number,
        name=os.path.basename(path),
        input=os.path.abspath(path),
        stamp=stamp.take(path),
        encoding=search.encoding,
        frames=(),
        task=answer.TASK,
        film_edge=search.film_edge,
        max_pixels=search.max_pixels,
        picture=picture,
        parameters=serialize.to_text(search.expected, allow_nan=False),
        flat_field=search.light,
        transfer=search.transfer,
    )


def _result_of(outcome: Outcome) -> FoundScan | ErrorRecord:
    if outcome.result is None:
        return outcome.error or ErrorRecord("internal", "the worker returned no result")
    return serialize.from_text(FoundScan, outcome.result.measurement)
