"""Read the film edges of a run's scans before outputs are named.

Covers the pass over the scans, in workers. The reading itself is in ``develop.film_edge``,
its use for rolls in :mod:`.film_rolls`. If names need no edge data, a run reads the edges
while it measures or grades.
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


def needed(request: BatchRequest) -> bool:
    """Return whether an output name has a field that needs film edge data.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    """
    templates = (request.outputs.name, *(each.name for each in request.outputs.also))
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text)}
    return bool(names & FIELDS) and request.inputs.film_edge


def read(request: BatchRequest, scans: Iterable[Scan]) -> dict[str, FilmEdge]:
    """Read the film edges of scans; an unreadable scan is left out, and fails when graded.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    scans : iterable of Scan
        The scans.

    Raises
    ------
    IsolationUnavailable
        ``--isolation always``, and no worker process can be started.
    """
    isolation = IsolationRequest(request.isolation.requested, request.isolation.start_method)
    limits = Limits(wall_seconds=request.bounds.timeout_seconds)
    readable = [scan for scan in scans if scan.problem is None]
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
        for index, scan in enumerate(readable)
    )
    edges = {}
    for outcome in run_tasks(jobs, request=isolation, limits=limits, stopped=request.host.stopped):
        if outcome.result is not None and outcome.result.film_edge is not None:
            edges[readable[outcome.job_id].path] = outcome.result.film_edge
    return edges


def can_be_read() -> bool:
    """Return whether the extra ``[dx]`` is installed; imports nothing."""
    return importlib.util.find_spec("zxingcpp") is not None
