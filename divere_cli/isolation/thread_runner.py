"""The thread runner: runs attempts on threads of this process, for ``--isolation never``.

Fulfills the contract as far as threads allow. Threads cannot survive a crash or be killed
(a task stops at its next step; one that never takes a step is abandoned when its time is
up), cannot be limited in memory, and have no peak of their own when several run at once.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import selectors
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

from divere_cli.errors import Crashed, OutOfMemory, TimedOut
from divere_cli.isolation import task
from divere_cli.isolation.runner import IsolationRequest, OnEvent, confined_how
from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import (
    End,
    ErrorRecord,
    Incident,
    IsolationInfo,
    Outcome,
    TaskResult,
)
from divere_cli.system import memory, signals

STEP_SECONDS = 5.0  # time for a task to reach its next step after a stop request
PROGRESS_SECONDS = 0.05
# Memory that was returned must be faulted in again: a fifth of the CPU time of a small scan.
TRIM_SECONDS = 1.0

Note = ScanStarted | ScanProgress | Outcome


class _Stopped(BaseException):
    """Ends a task at its next step; ``except Exception`` in a task does not catch it."""


@dataclass(eq=False, slots=True)
class _Running:
    job: Job
    limits: Limits
    taken_at: float
    deadline: float
    thread: threading.Thread | None = None
    stop: End | None = None
    given_up: float = math.inf
    rss_start: int = 0

    def ask(self, end: End, patience: float) -> None:
        if self.stop is None:
            self.stop = end
            self.given_up = time.monotonic() + patience


class ThreadRunner:
    """Runs attempts on threads. See :class:`.runner.Runner`."""

    def __init__(
        self,
        request: IsolationRequest,
        on_event: OnEvent,
        fallback_reason: str | None = None,
    ) -> None:
        self._request = request
        self._on_event = on_event
        self._fallback_reason = fallback_reason
        self._running: dict[int, _Running] = {}
        self._notes: deque[tuple[_Running, Note]] = deque()
        self._done: list[Outcome] = []
        self._closed = False
        self._trimmed = -math.inf
        self._waker, self._bell = socket.socketpair()
        self._waker.setblocking(False)
        self._bell.setblocking(False)

    # ------------------------------------------------------------ the contract

    @property
    def info(self) -> IsolationInfo:
        """The isolation in effect: threads, so none."""
        return IsolationInfo(
            requested=self._request.requested,
            effective="thread",
            start_method=None,
            jobs=self._request.jobs,
            fallback_reason=self._fallback_reason,
            sandbox=confined_how(self._request, "thread"),
        )

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """Always empty: there are no processes that could fail."""
        return ()

    @property
    def lost(self) -> str:
        """Always empty: attempts can always be started; see :meth:`start`."""
        return ""

    def slots(self) -> int:
        """Return how many attempts can be started right now."""
        return 0 if self._closed else self._request.jobs - len(self._running)

    def start(self, job: Job, limits: Limits) -> None:
        """Start one attempt."""
        if self.slots() < 1:
            raise RuntimeError("no slot is free")
        if job.id in self._running:
            raise RuntimeError(f"job {job.id} is in work")
        now = time.monotonic()
        running = _Running(job, limits, now, now + limits.wall_seconds)
        running.thread = threading.Thread(
            target=self._attempt, args=(running,), name=f"scan-{job.id}", daemon=True
        )
        self._running[job.id] = running
        try:
            running.thread.start()
        except RuntimeError as problem:  # can't start new thread
            text = f"no thread could be started: {problem}"
            error = ErrorRecord("crashed", text, "use fewer --jobs")
            self._post(running, _outcome(running, "infrastructure", error=error))

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Return outcomes of attempts that ended; see :meth:`.runner.Runner.wait`."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._hear()
        while not self._done and self._running:
            interrupted = self._sleep(deadline)
            self._look_at_clocks()
            self._hear()
            if interrupted or time.monotonic() >= deadline:
                break
        done, self._done = self._done, []
        return done

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """Ask a task to stop at its next step."""
        if running := self._running.get(job_id):
            running.ask(end, STEP_SECONDS)

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """Ask all tasks to stop, wait at most ``grace`` seconds, abandon the rest."""
        if self._closed:
            return []
        self._closed = True
        for running in self._running.values():
            running.ask("cancelled", grace)
            running.given_up = min(running.given_up, time.monotonic() + grace)
        self._hear()
        while self._running:
            self._sleep(time.monotonic() + grace)
            self._look_at_clocks()
            self._hear()
        self._waker.close()
        self._bell.close()
        done, self._done = self._done, []
        return done

    # ------------------------------------------------------- the caller's side

    def _sleep(self, deadline: float) -> bool:
        """Wait until there is something to do; return whether a signal arrived."""
        request = signals.active()
        due = min(
            deadline, *(min(r.deadline, r.given_up) for r in self._running.values()), math.inf
        )
        with selectors.DefaultSelector() as selector:
            selector.register(self._waker, selectors.EVENT_READ)
            if request is not None:
                selector.register(request, selectors.EVENT_READ)
            pause = None if due == math.inf else max(0.0, due - time.monotonic())
            ready = {key.fileobj for key, _ in selector.select(pause)}
        with contextlib.suppress(BlockingIOError):
            while self._waker.recv(4096):
                pass
        if request is None or request not in ready:
            return False
        request.drain()
        if request.suspended:
            suspended_seconds = signals.suspend(request, [])
            for running in self._running.values():
                running.deadline += suspended_seconds
                running.given_up += suspended_seconds
            return bool(request.received)
        return True

    def _look_at_clocks(self) -> None:
        now = time.monotonic()
        for running in list(self._running.values()):
            if now >= running.deadline:
                running.deadline = math.inf
                running.ask("timeout", STEP_SECONDS)
            if now >= running.given_up:
                self._post(running, _stopped(running, left_behind=True))

    def _hear(self) -> None:
        while self._notes:
            running, note = self._notes.popleft()
            if self._running.get(running.job.id) is not running:
                continue  # from an abandoned task
            if isinstance(note, Outcome):
                del self._running[running.job.id]
                self._done.append(note)
            else:
                self._on_event(note)

    # --------------------------------------------------------- the task's side

    def _post(self, running: _Running, note: Note) -> None:
        self._notes.append((running, note))
        # full: a wakeup is pending; closed: the runner has ended
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")

    def _attempt(self, running: _Running) -> None:
        job = running.job
        alone = self._request.jobs == 1
        own_peak = alone and memory.reset_peak()
        before = memory.usage()
        running.rss_start = before.rss if before else 0
        cpu = time.process_time if alone else time.thread_time
        began, cpu_began = time.perf_counter(), cpu()
        self._post(running, ScanStarted(job.id, job.name, running.limits.attempt, os.getpid()))
        end, result, error = self._run(running)
        after = memory.usage()
        source = (after.peak_source if own_peak else "process-wide") if after else ""
        self._trim(alone=alone)
        outcome = replace(
            _outcome(running, end, error),
            result=result,
            seconds=time.perf_counter() - began,
            cpu_seconds=cpu() - cpu_began,
            peak_rss_bytes=after.peak if after else 0,
            peak_source=source,
        )
        self._post(running, outcome)

    def _trim(self, *, alone: bool) -> None:
        """Return memory to the system; always with one job, so that each scan has its own peak."""
        now = time.monotonic()
        if alone or now >= self._trimmed + TRIM_SECONDS:
            self._trimmed = now
            memory.trim_heap()

    def _run(self, running: _Running) -> tuple[End, TaskResult | None, ErrorRecord | None]:
        job = running.job

        def report(stage: str, done: float) -> None:
            if running.stop is None and time.monotonic() >= running.deadline:
                running.ask("timeout", STEP_SECONDS)
            if running.stop is not None:
                raise _Stopped
            if stage:
                self._post(running, ScanProgress(job.id, job.name, stage, done))

        try:
            clock = task.StageClock(report, PROGRESS_SECONDS)
            start_seconds = max(0.0, time.monotonic() - running.taken_at)
            return "result", task.run(job, clock, start_seconds), None
        except _Stopped:
            stopped = _stopped(running)
            return stopped.end, None, stopped.error
        except SystemExit as leaving:
            text = f"the task left with exit code {leaving.code or 0} without a result"
            error = ErrorRecord(Crashed.kind, text, Crashed.default_hint)
            return ("crashed" if leaving.code else "lost"), None, error
        except BaseException as problem:  # noqa: BLE001 - reported in the outcome
            end, error = task.failure(problem, job.name)
            return end, None, error


def _outcome(running: _Running, end: End, error: ErrorRecord | None = None) -> Outcome:
    return Outcome(
        job_id=running.job.id,
        attempt=running.limits.attempt,
        end=end,
        error=error,
        pid=os.getpid(),
        seconds=time.monotonic() - running.taken_at,
        rss_bytes_start=running.rss_start,
        host=platform.node(),
    )


def _stopped(running: _Running, left_behind: bool = False) -> Outcome:
    wall = running.limits.wall_seconds
    kind, text = {
        "timeout": (TimedOut, f"took longer than {wall:g} s and was stopped"),
        "out_of_memory": (OutOfMemory, "was stopped because memory ran short"),
    }.get(str(running.stop), (Crashed, "was stopped on request"))
    if left_behind:
        text += ", but its thread goes on in the background (only --isolation always can kill it)"
    hint = "" if running.stop == "cancelled" else kind.default_hint
    error = ErrorRecord(kind.kind, text, hint)
    return _outcome(running, running.stop or "cancelled", error)
