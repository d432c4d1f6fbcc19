"""The contract between ``batch`` and the runners, which run scans in processes or threads.

Covers what both sides share: the request, the runner, the progress that a task reports. A runner
knows single attempts only: it starts one when told to, and says how it ended. Not covered: which
scan is next, how many may run at once, and whether one is tried again; that is ``batch``'s policy,
and ``Outcome.end`` is what it decides by:

============== ===================================================================
end            meaning, and what a runner promises about it
============== ===================================================================
result         the task returned; ``result`` is set
error          the task raised; ``error`` is set; a second attempt would raise again
crashed        the worker died by itself without a result: a signal or an exit code
timeout        the attempt used up its time and was killed
out_of_memory  the task met its memory cap, or the kernel or the runner killed it for memory
lost           the worker ended well but its result never came, or was no result
infrastructure no worker could be started or the machinery between died; not the
               scan's fault, the task may not even have begun
cancelled      :meth:`Runner.cancel` or :meth:`Runner.close` ended it
============== ===================================================================

An outcome is handed out once, and only after the worker's process is proven gone,
so that a second attempt never meets the first. The one exception, a process that
not even SIGKILL ends (a dead network mount), says so in ``error.message``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.job import Job, Limits, Progress, WarmUp
from divere_cli.records.outcome import Incident, IsolationInfo, Outcome, TaskResult

Choice = Literal["auto", "always", "never"]
StartMethod = Literal["forkserver", "spawn", "fork"]
OnEvent = Callable[[ScanStarted | ScanProgress], None]


DESCRIPTORS = 9  # of the supervisor for one worker: eight while it starts, five later
DEPTH = "DIVERE_WORKER_DEPTH"  # set in a worker's environment: a worker never starts workers


class LaunchError(Exception):
    """No process could be started, or it does not work; the message gives the reason."""


def frozen_program() -> bool:
    """Return whether this is a frozen program (made by PyInstaller, for example)."""
    return bool(getattr(sys, "frozen", False))


@dataclass(frozen=True, slots=True)
class IsolationRequest:
    """How scans are to be isolated from one another.

    ``jobs`` is how many attempts may be in work at once. ``start_method`` None
    means the best of the system. ``spares`` is how many workers are kept warm;
    None lets the start method decide. ``boot_seconds`` is how long a worker may
    take to say hello, ``trace_seconds`` and ``term_seconds`` how long the steps
    take when a worker is ended: a trace, SIGTERM, then SIGKILL.
    ``warm_ups`` are what a forkserver prepares once for all its workers.
    ``frozen`` is whether this is a frozen program, where ``auto`` means threads.
    ``sandbox`` is whether workers are to be confined to their work.
    """

    requested: Choice = "auto"
    start_method: StartMethod | None = None
    jobs: int = 1
    spares: int | None = None
    boot_seconds: float = 30.0
    trace_seconds: float = 0.2
    term_seconds: float = 2.0
    frozen: bool = field(default_factory=frozen_program)
    warm_ups: tuple[WarmUp, ...] = ()
    sandbox: Choice = "auto"
    reap: bool = True


def confined_how(request: IsolationRequest, effective: Literal["process", "thread"]) -> str:
    """Return how workers of this request are confined, as text for the report.

    Parameters
    ----------
    request : IsolationRequest
        How scans are to be kept apart.
    effective : {process, thread}
        The isolation in effect.
    """
    from divere_cli.isolation.worker import sandbox

    if effective == "thread":
        return "none: threads cannot be confined"
    if request.sandbox == "never":
        return "none: --sandbox never"
    return str(sandbox.offer())


Task = Callable[[Job, Progress], TaskResult]


class Runner(Protocol):
    """Runs attempts, ``info.jobs`` at a time. Only the thread that made it may use it."""

    @property
    def info(self) -> IsolationInfo:
        """The isolation in effect now; it may change when a start method fails during a run."""

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Failures of the process machinery so far; ``at`` is on the monotonic clock."""

    @property
    def lost(self) -> str:
        """Reason why no attempt can be started any more; empty while one can be."""

    def slots(self) -> int:
        """Number of attempts that can be started right now."""

    def start(self, job: Job, limits: Limits) -> None:
        """Start one attempt. Failures are returned as outcomes; only misuse raises.

        Raises
        ------
        RuntimeError
            No slot is free, the runner is closed, or ``job.id`` is in work.
        """

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Return outcomes of attempts that ended; wait at most ``timeout`` seconds for one.

        Events are emitted from inside, in the caller's thread. Returns early,
        maybe with nothing, when a signal came in under :func:`signals.watch`,
        and at once when nothing is in work.
        """

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """End one attempt in steps of growing force; :meth:`wait` returns its outcome.

        Unknown and ended jobs are ignored. On threads the task is asked to stop
        and does so at its next band. ``end`` is what the outcome will say:
        ``out_of_memory`` is for a policy that frees memory by ending the youngest.
        """

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """End running attempts (SIGTERM, after ``grace`` seconds SIGKILL), release everything.

        Returns the outcomes not handed out yet. A second call does nothing.
        """
