"""What a runner is: the contract between ``batch`` and the ways to run a scan.

Covers the words that both sides use: the request, the runner, the progress that
a task reports. A runner knows single attempts only: it starts one when told to,
and says how it ended. What it does not cover: which scan is next, how many may
run at once, and whether one is tried again; that is ``batch``'s policy, and
``Outcome.end`` is what it decides by:

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


DESCRIPTORS = 9  # that one worker takes of its supervisor: eight to start it, five later
DEPTH = "DIVERE_WORKER_DEPTH"  # in a worker's environment: a worker starts no workers


class LaunchError(Exception):
    """The system would not give a process, or not one that is fit; the message says why."""


def frozen_program() -> bool:
    """Whether this is a frozen program (PyInstaller and its like)."""
    return bool(getattr(sys, "frozen", False))


@dataclass(frozen=True, slots=True)
class IsolationRequest:
    """How scans are to be kept apart.

    ``jobs`` is how many attempts may be in work at once. ``start_method`` None
    means the best of the system. ``spares`` is how many workers are kept warm;
    None lets the start method decide. ``boot_seconds`` is how long a worker may
    take to say hello, ``trace_seconds`` and ``term_seconds`` how long the steps
    of the ladder wait when a worker is ended: a trace, SIGTERM, then SIGKILL.
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
    """Return how workers of this request are confined, in the words of the report.

    Parameters
    ----------
    request : IsolationRequest
        How scans are to be kept apart.
    effective : {process, thread}
        What the request came to.
    """
    from divere_cli.isolation.worker import sandbox

    if effective == "thread":
        return "none: threads cannot be confined"
    if request.sandbox == "never":
        return "none: --sandbox never"
    return str(sandbox.offer())


Task = Callable[[Job, Progress], TaskResult]


class Runner(Protocol):
    """Runs attempts, ``info.jobs`` at a time. For one thread: the one that made it."""

    @property
    def info(self) -> IsolationInfo:
        """How scans are kept apart now; may change when a start method fails under way."""

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """What went wrong with the machinery so far; ``at`` on the monotonic clock."""

    @property
    def lost(self) -> str:
        """Why no attempt can be started any more; empty as long as one can."""

    def slots(self) -> int:
        """How many attempts can be started right now."""

    def start(self, job: Job, limits: Limits) -> None:
        """Start one attempt. Trouble comes as an outcome; only misuse raises.

        Raises
        ------
        RuntimeError
            No slot is free, the runner is closed, or ``job.id`` is in work.
        """

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Outcomes of attempts that ended, waiting for one at most ``timeout`` seconds.

        Events are emitted from inside, in the caller's thread. Returns early,
        maybe with nothing, when a signal came in under :func:`signals.watch`,
        and at once when nothing is in work.
        """

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """End one attempt by the ladder; its outcome comes from :meth:`wait`.

        Unknown and ended jobs are ignored. On threads the task is asked to stop
        and does so at its next band. ``end`` is what the outcome will say:
        ``out_of_memory`` is for a policy that frees memory by ending the youngest.
        """

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """End what is in work (SIGTERM, after ``grace`` seconds SIGKILL), release everything.

        Returns the outcomes not handed out yet. A second call does nothing.
        """
