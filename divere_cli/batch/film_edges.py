"""What the film's edge says of the scans of a run.

Covers a look at each scan before names are given, in workers. What it does not:
reading itself (``develop.film_edge``), and what it means for rolls (:mod:`.film_rolls`);
a run whose names need none of it reads while it measures or grades.
"""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Iterable, Mapping

from divere_cli.batch.request import BatchRequest
from divere_cli.batch.walked import Scan
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import FilmEdge

TASK = "divere_cli.develop.film_edge:read"
FIELDS = frozenset({"film", "frame"})
Edges = Mapping[str, FilmEdge]  # by the path of the file


def wanted(request: BatchRequest) -> bool:
    """Return whether the output's name has a field that only the film's edge can fill.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    """
    templates = (request.outputs.name, *(each.name for each in request.outputs.also))
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text)}
    return bool(names & FIELDS) and request.inputs.film_edge


def read(request: BatchRequest, scans: Iterable[Scan]) -> dict[str, FilmEdge]:
    """Read the edges of scans; one that cannot be read is left out, and fails when graded.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    scans : iterable of Scan
        The scans.

    Raises
    ------
    IsolationUnavailable
        ``--isolation always``, and no worker process can be had.
    """
    isolation = IsolationRequest(request.isolation.requested, request.isolation.start_method)
    limits = Limits(wall_seconds=request.bounds.timeout_seconds)
    whole = [scan for scan in scans if scan.problem is None]
    jobs = (
        Job(
            id=index,
            name=scan.name,
            input=scan.path,
            stamp=scan.stamp,
            encoding=request.outputs.encoding,
            frames=(),
            task=TASK,
            max_pixels=request.inputs.max_pixels,
        )
        for index, scan in enumerate(whole)
    )
    found = {}
    for outcome in run_tasks(jobs, request=isolation, limits=limits, stopped=request.host.stopped):
        if outcome.result is not None and outcome.result.film_edge is not None:
            found[whole[outcome.job_id].path] = outcome.result.film_edge
    return found


def can_be_read() -> bool:
    """Whether the extra ``[dx]`` is installed; nothing is imported."""
    return importlib.util.find_spec("zxingcpp") is not None
