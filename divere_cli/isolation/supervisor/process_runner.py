"""The process runner: starts a fresh worker for each attempt.

Covers the contract, spares, and going over to the next start method when one fails
under way. Watching the workers is :mod:`.event_loop`'s, inside :meth:`ProcessRunner.wait`.
No pools, no queues, locks or managers shared between processes: whatever a worker does
to its pipes hurts only itself.
"""

from __future__ import annotations

import atexit
import logging
import math
import platform
import signal
import time
from collections.abc import Sequence
from typing import Literal

from divere_cli.isolation.runner import (
    IsolationRequest,
    LaunchError,
    OnEvent,
    StartMethod,
    confined_how,
)
from divere_cli.isolation.supervisor import orphans
from divere_cli.isolation.supervisor.attempt import Assignment, Attempt
from divere_cli.isolation.supervisor.event_loop import Loop, Patience
from divere_cli.isolation.supervisor.launch import Launcher
from divere_cli.isolation.supervisor.process import WorkerProcess
from divere_cli.isolation.supervisor.recovery import Methods, Recovery
from divere_cli.isolation.supervisor.server import Server
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import ErrorRecord, Incident, IsolationInfo, Outcome
from divere_cli.system import memory, signals

log = logging.getLogger(__name__)

SPARE_MEMORY = 512 << 20  # bytes that must be free before a spare worker is started
SPARE_FAILURES = 3
PROOFS = 3  # tries of a start method that fails by itself
KILLED_PROOFS = 12  # tries ended by another program's SIGKILL: no evidence against the method
# Measured: with one copy of the forkserver ahead, small scans take a tenth less time; a
# second brings nothing. A fork would copy what the program has in work.
SPARES: dict[StartMethod, int] = {"forkserver": 1, "spawn": 2, "fork": 0}


class _Killed(LaunchError):
    """Another program's SIGKILL ended the first worker, or the forkserver that started it."""


class ProcessRunner:
    """Runs each attempt in a process of its own. See :class:`.runner.Runner`."""

    def __init__(
        self,
        request: IsolationRequest,
        launcher: Launcher,
        on_event: OnEvent,
        fallback_reason: str | None = None,
        fallbacks: Sequence[Launcher] = (),
    ) -> None:
        patience = Patience(request.boot_seconds, request.trace_seconds, request.term_seconds)
        self.loop = Loop(patience, on_event, self)
        self._request = request
        self._methods = Methods([launcher, *fallbacks], fallback_reason)
        self._recovery = Recovery()
        self._spare_failures = 0
        self._closed = False
        if request.reap:
            orphans.adopt()
        atexit.register(self._kill_all)

    # ------------------------------------------------------------ the contract

    @property
    def method(self) -> StartMethod:
        """The start method in use."""
        return self._methods.now.method

    @property
    def info(self) -> IsolationInfo:
        """The isolation in effect."""
        return IsolationInfo(
            requested=self._request.requested,
            effective="process",
            start_method=self.method,
            jobs=self._request.jobs,
            fallback_reason=self._methods.reason,
            sandbox=confined_how(self._request, "process"),
        )

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Failures of the process machinery so far, with times on the monotonic clock."""
        return self._recovery.incidents

    @property
    def lost(self) -> str:
        """Reason why no worker can be started any more; empty while divere still tries."""
        return self._recovery.lost if not self._methods.has_next else ""

    def slots(self) -> int:
        """Number of attempts that can be started right now; 0 or 1 while starts fail."""
        if self._closed:
            return 0
        busy = self.loop.busy()
        free = self._request.jobs - len(busy)
        if not self._recovery.troubled:
            return free
        if self._recovery.pause() > 0 or any(attempt.started is None for attempt in busy):
            return 0
        return min(1, free)

    def start(self, job: Job, limits: Limits) -> None:
        """Start one attempt; a ready spare takes it if there is one."""
        if self._closed or len(self.loop.busy()) >= self._request.jobs:
            raise RuntimeError("no slot is free")
        if any(
            attempt.assignment and attempt.assignment.job.id == job.id
            for attempt in self.loop.attempts
        ):
            raise RuntimeError(f"job {job.id} is in work")
        assignment = Assignment(job, limits, time.monotonic())
        try:
            attempt = self._spare() or self._launch(self._better())
        except LaunchError as problem:
            self.loop.done.append(_not_started(assignment, problem))
            self._note("start", str(problem), None, scans=1)
            return
        self.loop.send(attempt, attempt.assign(assignment, self._request.boot_seconds))
        self._refill()

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Return outcomes of attempts that ended; see :meth:`.runner.Runner.wait`."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self.loop.watch_signals()
        troubled = self._recovery.troubled
        if troubled and (pause := self._recovery.pause()) > 0:
            deadline = min(deadline, time.monotonic() + pause)
        while not self.loop.done and self.loop.busy():
            interrupted = self.loop.turn(deadline)
            if interrupted or time.monotonic() >= deadline:
                break
            if troubled and not self._recovery.troubled:
                break  # slots are free again
        done, self.loop.done = self.loop.done, []
        return done

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """End one attempt in steps of growing force."""
        for attempt in self.loop.busy():
            assert attempt.assignment is not None
            if attempt.assignment.job.id == job_id and attempt.end is None:
                text = "the memory budget leaves for it" if end == "out_of_memory" else ""
                self.loop.end(attempt, end, text, term=self._request.term_seconds)

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """End everything, release everything."""
        if self._closed:
            return []
        self._closed = self.loop.closing = True
        for attempt in self.loop.attempts:
            if attempt.assignment is None:
                self.loop.end(attempt, "cancelled", "")
            elif attempt.end is None:
                self.loop.end(attempt, "cancelled", "", term=grace)
        while self.loop.attempts:
            self.loop.turn(math.inf)
        atexit.unregister(self._kill_all)
        self._methods.close()
        self.loop.close()
        if self._request.reap:
            orphans.disown()
        done, self.loop.done = self.loop.done, []
        return done

    def prove(self) -> None:
        """Start a first worker and wait for its first message; it then stays as a spare.

        A signal ends the wait, without an error: whoever watches signals ends the run.

        Raises
        ------
        LaunchError
            No worker starts, or it does not work; the message gives the reason.
        """
        failed = killed = 0
        while True:
            try:
                self._prove_once()
            except LaunchError as problem:
                by_others = isinstance(problem, _Killed)
                failed, killed = failed + (not by_others), killed + by_others
                if failed == PROOFS or killed == KILLED_PROOFS:
                    raise
                server = self._methods.now.server
                if server is not None and server.ended():
                    self._note("forkserver", _fault(server), server, scans=0)
                elif not self._recovery.troubled:
                    self._note("start", f"the first worker: {problem}", None, scans=0)
            else:
                return

    def _prove_once(self) -> None:
        attempt = self._launch()
        deadline = attempt.deadline + 2.0
        self.loop.watch_signals()
        while (
            attempt.alive
            and not attempt.greeted
            and attempt.reason is None
            and not _asked_to_stop()
        ):
            self.loop.turn(deadline)
            if time.monotonic() > deadline:
                break
        if not attempt.greeted and not _asked_to_stop():
            tail = "; ".join(list(attempt.child.lines.tail)[-3:])
            reason = attempt.reason_text or attempt.child.refused
            server = attempt.child.launched.server
            by_others = server is not None and server.ended() and server.killed_by_others
            kind = _Killed if by_others or attempt.child.status == -signal.SIGKILL else LaunchError
            raise kind(reason or f"the first worker did not say hello {tail}".rstrip())

    # -------------------------------------------------------------- the workers

    def _spare(self) -> Attempt | None:
        idle = [
            attempt
            for attempt in self.loop.attempts
            if attempt.assignment is None and attempt.alive and attempt.reason is None
            if not attempt.child.server_ended  # it died with its server, whose end is noticed first
        ]
        return max(idle, key=lambda attempt: attempt.greeted, default=None)

    def _launch(self, launcher: Launcher | None = None) -> Attempt:
        launcher = launcher or self._methods.now
        try:
            return self.loop.add(WorkerProcess.of(launcher.start(), launcher.method))
        finally:
            while launcher.fallen:  # also those that ended without a worker
                server = launcher.fallen.pop()
                self._note("forkserver", _fault(server), server, scans=0)

    def _refill(self) -> None:
        """Start spare workers up to the number for this method."""
        spares = self._request.spares
        if spares is None:
            spares = min(self._request.jobs, SPARES[self.method])
        have = sum(
            1
            for attempt in self.loop.attempts
            if attempt.assignment is None and attempt.reason is None
        )
        if have >= spares or self._spare_failures >= SPARE_FAILURES:
            return
        if self._recovery.troubled or memory.lately_available().bytes < SPARE_MEMORY:
            return
        try:
            self._launch(self._better())
        except LaunchError as problem:
            self._spare_failures += 1
            log.info("no spare worker could be started: %s", problem)

    def _better(self) -> Launcher | None:
        return self._methods.better(time.monotonic(), troubled=self._recovery.troubled)

    def worker_greeted(self, attempt: Attempt) -> None:
        """See :class:`.event_loop.Owner`."""
        if self._methods.back_to(attempt.child.method):
            log.info("workers start by %s again", self.method)

    def worker_began(self) -> None:
        """See :class:`.event_loop.Owner`."""
        self._recovery.over()
        self._spare_failures = 0

    def spare_died(self) -> None:
        """See :class:`.event_loop.Owner`."""
        self._spare_failures += 1

    def worker_refused(self, attempt: Attempt, reason: str) -> None:
        """See :class:`.event_loop.Owner`: many workers of one server that died are one incident."""
        if attempt.child.method != self.method:  # a second try of the better method failed
            self._recovery.note("start", reason, None, scans=int(attempt.assignment is not None))
            return
        server = attempt.child.launched.server if attempt.child.server_ended else None
        kind = "forkserver" if server is not None else "start"
        if server is not None:
            reason = _fault(server)
        self._note(kind, reason, server, scans=int(attempt.assignment is not None))

    def _note(self, kind: str, reason: str, cause: object, scans: int) -> None:
        """Count an incident; after several in a row change to the next method.

        Once the run was asked to stop nothing is counted: what asked for it (Ctrl-C, a service
        manager) may have signalled the workers and their forkserver as well.
        """
        if _asked_to_stop():
            return
        new = self._recovery.note(kind, reason, cause, scans)
        if new:
            log.info("incident (%s): %s", kind, reason)
        if self._recovery.repeated and self._methods.leave(reason, time.monotonic()):
            text = f"workers do not start any more ({reason}): trying {self.method}"
            self._recovery.note("fallback", text, None, 0)
            self._recovery.over()
            log.warning("%s", text)

    def _kill_all(self) -> None:
        for attempt in self.loop.attempts:
            if attempt.alive:
                attempt.child.kill()
        self._methods.close()


def _asked_to_stop() -> bool:
    """Return whether a signal has asked this process to stop."""
    request = signals.active()
    return request is not None and bool(request.received)


def _fault(server: Server) -> str:
    return f"the process that starts the workers {server.fault}"


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
        seconds=time.monotonic() - assignment.taken_at,
        host=platform.node(),
    )
