"""One attempt at one job, in a process or a thread: find the task, run it, classify its error.

Covers what the worker process and the thread have in common: the dotted name of a task, seconds by
stage, and the table from exceptions to ends. Not covered: deaths that raise nothing
(:mod:`divere_cli.isolation.supervisor.exit_reasons`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import time
import traceback
from collections.abc import Callable, Iterator

from divere_cli.errors import DivereError, Internal, OutOfMemory
from divere_cli.isolation.log_bridge import shortened
from divere_cli.isolation.runner import Task
from divere_cli.records.job import Job, Stage
from divere_cli.records.outcome import End, ErrorRecord, Stages, TaskResult

# Modules that a worker imports before it has a job: all that a TIFF and a JPEG need, with their
# codecs, which imagecodecs would otherwise load one by one in every worker.
WARM = (
    "numpy",
    "numpy.ma",
    "imagecodecs._shared",
    "imagecodecs._cms",
    "imagecodecs._deflate",
    "imagecodecs._imcd",
    "imagecodecs._jpeg8",
    "imagecodecs._zstd",
    "PyOpenColorIO",
    "divere_cli.develop.scan",
    "divere_cli.image.tiff.reader",
    "divere_cli.image.tiff.writer",
    "divere_cli.image.jpeg.reader",
    "divere_cli.image.png.reader",
    "divere_cli.image.png.writer",
)

_ALLOCATORS = ("bad_alloc", "AlignedMalloc", "can't start new thread", "Cannot allocate memory")


class StageClock:
    """The progress of one task: adds up seconds by stage, and reports the share that is done.

    ``report(stage, done)`` is called on every change of stage and every step; it may
    raise to stop the task. With ``quiet_seconds``, steps that follow closer are kept back.
    """

    def __init__(self, report: Callable[[str, float], None], quiet_seconds: float = 0.0) -> None:
        self._report = report
        self._quiet = quiet_seconds
        self._next = 0.0
        self._done = 0.0
        self._stage = ""
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Count the seconds inside this context for the stage ``name``."""
        if name != self._stage:
            self._stage = name
            self._report_stage()
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self._seconds[name] = self._seconds.get(name, 0.0) + spent

    def advance(self, done: float) -> None:
        """Report the share ``done``, 0..1, of the scan; it never goes back."""
        self._done = min(1.0, max(self._done, done))
        self._report_stage()

    def stages(self, start: float) -> Stages:
        """Return the seconds so far; ``start`` passed before the task began."""
        return Stages(start, **{n: self._seconds.get(n, 0.0) for n in ("read", "grade", "write")})

    def _report_stage(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._quiet
            self._report(self._stage, self._done)


class Swapped(Exception):
    """A temporary file is not the one that divere made for this job; nothing was written."""


_confined: list[str] = []  # how this process is confined, once it is


def confined() -> bool:
    """Return whether this process is a confined worker."""
    return bool(_confined)


def note_confined(how: str) -> None:
    """Remember that this process is confined.

    Parameters
    ----------
    how : str
        The layers in effect, as text for the report.
    """
    _confined.append(how)


def find(dotted: str) -> Task:
    """Return the function with a dotted name.

    Parameters
    ----------
    dotted : str
        ``module:function``.

    Raises
    ------
    Internal
        There is no such function.
    """
    module, _, name = dotted.partition(":")
    try:
        task: Task = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise Internal(f"the task {dotted} cannot be loaded: {problem}") from problem
    return task


def run(job: Job, clock: StageClock, start_seconds: float) -> TaskResult:
    """Run the job's task.

    Parameters
    ----------
    job : Job
        The job of the worker.
    clock : StageClock
        Measures the seconds of each stage.
    start_seconds : float
        Seconds that the start of the worker took.

    Raises
    ------
    BaseException
        Whatever the task raises; :func:`failure` names it.
    """
    result = find(job.task)(job, clock)
    if not isinstance(result, TaskResult):
        raise Internal(f"the task {job.task} gave {type(result).__name__}, not a TaskResult")
    return dataclasses.replace(result, stages=clock.stages(start_seconds))


def failure(problem: BaseException, name: str) -> tuple[End, ErrorRecord]:
    """Return the end and the error record for an exception of a task.

    Parameters
    ----------
    problem : BaseException
        The exception.
    name : str
        Name of the scan.
    """
    if _is_memory(problem):
        return "out_of_memory", ErrorRecord(
            kind=OutOfMemory.kind,
            message="there was not enough memory for this scan",
            hint=OutOfMemory.default_hint,
            detail=_trace(problem),
        )
    if isinstance(problem, Swapped):
        return "lost", ErrorRecord("crashed", str(problem))
    if isinstance(problem, DivereError):
        detail = "\n".join(part for part in (problem.detail, _trace(problem)) if part)
        return "error", ErrorRecord(problem.kind, problem.message, problem.hint, shortened(detail))
    if isinstance(problem, PermissionError) and confined():
        return "error", ErrorRecord(
            kind=Internal.kind,
            message=f"its decoder needs what the sandbox does not give: {_first_line(problem)}",
            hint="please report it; --sandbox never grades scans that you trust",
            detail=_trace(problem),
        )
    return "error", ErrorRecord(
        kind=Internal.kind,
        message=f"a bug in divere: {_first_line(problem)}",
        hint=Internal.default_hint,
        detail=_trace(problem),
    )


def _is_memory(problem: BaseException) -> bool:
    visited: set[int] = set()
    link: BaseException | None = problem
    while link is not None and id(link) not in visited:
        visited.add(id(link))
        if isinstance(link, MemoryError | OutOfMemory):
            return True
        if not isinstance(link, DivereError) and any(word in str(link) for word in _ALLOCATORS):
            return True
        link = link.__cause__ or link.__context__
    return False


def _first_line(problem: BaseException) -> str:
    text = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {text[0][:500]}" if text else type(problem).__name__


def _trace(problem: BaseException) -> str:
    return shortened("".join(traceback.format_exception(problem)))
