"""The process runner: a fresh worker for each attempt, all watched by one loop.

The loop runs in the caller's thread, inside :meth:`ProcessRunner.wait`; nothing here
blocks on a single worker. No pools, no queues, locks or managers shared between
processes: whatever a worker does to its pipes hurts only itself.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import selectors
import time
from collections.abc import Sequence
from typing import Literal

from divere_cli.isolation import leftovers, logbridge, memory, signals, worker
from divere_cli.isolation.child import Child, Line
from divere_cli.isolation.contract import IsolationRequest, LaunchError, OnEvent, StartMethod
from divere_cli.isolation.exits import Reason
from divere_cli.isolation.frames import FrameError, Message
from divere_cli.isolation.launch import Launcher
from divere_cli.isolation.work import DRAIN_SECONDS, Assignment, Work
from divere_cli.records import (
    ErrorRecord,
    FileJob,
    IsolationInfo,
    Limits,
    Outcome,
    ScanProgress,
    ScanStarted,
)

log = logging.getLogger(__name__)
printed = logging.getLogger("divere_cli.worker")

LINES_PER_WORKER = 500
SPARE_SECONDS = 60.0
SPARE_MEMORY = 512 << 20
SPARE_FAILURES = 3
REFUSALS_IN_A_ROW = 5

Channel = Literal["frames", "output", "orders", "sentinel", "signal"]


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
        self._others = list(others)
        self._refused = 0
        self._events: list[ScanStarted | ScanProgress] = []
        self._request = request
        self._launcher = launcher
        self._on_event = on_event
        self._fallback_reason = fallback_reason
        self._selector = selectors.DefaultSelector()
        self._works: list[Work] = []
        self._done: list[Outcome] = []
        self._closed = False
        self._watched: signals.StopRequest | None = None
        self._watched_fd = -1
        self._spare_failures = 0
        self._told_cold = False
        self._oom_seen = memory.oom_kills()
        self._oom_read = time.monotonic()
        launcher.strangers = self._descriptors
        leftovers.adopt()
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
        return 0 if self._closed else self._request.jobs - len(self._busy())

    def start(self, job: FileJob, limits: Limits) -> None:
        """Start one attempt; a ready spare takes it if there is one."""
        if self.slots() < 1:
            raise RuntimeError("no slot is free")
        if any(work.assignment and work.assignment.job.id == job.id for work in self._works):
            raise RuntimeError(f"job {job.id} is in work")
        assignment = Assignment(job, limits, time.monotonic())
        self._read_oom_kills(assignment.taken)
        try:
            work = self._spare() or self._launch()
        except LaunchError as problem:
            self._done.append(_not_started(assignment, problem))
            self._refuse(str(problem))
            return
        message = work.assign(assignment, self._request.boot_seconds)
        if not work.child.send(message):
            self._selector.register(work.child.orders, selectors.EVENT_WRITE, (work, "orders"))
        self._refill()

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """Outcomes of attempts that ended; see :meth:`.contract.Runner.wait`."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._watch_signals()
        while not self._done and self._busy():
            interrupted = self._turn(deadline)
            if interrupted or time.monotonic() >= deadline:
                break
        done, self._done = self._done, []
        return done

    def cancel(self, job_id: int, end: Literal["cancelled", "out_of_memory"] = "cancelled") -> None:
        """End one attempt by the ladder."""
        for work in self._busy():
            assert work.assignment is not None
            if work.assignment.job.id == job_id and work.end is None:
                text = "there was" if end == "out_of_memory" else ""
                self._end(work, end, text, term=self._request.term_seconds)

    def close(self, grace: float = 2.0) -> list[Outcome]:
        """End everything, release everything."""
        if self._closed:
            return []
        self._closed = True
        for work in self._works:
            if work.assignment is None:
                self._end(work, "cancelled", "")
            elif work.end is None:
                self._end(work, "cancelled", "", term=grace)
        while self._works:
            self._turn(math.inf)
        atexit.unregister(self._kill_all)
        self._selector.close()
        leftovers.disown()
        done, self._done = self._done, []
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
            self._turn(deadline)
        if not work.greeted:
            tail = "; ".join(list(work.child.lines.tail)[-3:])
            raise LaunchError(work.reason_text or f"the first worker did not say hello {tail}")

    # -------------------------------------------------------------- the workers

    def _busy(self) -> list[Work]:
        return [work for work in self._works if work.assignment is not None]

    def _spare(self) -> Work | None:
        idle = [w for w in self._works if w.assignment is None and w.alive and w.reason is None]
        return max(idle, key=lambda work: work.greeted, default=None)

    def _launch(self) -> Work:
        child = Child.of(self._launcher.start(), self.method)
        now = time.monotonic()
        boot = self._request.boot_seconds
        work = Work(child, now + boot, deadline_text=f"{boot:g} s", idle_since=now)
        self._works.append(work)
        for channel in ("frames", "output", "sentinel"):
            descriptor: int = getattr(child, channel)
            self._selector.register(descriptor, selectors.EVENT_READ, (work, channel))
        leftovers.ours.add(child.pid)
        return work

    def _refill(self) -> None:
        wanted = self._request.spares
        if wanted is None:
            wanted = min(self._request.jobs, 2) if self.method == "spawn" else 0
        have = sum(1 for work in self._works if work.assignment is None and work.reason is None)
        if have >= wanted or self._spare_failures >= SPARE_FAILURES:
            return
        if memory.available().bytes < SPARE_MEMORY:
            return
        try:
            self._launch()
        except LaunchError as problem:
            self._spare_failures += 1
            log.info("no spare worker could be started: %s", problem)

    def _refuse(self, reason: str) -> None:
        """An attempt could not be started; after several in a row try the next method."""
        self._refused += 1
        if self._refused < REFUSALS_IN_A_ROW or not self._others:
            return
        self._refused = 0
        text = f"{self.method}: {reason}"
        self._fallback_reason = "; ".join(filter(None, (self._fallback_reason, text)))
        self._launcher = self._others.pop(0)
        self._launcher.strangers = self._descriptors
        log.warning("workers do not start any more (%s): trying %s", text, self.method)

    def _descriptors(self) -> list[int]:
        own = [fd for work in self._works for fd in work.child.descriptors()]
        own += [work.child.sentinel for work in self._works if work.alive]
        fileno = getattr(self._selector, "fileno", None)
        return [*own, fileno()] if fileno else own

    def _end(
        self, work: Work, reason: Reason, text: str, trace: float = 0, term: float = 0
    ) -> None:
        work.begin_end(reason, text, time.monotonic(), trace, term)

    def _kill_all(self) -> None:
        for work in self._works:
            if work.alive:
                work.child.kill()

    # ----------------------------------------------------------------- the loop

    def _turn(self, deadline: float) -> bool:
        """One pass: wait for something, see to everything. Whether a signal came."""
        now = time.monotonic()
        due = min([deadline, *(work.due() for work in self._works)])
        interrupted = False
        for key, _ in self._selector.select(None if due == math.inf else max(0.0, due - now)):
            work, channel = key.data
            if channel == "signal":
                interrupted = self._obey()
            else:
                self._attend(work, channel)
        now = time.monotonic()
        for work in list(self._works):
            self._check(work, now)
        events, self._events = self._events, []
        for event in events:
            self._on_event(event)
        return interrupted

    def _attend(self, work: Work, channel: Channel) -> None:
        if channel == "sentinel":
            self._selector.unregister(work.child.sentinel)
            work.child.note_end()
            work.exited = time.monotonic()
            work.child.kill()  # what it left in its group; a ghost itself
        elif channel == "orders":
            if work.child.orders >= 0 and work.child.flush():
                self._selector.unregister(work.child.orders)
        elif channel == "output":
            lines, ended = work.child.read_output()
            self._log_lines(work, lines)
            if ended:
                self._close(work, "output")
        elif work.child.frames >= 0:
            self._read_frames(work)

    def _read_frames(self, work: Work) -> None:
        try:
            messages, ended = work.child.read_frames()
            for message in messages:
                self._heed(work, message)
        except (FrameError, KeyError, TypeError, ValueError) as problem:
            work.dropped += 1
            self._close(work, "frames")
            if work.reason is None:
                work.end = None
                self._end(work, "nonsense", f"{type(problem).__name__}: {problem}"[:200])
            return
        if ended:
            self._close(work, "frames")
            work.expect_exit(time.monotonic())

    def _close(self, work: Work, channel: Literal["frames", "output"]) -> None:
        self._selector.unregister(getattr(work.child, channel))
        work.child.close(channel)

    def _heed(self, work: Work, message: Message) -> None:
        kind, now = message["t"], time.monotonic()
        if kind == "log":
            if not logbridge.replay(message, work.child.pid, work.about()):
                work.dropped += 1
        elif kind == "hello" and not work.greeted:
            self._greet(work, message, now)
        elif work.assignment is None or work.end is not None:
            raise ValueError(f"a message {kind!r} out of order")
        elif kind == "start" and work.started is None:
            work.note_start(message, now)
            job, limits = work.assignment.job, work.assignment.limits
            self._events.append(ScanStarted(job.id, job.name, limits.attempt, work.child.pid))
            self._refused = 0
        elif kind == "progress" and work.started is not None:
            self._progress(work, str(message["stage"]), float(message["done"]))
        elif kind == "end" and work.started is not None:
            work.note_end(message, now)
        else:
            raise ValueError(f"a message {kind!r} out of order")

    def _greet(self, work: Work, message: Message, now: float) -> None:
        if message["protocol"] != worker.PROTOCOL or message["pid"] != work.child.pid:
            raise ValueError("a hello of another program")
        work.greeted = True
        work.idle_since = now
        if work.assignment is None:
            work.deadline = math.inf
        if message["preload_error"] and not self._told_cold:
            self._told_cold = True
            log.warning("workers start slowly, the preload failed: %s", message["preload_error"])
        if int(message["preload_threads"]) > 1:
            work.greeted = False
            threads = message["preload_threads"]
            text = f"the preload left {threads} threads running, forks of it are not safe"
            self._end(work, "boot", text)

    def _progress(self, work: Work, stage: str, done: float) -> None:
        assert work.assignment is not None
        work.stage = stage
        rss = work.last.rss if work.last else 0
        job = work.assignment.job
        self._events.append(ScanProgress(job.id, job.name, stage, done, rss))

    def _log_lines(self, work: Work, lines: list[Line]) -> None:
        for line in lines:
            work.lines_logged += 1
            if work.lines_logged > LINES_PER_WORKER:
                work.dropped += 1
            else:
                level = logging.DEBUG if line.trace else logging.WARNING
                printed.log(level, "%s", line.text, extra=work.about())

    def _check(self, work: Work, now: float) -> None:
        if not work.alive or work.abandoned:
            pipes = work.child.frames >= 0 or work.child.output >= 0
            drained = not pipes or now >= work.exited + DRAIN_SECONDS
            if work.abandoned or (drained and work.child.gone()):
                self._retire(work, now)
            elif drained:
                work.exited = now  # a ghost: its end is asked for again soon
            return
        if now >= work.deadline:
            trace = self._request.trace_seconds if work.deadline_reason == "timeout" else 0.0
            term = self._request.term_seconds if work.deadline_reason == "timeout" else 0.0
            self._end(work, work.deadline_reason, work.deadline_text, trace, term)
        work.climb(now)
        if work.started is not None and now >= work.next_sample:
            work.sample(now)
            if work.reason is None and (cap := work.over_cap()):
                self._end(work, "out_of_memory", cap)
        if work.assignment is None and work.greeted and now > work.idle_since + SPARE_SECONDS:
            self._end(work, "cancelled", "")

    def _retire(self, work: Work, now: float) -> None:
        for channel in ("frames", "output"):
            if getattr(work.child, channel) >= 0:
                self._close(work, channel)
        if work.alive:
            self._selector.unregister(work.child.sentinel)
        if work.child.unsent and work.child.orders >= 0:
            self._selector.unregister(work.child.orders)
        if work.assignment is not None:
            short = work.near_cap() or self._read_oom_kills(now, force=True)
            outcome = work.outcome(now, short)
            self._done.append(outcome)
            if outcome.end == "infrastructure" and outcome.error:
                self._refuse(outcome.error.message)
        elif work.reason is None:
            self._spare_failures += 1
            log.warning("a spare worker ended by itself (%s)", work.child.status)
        work.child.release()
        self._works.remove(work)
        leftovers.ours.discard(work.child.pid)
        if work.end is None and not work.abandoned:
            leftovers.sweep(work.child.pid)

    def _read_oom_kills(self, now: float, force: bool = False) -> bool:
        """Look at the kernel's count of kills for memory; whether it rose since the last look."""
        if not force and now < self._oom_read + 1.0:
            return False
        before, self._oom_seen = self._oom_seen, memory.oom_kills()
        self._oom_read = now
        return self._oom_seen > before

    # -------------------------------------------------------------- the signals

    def _watch_signals(self) -> None:
        request = signals.active()
        if request is self._watched:
            return
        if self._watched_fd >= 0:
            self._selector.unregister(self._watched_fd)  # maybe closed already: its key must go
        self._watched = request
        self._watched_fd = -1 if request is None else request.fileno()
        if request is not None:
            self._selector.register(self._watched_fd, selectors.EVENT_READ, (None, "signal"))

    def _obey(self) -> bool:
        request = self._watched
        if request is None:
            return False
        request.drain()
        if request.suspended:
            groups = [work.child.pid for work in self._works if work.alive]
            away = signals.suspend(request, groups)
            for work in self._works:
                work.shift(away)
            return bool(request.received)
        return True


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
        host=os.uname().nodename,
    )
