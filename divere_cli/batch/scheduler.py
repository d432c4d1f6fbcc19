"""The one loop: admit, start, wait, hand over what ended, try again, stop in order.

Covers scheduling of attempts for any sort of work. What it does not: what a
success means (a :class:`Work`: grading, measuring), how an attempt is run
(``isolation``), what is tried again (:mod:`retries`), what fits (:mod:`admission`).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from divere_cli.batch.admission import Admission
from divere_cli.batch.plan import Draft
from divere_cli.batch.request import Bounds
from divere_cli.batch.retries import CRASHED_IN_A_ROW, Policy, Tally
from divere_cli.batch.stop import Stop
from divere_cli.errors import DivereError, Internal, RunError, ScanError
from divere_cli.isolation.runner import Runner
from divere_cli.records.events import Event, RunStopping
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import ErrorRecord, Outcome

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Task:
    """One scan on its way through the loop."""

    id: int
    draft: Draft
    predicted: int
    tally: Tally = field(default_factory=Tally)
    not_before: float = 0.0
    alone: bool = False

    @property
    def name(self) -> str:
        """The scan's name."""
        return self.draft.scan.name


class Work(Protocol):
    """What is done with the scans of one pass through the loop."""

    def prepare(self, task: Task) -> Job:
        """Make ready for an attempt; a ``DivereError`` fails the scan or ends the run."""

    def succeed(self, task: Task, outcome: Outcome) -> None:
        """Take a result; a ``DivereError`` fails the scan or ends the run."""

    def fail(self, task: Task, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """The scan failed for good; whether that counts for ``--max-failures``."""

    def leave(self, task: Task, outcome: Outcome | None) -> None:
        """The run stopped before the scan was done."""

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """The run's own trouble that shows in the error of one scan, before :meth:`drop`."""

    def drop(self, task: Task) -> None:
        """Remove what an attempt left behind; called once after each ``prepare``."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the loop works with, the same for every pass.

    ``rss`` is what workers use now, in bytes by task, as far as they said.
    """

    runner: Runner
    admission: Admission
    policy: Policy
    stop: Stop
    bounds: Bounds
    emit: Callable[[Event], None]
    clock: Callable[[], float] = time.monotonic
    rss: MutableMapping[int, int] = field(default_factory=dict)


class Loop:
    """One pass over many scans; ``failed`` are those that failed before it.

    Scans that come again are few and go first; no turn looks at all that wait.
    """

    def __init__(self, means: Means, work: Work, failed: int = 0) -> None:
        self._means = means
        self._work = work
        self._waiting: deque[Task] = deque()
        self._again: list[Task] = []
        self._running: dict[int, Task] = {}
        self._failed = failed
        self._told = False
        self._relieved: set[int] = set()

    def run(self, tasks: list[Task]) -> None:
        """Bring every task to its last word: succeeded, failed, or left when the run stops.

        The list is emptied on the way.
        """
        self._waiting.extend(tasks)
        tasks.clear()
        self._heed_failures()
        try:
            while self._waiting or self._again or self._running:
                self._turn()
        finally:  # nothing is left in OUTPUT even by a bug
            for task in self._running.values():
                self._work.drop(task)

    def _turn(self) -> None:
        try:
            if self._means.stop.stopping:
                self._leave_waiting()
            else:
                self._admit()
            if self._means.stop.abandon and self._running:
                self._abandon()
            elif self._running:
                for outcome in self._means.runner.wait(self._patience()):
                    self._landed(outcome)
                self._relieve()
            elif (self._again or self._waiting) and not self._means.stop.stopping:
                self._means.stop.pause(self._patience())
        except RunError as problem:  # the runner itself is lost
            if self._means.stop.error is not None:
                raise
            self._means.stop.fatal(problem)

    def _admit(self) -> None:
        while self._means.runner.slots() > 0:
            task = self._next()
            if task is None:
                return
            if task in self._again:
                self._again.remove(task)
            else:
                self._waiting.popleft()
            self._start(task)
            if self._means.stop.stopping:
                return

    def _next(self) -> Task | None:
        """The first task that may start now; one that wants to be alone is not overtaken."""
        now = self._means.clock()
        if any(task.alone for task in self._running.values()):
            return None
        rss = self._means.rss
        reserved = sum(max(t.predicted, rss.get(t.id, 0)) for t in self._running.values())
        task = next((task for task in self._again if task.not_before <= now), None)
        task = task or (self._waiting[0] if self._waiting else None)
        if task is None:
            return None
        if task.alone:
            return None if self._running else task
        return task if self._means.admission.fits(task.predicted, reserved) else None

    def _start(self, task: Task) -> None:
        try:
            job = self._work.prepare(task)
        except DivereError as problem:
            self._failed_before(task, problem)
            return
        limits = Limits(
            attempt=task.tally.attempts + 1,
            wall_seconds=self._means.bounds.timeout_seconds,
            memory_bytes=self._means.admission.cap(
                task.predicted, self._means.bounds.worker_memory, alone=task.alone
            ),
        )
        self._running[task.id] = task
        self._means.runner.start(job, limits)

    def _failed_before(self, task: Task, problem: DivereError) -> None:
        self._fail(task, record(problem), None)
        if isinstance(problem, RunError):
            self._means.stop.fatal(problem)

    def _landed(self, outcome: Outcome) -> None:
        """Fill the free slot first: publishing waits for the disk, and workers need not."""
        task = self._running.pop(outcome.job_id)
        self._relieved.discard(task.id)
        self._means.rss.pop(task.id, None)
        try:
            if outcome.end == "result" and not self._means.stop.stopping:
                self._admit()
        finally:
            self._ended(task, outcome)

    def _ended(self, task: Task, outcome: Outcome) -> None:
        if outcome.end != "infrastructure":
            task.tally.attempts += 1
        try:
            if outcome.end == "result":
                self._succeed(task, outcome)
            elif outcome.end == "cancelled":
                self._work.leave(task, outcome)
            else:
                self._went_wrong(task, outcome)
        finally:
            self._work.drop(task)

    def _succeed(self, task: Task, outcome: Outcome) -> None:
        try:
            self._work.succeed(task, outcome)
        except DivereError as problem:
            self._fail(task, record(problem), outcome)
            if isinstance(problem, RunError):
                self._means.stop.fatal(problem)
        else:
            self._means.policy.finished(task.name, "result")

    def _went_wrong(self, task: Task, outcome: Outcome) -> None:
        error = outcome.error or record(Internal(f"the worker ended as '{outcome.end}'"))
        trouble = self._work.trouble(error)
        if trouble is not None:
            self._fail(task, error, outcome)
            self._means.stop.fatal(trouble)
            return
        again = self._means.policy.after(outcome.end, task.tally)
        if again is None:
            self._fail(task, error, outcome)
        elif self._means.stop.stopping:
            self._work.leave(task, outcome)
        else:
            task.not_before = self._means.clock() + again.pause
            task.alone = again.alone
            self._again.insert(0, task)

    def _fail(self, task: Task, error: ErrorRecord, outcome: Outcome | None) -> None:
        self._failed += self._work.fail(task, error, outcome)
        if self._means.policy.finished(task.name, outcome.end if outcome else "error"):
            self._means.stop.because(
                f"{CRASHED_IN_A_ROW} different scans crashed one after the other: "
                "the machine or the installation is at fault, not the scans; "
                f"the last one: {error.message}"
            )
        self._heed_failures()

    def _heed_failures(self) -> None:
        most = self._means.bounds.max_failures
        if most is not None and self._failed >= most:
            scans = "1 scan" if self._failed == 1 else f"{self._failed} scans"
            self._means.stop.because(f"{scans} failed")

    def _leave_waiting(self) -> None:
        if not self._told:
            self._told = True
            self._means.emit(RunStopping(self._means.stop.reason, len(self._running)))
        for task in (*self._again, *self._waiting):
            self._work.leave(task, None)
        self._again.clear()
        self._waiting.clear()

    def _abandon(self) -> None:
        for outcome in self._means.runner.close(self._means.stop.kill_grace):
            self._ended(self._running.pop(outcome.job_id), outcome)
        while self._running:
            _, task = self._running.popitem()
            self._work.leave(task, None)
            self._work.drop(task)

    def _relieve(self) -> None:
        """End the youngest scan where all are over the budget; it comes again alone."""
        used = sum(self._means.rss.get(each, 0) for each in self._running)
        over = used > self._means.admission.budget_bytes
        if not over or len(self._running) < 2 or self._relieved:
            return
        youngest = list(self._running)[-1]
        self._relieved.add(youngest)
        log.warning(
            "'%s' is put off: the scans in work use %d MB, more than the budget",
            self._running[youngest].name,
            used >> 20,
        )
        self._means.runner.cancel(youngest, "out_of_memory")

    def _patience(self) -> float:
        """Seconds until something is due even if no worker ends."""
        now = self._means.clock()
        due = [task.not_before - now for task in self._again if task.not_before > now]
        return max(0.0, min([_LOOK_SECONDS, *due]))


def record(problem: DivereError) -> ErrorRecord:
    """An error as data."""
    kind = problem.kind if isinstance(problem, ScanError) else _SCAN_KINDS.get(problem.kind)
    return ErrorRecord(kind or problem.kind, problem.message, problem.hint, problem.detail)


_SCAN_KINDS = {"journal": "output_error"}  # what the run's trouble is for the scan that met it
