"""The process runner: a fresh worker for each attempt.

Covers the contract, spares, and going over to the next start method when one fails
under way. Watching the workers is :mod:`.loop`'s, inside :meth:`ProcessRunner.wait`.
No pools, no queues, locks or managers shared between processes: whatever a worker does
to its pipes hurts only itself.
"""

from __future__ import annotations

import atexit
import logging
import math
import platform
import time
from collections.abc import Sequence
from typing import Literal

from divere_cli.isolation.runner import IsolationRequest, LaunchError, OnEvent, StartMethod
from divere_cli.isolation.supervisor import orphans
from divere_cli.isolation.supervisor.attempt import Assignment, Attempt
from divere_cli.isolation.supervisor.event_loop import Loop, Patience
from divere_cli.isolation.supervisor.launch import Launcher
from divere_cli.isolation.supervisor.process import WorkerProcess
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import ErrorRecord, IsolationInfo, Outcome
from divere_cli.system import memory

log = logging.getLogger(__name__)

SPARE_MEMORY = 512 << 20  # bytes that must be free for a worker without a job
SPARE_FAILURES = 3
# Measured: with one copy of the forkserver ahead, small scans take a tenth less time; a
# second brings nothing. A fork would copy what the program has in work.
SPARES: dict[StartMethod, int] = {"forkserver": 1, "spawn": 2, "fork": 0}
REFUSALS_IN_A_ROW = 5


class ProcessRunner:
    """Runs each attempt in a process of its own. See :class:`.contract.Runner`."""

    def __init__(
        self,
        request: IsolationRequest,
        launcher: Launcher,
        on_event: OnEvent,
        fallback_reason: str | None = None,
        others: Sequence[Launcher] = (),
    ) -> None:
        patience = Patience(request.boot_seconds, request.trace_seconds, request.term_seconds)
        self.loop = Loop(patience, on_event, self)
        self._request = request
        self._launcher = launcher
        self._others = list(others)
        self._fallback_reason = fallback_reason
        self._refused = 0
        self._spare_failures = 0
        self._closed = False
        launcher.strangers = self.loop.descriptors
        orphans.adopt()
        atexit.register(self._kill_all)

    # ------------------------------------------------------------ the contract

    @property
    def method(self) -> StartMethod:
        """How workers are started."""
        return self._launcher.method

    @property
    def info(self) -> IsolationInfo:
        """How scans are kept apart."""
        return IsolationInfo(
            requested=self._request.requested,
            effective="process",
            start_method=self.method,
            jobs=self._request.jobs,
            fallback_reason=self._fallback_reason,
        )

    def slots(self) -> int:
        """How many attempts can be started right now."""
        return 0 if self._closed else self._request.jobs - len(self.loop.busy())

    def start(self, job: Job, limits: Limits) -> None:
        """Start one attempt; a ready spare takes it if there is one."""
        if self.slots() < 1:
            raise RuntimeError("no slot is free")
        if any(work.assignment and work.assignment.job.id == job.id for work in self.loop.works):
            raise RuntimeError(f"job {job.id} is in work")
        assignment = Assignment(job, limits, time.monotonic())
        try:
            work = self._spare() or self._launch()
        except LaunchError as problem:
            self.loop.done.append(_not_started(assignment, problem))
            self.worker_refused(str(problem))
            return
        self.loop.send(work, work.assign(assignment, self._request.boot_seconds))
        self._refill()

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Outcomes of attempts that ended; see :meth:`.contract.Runner.wait`."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self.loop.watch_signals()
        while not self.loop.done and self.loop.busy():
            interrupted = self.loop.turn(deadline)
            if interrupted or time.monotonic() >= deadline:
                break
        done, self.loop.done = self.loop.done, []
        return done

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """End one attempt by the ladder."""
        for work in self.loop.busy():
            assert work.assignment is not None
            if work.assignment.job.id == job_id and work.end is None:
                text = "there was" if end == "out_of_memory" else ""
                self.loop.end(work, end, text, term=self._request.term_seconds)

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """End everything, release everything."""
        if self._closed:
            return []
        self._closed = True
        for work in self.loop.works:
            if work.assignment is None:
                self.loop.end(work, "cancelled", "")
            elif work.end is None:
                self.loop.end(work, "cancelled", "", term=grace)
        while self.loop.works:
            self.loop.turn(math.inf)
        atexit.unregister(self._kill_all)
        self.loop.close()
        orphans.disown()
        done, self.loop.done = self.loop.done, []
        return done

    def prove(self) -> None:
        """Start a first worker and have it say hello; it then waits as a spare.

        Raises
        ------
        LaunchError
            None starts, or what starts is not fit; the reason is in the message.
        """
        work = self._launch()
        deadline = work.deadline + 1.0
        while work.alive and not work.greeted and work.reason is None:
            if time.monotonic() > deadline:
                break
            self.loop.turn(deadline)
        if not work.greeted:
            tail = "; ".join(list(work.child.lines.tail)[-3:])
            raise LaunchError(work.reason_text or f"the first worker did not say hello {tail}")

    # -------------------------------------------------------------- the workers

    def _spare(self) -> Attempt | None:
        idle = [w for w in self.loop.works if w.assignment is None and w.alive and w.reason is None]
        return max(idle, key=lambda work: work.greeted, default=None)

    def _launch(self) -> Attempt:
        return self.loop.add(WorkerProcess.of(self._launcher.start(), self.method))

    def _refill(self) -> None:
        wanted = self._request.spares
        if wanted is None:
            wanted = min(self._request.jobs, SPARES[self.method])
        have = sum(1 for work in self.loop.works if work.assignment is None and work.reason is None)
        if have >= wanted or self._spare_failures >= SPARE_FAILURES:
            return
        if memory.available().bytes < SPARE_MEMORY:
            return
        try:
            self._launch()
        except LaunchError as problem:
            self._spare_failures += 1
            log.info("no spare worker could be started: %s", problem)

    def worker_began(self) -> None:
        """See :class:`.loop.Owner`."""
        self._refused = 0

    def spare_died(self) -> None:
        """See :class:`.loop.Owner`."""
        self._spare_failures += 1

    def worker_refused(self, reason: str) -> None:
        """An attempt could not be started; after several in a row try the next method."""
        self._refused += 1
        if self._refused < REFUSALS_IN_A_ROW or not self._others:
            return
        self._refused = 0
        text = f"{self.method}: {reason}"
        self._fallback_reason = "; ".join(filter(None, (self._fallback_reason, text)))
        self._launcher = self._others.pop(0)
        self._launcher.strangers = self.loop.descriptors
        log.warning("workers do not start any more (%s): trying %s", text, self.method)

    def _kill_all(self) -> None:
        for work in self.loop.works:
            if work.alive:
                work.child.kill()


def _not_started(assignment: Assignment, problem: LaunchError) -> Outcome:
    return Outcome(
        job_id=assignment.job.id,
        attempt=assignment.limits.attempt,
        end="infrastructure",
        error=ErrorRecord(
            kind="crashed",
            message=f"the worker process could not be started: {problem}",
            hint="run `divere doctor`",
        ),
        seconds=time.monotonic() - assignment.taken,
        host=platform.node(),
    )
