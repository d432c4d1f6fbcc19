"""The main loop of a pass: admit, start, wait, pass on outcomes, retry, stop in order.

Covers scheduling of attempts for any kind of work. It does not define what a success
means (a :class:`Work`: grading, measuring), how an attempt runs (``isolation``), what is
retried (:mod:`.retries`) or what fits into memory (:mod:`.admission`).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from divere_cli.batch.admission import Admission, most_written
from divere_cli.batch.plan import ScanPlan
from divere_cli.batch.publish import Replaced
from divere_cli.batch.request import Bounds
from divere_cli.batch.retries import CRASHED_IN_A_ROW, Policy, Tally, is_shortage
from divere_cli.batch.stop import Stop
from divere_cli.errors import DivereError, Internal, RunError
from divere_cli.isolation.runner import Runner
from divere_cli.records.events import ENDED, Event, RunStopping, ScanProgress
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import End, ErrorRecord, Incident, Outcome
from divere_cli.text import format_bytes

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Queued:
    """One scan that waits for an attempt or is running; ``predicted`` is memory in bytes."""

    id: int
    plan: ScanPlan
    predicted: int
    tally: Tally = field(default_factory=Tally)
    not_before: float = 0.0
    alone: bool = False

    @property
    def name(self) -> str:
        """The scan's name."""
        return self.plan.scan.name


class Work(Protocol):
    """The work of one pass: what to do with each scan and its outcome."""

    def prepare(self, queued: Queued) -> Job:
        """Prepare an attempt; a ``DivereError`` fails the scan or ends the run."""

    def succeed(self, queued: Queued, outcome: Outcome) -> None:
        """Handle a result; a ``DivereError`` fails the scan or ends the run."""

    def fail(self, queued: Queued, error: ErrorRecord, outcome: Outcome | None) -> bool:
        """Record a final failure; return whether it counts for ``--max-failures``."""

    def leave(self, queued: Queued, outcome: Outcome | None) -> None:
        """Record that the run stopped before the scan was done."""

    def trouble(self, error: ErrorRecord) -> RunError | None:
        """Return the problem of the whole run that the error of one scan reveals, or None."""

    def drop(self, queued: Queued) -> None:
        """Remove files that an attempt left; called once after each ``prepare``."""


class Scheduler:
    """One pass over many scans. Retries are few and go first.

    Parameters
    ----------
    runner : Runner
    admission : Admission
    policy : Policy
        Decides about retries; shared by all passes of a run.
    stop : Stop
    bounds : Bounds
    emit : callable
        Receives events.
    rss : mapping
        Memory in bytes that workers use now, by job id, as last reported.
    clock : callable
        Monotonic clock in seconds.
    """

    def __init__(
        self,
        runner: Runner,
        admission: Admission,
        policy: Policy,
        stop: Stop,
        bounds: Bounds,
        emit: Callable[[Event], None],
        rss: MutableMapping[int, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._admission = admission
        self._policy = policy
        self._stop = stop
        self._bounds = bounds
        self._emit = emit
        self._rss = rss
        self._clock = clock
        self._waiting: deque[Queued] = deque()
        self._again: list[Queued] = []
        self._running: dict[int, Queued] = {}
        self._failed = 0
        self._announced = False
        self._relieved: set[int] = set()
        self._looks = False
        self._work: Work

    def run(self, work: Work, scans: list[Queued], failed: int = 0, *, looks: bool = False) -> None:
        """Run until every scan has succeeded, failed, or been left because the run stops.

        Parameters
        ----------
        work : Work
        scans : list of Queued
            Emptied by this method.
        failed : int
            Number of scans that failed before; they count for ``--max-failures``.
        looks : bool
            Scans are only read (measured, hashed): the work emits no event when one ends.
        """
        self._work, self._failed, self._looks = work, failed, looks
        self._waiting.extend(scans)
        scans.clear()
        self._heed_failures()
        try:
            while self._waiting or self._again or self._running:
                try:
                    for queued in self._admitted():
                        self._start(queued)
                    self._wait()
                except RunError as problem:  # the runner itself is lost
                    if self._stop.error is not None:
                        raise
                    self._stop.fatal(problem)
        finally:  # even a bug must not leave files in OUTPUT
            for queued in self._running.values():
                work.drop(queued)

    def _wait(self) -> None:
        """Drop waiting scans if the run stops; else wait for outcomes or for the next start."""
        if self._stop.stopping:
            self._leave_waiting()
        if self._stop.abandon and self._running:
            self._abandon()
        elif self._running:
            for outcome in self._runner.wait(self._patience()):
                self._landed(outcome)
            self._relieve()
        elif (self._again or self._waiting) and not self._stop.stopping:
            self._stop.pause(self._patience())

    def _admitted(self) -> Iterator[Queued]:
        """Yield scans to start now, one by one, while slots and memory allow it."""
        while not self._stop.stopping and self._runner.slots() > 0:
            queued = self._next()
            if queued is None:
                return
            if queued in self._again:
                self._again.remove(queued)
            else:
                self._waiting.popleft()
            yield queued

    def _next(self) -> Queued | None:
        """Return the first scan that may start now; none may overtake one that must run alone."""
        now = self._clock()
        if any(queued.alone for queued in self._running.values()):
            return None
        reserved = sum(max(q.predicted, self._rss.get(q.id, 0)) for q in self._running.values())
        queued = next((each for each in self._again if each.not_before <= now), None)
        queued = queued or (self._waiting[0] if self._waiting else None)
        if queued is None:
            return None
        if queued.alone:
            return None if self._running else queued
        return queued if self._admission.fits(queued.predicted, reserved) else None

    def _start(self, queued: Queued) -> None:
        """Hand one scan to the runner."""
        try:
            job = self._work.prepare(queued)
        except DivereError as problem:
            if self._put_off(queued, problem):
                return
            self._fail(queued, ErrorRecord.of_scan(problem), None)
            if isinstance(problem, RunError):
                self._stop.fatal(problem)
            return
        limits = Limits(
            attempt=queued.tally.attempts + 1,
            wall_seconds=self._bounds.timeout_seconds,
            memory_bytes=self._admission.cap(
                queued.predicted, self._bounds.worker_memory, alone=queued.alone
            ),
            file_bytes=most_written(queued.plan.header),
        )
        self._running[queued.id] = queued
        self._runner.start(job, limits)

    def _landed(self, outcome: Outcome) -> None:
        """Handle an outcome; fill the free slot first, because publishing waits for the disk."""
        queued = self._running.pop(outcome.job_id)
        self._relieved.discard(queued.id)
        self._rss.pop(queued.id, None)
        try:
            if outcome.end == "result":
                for admitted in self._admitted():
                    self._start(admitted)
        finally:
            self._ended(queued, outcome)

    def _ended(self, queued: Queued, outcome: Outcome) -> None:
        if outcome.end != "infrastructure":
            queued.tally.attempts += 1
        try:
            if outcome.end == "result":
                self._succeed(queued, outcome)
                if self._looks:
                    self._emit(ScanProgress(queued.id, queued.name, ENDED, 1.0))
            elif outcome.end == "cancelled":
                self._work.leave(queued, outcome)
            else:
                self._went_wrong(queued, outcome)
        finally:
            self._work.drop(queued)

    def _succeed(self, queued: Queued, outcome: Outcome) -> None:
        try:
            self._work.succeed(queued, outcome)
        except Replaced as problem:
            self._try_again(queued, "lost", ErrorRecord.of_scan(problem), outcome)
        except DivereError as problem:
            if self._put_off(queued, problem):
                return
            self._fail(queued, ErrorRecord.of_scan(problem), outcome)
            if isinstance(problem, RunError):
                self._stop.fatal(problem)
        else:
            self._policy.finished(queued.name, "result")

    def _went_wrong(self, queued: Queued, outcome: Outcome) -> None:
        error = outcome.error or ErrorRecord.of_scan(
            Internal(f"the worker ended as '{outcome.end}'")
        )
        trouble = self._work.trouble(error)
        if trouble is not None:
            self._fail(queued, error, outcome)
            self._stop.fatal(trouble)
            return
        # OUTPUT does have space, else the run had ended above: try again
        end = "lost" if error.kind == "no_space" else outcome.end
        self._try_again(queued, end, error, outcome)

    def _try_again(self, queued: Queued, end: End, error: ErrorRecord, outcome: Outcome) -> None:
        retry = self._policy.after(end, queued.tally, begun=outcome.begun)
        if self._runner.lost:
            self._stop.because(
                "no worker can be started any more: the machine or the installation is at fault, "
                f"not the scans; {self._runner.lost}"
            )
        if retry is None:
            self._fail(queued, error, outcome)
        elif self._stop.stopping:
            self._work.leave(queued, outcome)
        else:
            queued.not_before = self._clock() + retry.pause
            queued.alone = retry.alone
            self._again.insert(0, queued)

    def _put_off(self, queued: Queued, problem: DivereError) -> bool:
        """Retry later after a lack of file descriptors, while running scans hold some."""
        if not is_shortage(problem) or not self._running or self._stop.stopping:
            return False
        self._policy.shortages.append(Incident(self._clock(), "descriptors", problem.message, 1))
        queued.not_before = self._clock() + _LOOK_SECONDS
        self._again.insert(0, queued)
        return True

    def _fail(self, queued: Queued, error: ErrorRecord, outcome: Outcome | None) -> None:
        self._failed += self._work.fail(queued, error, outcome)
        if self._policy.finished(queued.name, outcome.end if outcome else "error"):
            self._stop.because(
                f"{CRASHED_IN_A_ROW} different scans crashed one after the other: "
                "the machine or the installation is at fault, not the scans; "
                f"the last one: {error.message}"
            )
        self._heed_failures()

    def _heed_failures(self) -> None:
        limit = self._bounds.max_failures
        if limit is not None and self._failed >= limit:
            scans = "1 scan" if self._failed == 1 else f"{self._failed} scans"
            self._stop.because(f"{scans} failed")

    def _leave_waiting(self) -> None:
        if not self._announced:
            self._announced = True
            self._emit(RunStopping(self._stop.reason, len(self._running)))
        for queued in (*self._again, *self._waiting):
            self._work.leave(queued, None)
        self._again.clear()
        self._waiting.clear()

    def _abandon(self) -> None:
        for outcome in self._runner.close(self._stop.kill_grace):
            self._ended(self._running.pop(outcome.job_id), outcome)
        while self._running:
            _, queued = self._running.popitem()
            self._work.leave(queued, None)
            self._work.drop(queued)

    def _relieve(self) -> None:
        """Stop the youngest scan when all together exceed the budget; it is retried alone."""
        used = sum(self._rss.get(each, 0) for each in self._running)
        over = used > self._admission.budget_bytes
        if not over or len(self._running) < 2 or self._relieved:
            return
        youngest = list(self._running)[-1]
        self._relieved.add(youngest)
        log.warning(
            "'%s' is put off: the scans in work use %s, more than the budget",
            self._running[youngest].name,
            format_bytes(used),
        )
        self._runner.cancel(youngest, "out_of_memory")

    def _patience(self) -> float:
        """Return the seconds until something is due even if no worker ends."""
        now = self._clock()
        due = [queued.not_before - now for queued in self._again if queued.not_before > now]
        return max(0.0, min([_LOOK_SECONDS, self._stop.seconds_left, *due]))
