"""What the film's edge says of scans, where their outputs are to be named by it.

Covers a look at each scan before names are given, in workers, and what that adds
to what was written down about the film. What it does not: reading itself
(``develop.film_edge``); a run whose names need none of it reads while it grades.
"""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Iterable, Mapping
from dataclasses import replace

from divere_cli.batch.request import BatchRequest
from divere_cli.batch.walked import Scan
from divere_cli.films import stocks
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.tasks import run_tasks
from divere_cli.records.film import FilmNotes
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import FilmEdge

TASK = "divere_cli.develop.film_edge:read"
FIELDS = frozenset({"film", "frame"})
Edges = Mapping[str, FilmEdge]  # by the path of the file


def wanted(request: BatchRequest) -> bool:
    """Whether a name of an output has a field that only the film's edge can fill."""
    templates = (request.outputs.name, *(each.name for each in request.outputs.also))
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text)}
    return bool(names & FIELDS) and request.inputs.film_edge


def read(request: BatchRequest, scans: Iterable[Scan]) -> dict[str, FilmEdge]:
    """Read the edges of scans; one that cannot be read is left out, and fails when graded.

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


def film(edge: FilmEdge | None) -> str:
    """The stock for a name: as it is called, else its number; empty where nothing was read."""
    return "" if edge is None else edge.film or edge.dx


def frame(edge: FilmEdge | None) -> str:
    """The number of the first whole frame; else of the first half one."""
    frames = edge.frames if edge is not None else ()
    return next((name for name in frames if not name.endswith("A")), frames[0] if frames else "")


def noted(notes: FilmNotes | None, edge: FilmEdge | None) -> FilmNotes | None:
    """Add what the edge says to what was written down, where that says nothing else."""
    stock = stocks.by_number(edge.dx) if edge is not None else None
    if edge is None or (stock is None and not edge.frames):
        return notes
    known = notes or FilmNotes()
    if stock is not None and not known.film:
        iso = known.iso if known.iso is not None else stock.speed
        known = replace(known, film=stock.name, process=stock.process, iso=iso)
    return replace(known, frame=known.frame or frame(edge))
