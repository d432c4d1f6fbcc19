"""Runs a few jobs isolated from this process, for commands that read scans one by one.

Covers opening a runner, starting jobs, fresh attempts after a crash, and closing it. Not covered:
memory budgets, an orderly stop and publishing, which only a batch has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from divere_cli.errors import IsolationUnavailable
from divere_cli.isolation import factory
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import Outcome
from divere_cli.system import signals

ATTEMPTS = 3
PAUSE_SECONDS = 0.05
LOOK_SECONDS = 1.0
_AGAIN = frozenset({"crashed", "lost", "infrastructure"})


def run_tasks(
    jobs: Iterable[Job],
    *,
    request: IsolationRequest | None = None,
    limits: Limits | None = None,
    on_event: Callable[[ScanStarted | ScanProgress], None] = lambda event: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """Run the task of each job in a worker of its own and yield the outcomes.

    Outcomes come as jobs end, one for each job; a worker that crashed is tried
    again, three times in all. A signal (INT, TERM, HUP) ends the work in order.

    Parameters
    ----------
    jobs : iterable of Job
        With ids that differ.
    request : IsolationRequest, optional
        How workers are kept apart; ``auto``, one at a time, when None.
    limits : Limits, optional
        Of each attempt.
    on_event : callable
        Called with events: a worker started, its progress.
    stopped : callable
        Called about once a second; True ends the work like a signal.

    Raises
    ------
    IsolationUnavailable
        ``always`` was requested and no worker process can be started.
    KeyboardInterrupt
        A signal came, or ``stopped`` was True.
    """
    limits = limits or Limits()
    with signals.watch() as requests:
        runner = factory.open_runner(request or IsolationRequest(), on_event)
        try:
            waiting, again = iter(jobs), []  # type: ignore[var-annotated]
            running: dict[int, tuple[Job, int]] = {}
            drained = False
            while running or again or not drained:
                while runner.slots() > 0:
                    job, attempt = again.pop() if again else (next(waiting, None), 1)
                    if job is None:
                        drained = True
                        break
                    running[job.id] = (job, attempt)
                    runner.start(job, replace(limits, attempt=attempt))
                if runner.lost:
                    raise IsolationUnavailable(f"no worker can be started: {runner.lost}")
                if not running and not drained:
                    time.sleep(PAUSE_SECONDS)  # starts failed: the runner waits a little
                for outcome in runner.wait(LOOK_SECONDS if running else 0):
                    job, attempt = running.pop(outcome.job_id)
                    if outcome.end == "infrastructure" and not outcome.begun:
                        again.append((job, attempt))  # a failed start does not count as an attempt
                    elif outcome.end in _AGAIN and attempt < ATTEMPTS:
                        again.append((job, attempt + 1))
                    else:
                        yield outcome
                if stopped() or requests.received:
                    raise KeyboardInterrupt
        finally:
            runner.close()
