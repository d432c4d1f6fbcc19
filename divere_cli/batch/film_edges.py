"""Read the film edges of a run's scans before outputs are named.

Covers the pass over the scans, in workers, and codes that an earlier run recorded: those are
not read again. The reading itself is in ``develop.film_edge``, its use for rolls in
:mod:`.film_rolls`, for presets in :mod:`.film_presets`. If neither names nor presets need edge
data, a run reads the edges while it measures or grades.
"""

from __future__ import annotations

import functools
import importlib.util
import string
from collections.abc import Iterable, Mapping, Sequence

from divere_cli.batch.journal.state import State
from divere_cli.batch.request import BatchRequest
from divere_cli.batch.walked import Scan
from divere_cli.files import stamp
from divere_cli.films import notes, stocks
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import FilmEdge
from divere_cli.system import cpus

TASK = "divere_cli.develop.film_edge:read"
FIELDS = frozenset({"film", "frame"})
# by the path of the file; None where the edge was read and shows no code
Edges = Mapping[str, FilmEdge | None]


def needed(request: BatchRequest) -> bool:
    """Return whether names of outputs, or the choice of presets, need film edge data.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    """
    templates = (request.outputs.name, *(each.name for each in request.outputs.also))
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text)}
    by_film = request.film_presets is not None
    return (by_film or bool(names & FIELDS)) and request.inputs.film_edge


def recorded(request: BatchRequest, scan: Scan, state: State) -> tuple[bool, FilmEdge | None]:
    """Return whether an earlier run read the edge of a scan, and the code that it shows.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    scan : Scan
        The scan; once it has changed, its record counts no more.
    state : State
        State read from the journal.
    """
    done = state.done.get(scan.name)
    if done is None or not request.inputs.film_edge or request.outputs.force:
        return False, None
    was_read = done.film_edge is not None or done.no_edge_code
    if not was_read or not stamp.same(done.stamp, scan.stamp):
        return False, None
    return True, done.film_edge


def all_recorded(
    request: BatchRequest, scans: Iterable[Scan], state: State
) -> dict[str, FilmEdge | None]:
    """Return what earlier runs read, by the path of a scan.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    scans : iterable of Scan
        The scans.
    state : State
        State read from the journal.
    """
    pairs = ((scan.path, *recorded(request, scan, state)) for scan in scans)
    return {path: edge for path, was_read, edge in pairs if was_read}


def read(request: BatchRequest, scans: Sequence[Scan], state: State) -> dict[str, FilmEdge | None]:
    """Read the film edges of scans; an unreadable scan is left out, and fails when graded.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    scans : sequence of Scan
        The scans.
    state : State
        State read from the journal.

    Raises
    ------
    IsolationUnavailable
        ``--isolation always``, and no worker process can be started.
    """
    isolation = IsolationRequest(
        request.isolation.requested,
        request.isolation.start_method,
        jobs=request.bounds.jobs or cpus.usable(),
        sandbox=request.isolation.sandbox,
    )
    limits = Limits(wall_seconds=request.bounds.timeout_seconds)
    edges = all_recorded(request, scans, state)
    readable = [scan for scan in scans if scan.problem is None and scan.path not in edges]
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
    for outcome in run_tasks(jobs, request=isolation, limits=limits, stopped=request.host.stopped):
        if outcome.result is not None and can_be_read():
            edges[readable[outcome.job_id].path] = outcome.result.film_edge
    return edges


def learn(request: BatchRequest, scans: Iterable[Scan], edges: Edges | None) -> None:
    """Tell the presets that are chosen by film (``-p FOLDER``) which film each scan is on.

    Parameters
    ----------
    request : BatchRequest
        The request of the run.
    scans : iterable of Scan
        The scans.
    edges : Edges, optional
        Codes at the films' edges, of the scans whose edge was read.
    """
    if request.film_presets is None:
        return
    log, codes = request.film_log, edges or {}
    films = {}
    for scan in scans:
        row = log.of(scan.file) if log is not None else None
        film = row.film if row is not None and row.film else notes.film(codes.get(scan.path))
        if film or scan.path in codes:
            films[scan.path] = stocks.canonical(film)
    request.film_presets.learn(films)


@functools.cache  # asked for each scan
def can_be_read() -> bool:
    """Return whether the extra ``[dx]`` is installed; imports nothing."""
    return importlib.util.find_spec("zxingcpp") is not None
