"""The loop that watches all workers: one selector, in the caller's thread.

Covers listening to workers, their clocks and samples, their ends, and being woken by
signals. Nothing here blocks on a single worker. What it does not cover: how many
workers there are and what they do next; that is :mod:`.process`'s.
"""

from __future__ import annotations

import logging
import math
import selectors
import signal
import time
from dataclasses import dataclass
from typing import Literal, Protocol

from divere_cli.isolation import log_bridge
from divere_cli.isolation.runner import OnEvent
from divere_cli.isolation.supervisor import orphans
from divere_cli.isolation.supervisor.attempt import DRAIN_SECONDS, Attempt
from divere_cli.isolation.supervisor.exit_reasons import Reason
from divere_cli.isolation.supervisor.process import Line, WorkerProcess
from divere_cli.isolation.wire import FrameError, Message, within
from divere_cli.isolation.worker import main
from divere_cli.isolation.worker.main import Order
from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.outcome import Outcome
from divere_cli.system import memory, signals
from divere_cli.text import safe

log = logging.getLogger(__name__)
printed = logging.getLogger("divere_cli.worker")

LINES_PER_WORKER = 500
SPARE_SECONDS = 60.0

STATUS_SECONDS = 0.5  # from the end of a worker to what its forkserver tells of it

Channel = Literal["frames", "output", "orders", "told", "pidfd", "signal"]


class Owner(Protocol):
    """Who is told what becomes of workers."""

    def worker_greeted(self, work: Attempt) -> None:
        """A worker said hello: its start method works."""

    def worker_began(self) -> None:
        """A worker began with its task."""

    def worker_refused(self, work: Attempt, reason: str) -> None:
        """A worker was lost by no fault of its scan; a spare too."""

    def spare_died(self) -> None:
        """A worker without a job ended by itself."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for a worker's hello, and for the first two steps of the ladder."""

    boot: float
    trace: float
    term: float


class Loop:
    """Watches workers. ``works`` are all that are not proven gone, ``done`` their outcomes."""

    def __init__(self, patience: Patience, on_event: OnEvent, owner: Owner) -> None:
        self.works: list[Attempt] = []
        self.done: list[Outcome] = []
        self._patience = patience
        self._on_event = on_event
        self._owner = owner
        self._events: list[ScanStarted | ScanProgress] = []
        self._selector = selectors.DefaultSelector()
        self._watched: signals.StopRequest | None = None
        self._watched_fd = -1
        self._told_cold = False
        self._oom_seen = memory.oom_kills()
        self._oom_read = time.monotonic()

    def busy(self) -> list[Attempt]:
        """Workers that have a job."""
        return [work for work in self.works if work.assignment is not None]

    def add(self, child: WorkerProcess) -> Attempt:
        """Watch a worker that was just started."""
        now = time.monotonic()
        boot = self._patience.boot
        work = Attempt(child, now + boot, deadline_text=f"{boot:g} s", idle_since=now)
        self.works.append(work)
        for channel in ("frames", "output", "told"):
            descriptor: int = getattr(child, channel)
            self._selector.register(descriptor, selectors.EVENT_READ, (work, channel))
        if child.pid:
            self._born(work)
        return work

    def _born(self, work: Attempt) -> None:
        orphans.ours.add(work.child.pid)
        if work.child.pidfd >= 0:
            self._selector.register(work.child.pidfd, selectors.EVENT_READ, (work, "pidfd"))

    def send(self, work: Attempt, order: Order) -> None:
        """Send a worker its order, later what cannot be sent now."""
        if not work.child.send(order):
            self._selector.register(work.child.orders, selectors.EVENT_WRITE, (work, "orders"))
        self._look_at_oom_kills()

    def end(
        self, work: Attempt, reason: Reason, text: str, trace: float = 0, term: float = 0
    ) -> None:
        """Put a worker on the ladder."""
        work.begin_end(reason, text, time.monotonic(), trace, term)

    def close(self) -> None:
        """Release the selector; no worker is left."""
        self._selector.close()

    def turn(self, deadline: float) -> bool:
        """One pass: wait for something, see to everything. Whether a signal came."""
        now = time.monotonic()
        due = min([deadline, *(work.due() for work in self.works)])
        interrupted = False
        for key, _ in self._selector.select(None if due == math.inf else max(0.0, due - now)):
            work, channel = key.data
            if channel == "signal":
                interrupted = self._obey()
            else:
                self._attend(work, channel)
        now = time.monotonic()
        for work in list(self.works):
            self._check(work, now)
        events, self._events = self._events, []
        for event in events:
            self._on_event(event)
        return interrupted

    def _attend(self, work: Attempt, channel: Channel) -> None:
        if channel == "pidfd":
            self._selector.unregister(work.child.pidfd)
            self._note_end(work)
        elif channel == "told":
            if work.child.told >= 0:  # a hello in the same pass had it read
                self._hear(work)
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

    def _hear(self, work: Attempt) -> None:
        """The forkserver tells of a worker; the end of the pipe is an end, too."""
        before = work.child.pid
        ended = work.child.hear()
        if work.child.pid and not before:
            self._born(work)
            work.born(time.monotonic())
        if ended or work.child.refused:
            self._close(work, "told")
            if work.child.status is None:
                work.child.kill()  # its forkserver died before it
            if work.alive and work.child.pidfd < 0:
                self._note_end(work)

    def _note_end(self, work: Attempt) -> None:
        work.child.note_end()
        work.exited = time.monotonic()
        work.child.kill()  # what it left in its group

    def _read_frames(self, work: Attempt) -> None:
        try:
            messages, ended = work.child.read_frames()
            for message in messages:
                self._heed(work, message)
        except (FrameError, KeyError, TypeError, ValueError, ArithmeticError) as problem:
            work.dropped += 1
            self._close(work, "frames")
            if work.reason is None:
                work.end = None
                self.end(work, "nonsense", _wrong_with(problem))
            return
        if ended:
            self._close(work, "frames")
            work.expect_exit(time.monotonic())

    def _close(self, work: Attempt, channel: Literal["frames", "output", "told"]) -> None:
        self._selector.unregister(getattr(work.child, channel))
        work.child.close(channel)

    def _heed(self, work: Attempt, message: Message) -> None:
        kind, now = message["t"], time.monotonic()
        if kind == "log":
            if not log_bridge.replay(message, work.child.pid, work.about()):
                work.dropped += 1
        elif kind == "hello" and not work.greeted:
            self._greet(work, message, now)
        elif work.assignment is None or work.end is not None:
            raise ValueError(f"a message {kind!r} out of order")
        elif kind == "start" and work.started is None:
            work.note_start(message, now)
            job, limits = work.assignment.job, work.assignment.limits
            self._events.append(ScanStarted(job.id, job.name, limits.attempt, work.child.pid))
            self._owner.worker_began()
        elif kind == "progress" and work.started is not None:
            self._progress(work, str(message["stage"]), within(message["done"], 1.0))
        elif kind == "end" and work.started is not None:
            work.note_end(message, now)
        else:
            raise ValueError(f"a message {kind!r} out of order")

    def _greet(self, work: Attempt, message: Message, now: float) -> None:
        if not work.child.pid and work.child.told >= 0:
            self._hear(work)
        if message["protocol"] != main.PROTOCOL or message["pid"] != work.child.pid:
            raise ValueError("a hello of another program")
        work.greeted = True
        work.idle_since = now
        if work.assignment is None:
            work.deadline = math.inf
        if message["preload_error"] and not self._told_cold:
            self._told_cold = True
            log.warning(
                "workers start slowly, the preload failed: %s",
                safe(str(message["preload_error"]), 500),
            )
        if within(message["preload_threads"], 1e6) > 1:
            work.greeted = False
            threads = message["preload_threads"]
            text = f"the preload left {threads} threads running, forks of it are not safe"
            self.end(work, "boot", text)
        else:
            self._owner.worker_greeted(work)

    def _progress(self, work: Attempt, stage: str, done: float) -> None:
        assert work.assignment is not None
        work.stage = stage
        rss = work.last.rss if work.last else 0
        job = work.assignment.job
        self._events.append(ScanProgress(job.id, job.name, stage, done, rss))

    def _log_lines(self, work: Attempt, lines: list[Line]) -> None:
        for line in lines:
            work.lines_logged += 1
            if work.lines_logged > LINES_PER_WORKER:
                work.dropped += 1
            else:
                level = logging.DEBUG if line.trace else logging.WARNING
                printed.log(level, "%s", line.text, extra=work.about())

    def _check(self, work: Attempt, now: float) -> None:
        if not work.alive or work.abandoned:
            pipes = work.child.frames >= 0 or work.child.output >= 0
            drained = not pipes or now >= work.exited + DRAIN_SECONDS
            if work.abandoned or (drained and work.child.gone() and self._status_known(work, now)):
                self._retire(work, now)
            elif drained and not work.child.gone():
                work.exited = now  # its end is asked for again soon
            return
        if now >= work.deadline and work.child.launched.server and not work.child.pid:
            work.child.launched.server.end(f"did not answer within {work.deadline_text}")
            work.deadline = now + STATUS_SECONDS  # the end of its status pipe comes now
            return
        if now >= work.deadline:
            trace = self._patience.trace if work.deadline_reason == "timeout" else 0.0
            term = self._patience.term if work.deadline_reason == "timeout" else 0.0
            self.end(work, work.deadline_reason, work.deadline_text, trace, term)
        work.climb(now)
        if work.started is not None and now >= work.next_sample:
            work.sample(now)
            if work.reason is None and (cap := work.over_cap()):
                self.end(work, "out_of_memory", cap)
        if work.assignment is None and work.greeted and now > work.idle_since + SPARE_SECONDS:
            self.end(work, "cancelled", "")

    def _status_known(self, work: Attempt, now: float) -> bool:
        child = work.child
        late = now >= work.exited + STATUS_SECONDS or work.end is not None
        return child.status is not None or child.told < 0 or bool(child.refused) or late

    def _retire(self, work: Attempt, now: float) -> None:
        for channel in ("frames", "output", "told"):
            if getattr(work.child, channel) >= 0:
                self._close(work, channel)
        if work.alive and work.child.pidfd >= 0:
            self._selector.unregister(work.child.pidfd)
        if work.child.unsent and work.child.orders >= 0:
            self._selector.unregister(work.child.orders)
        if work.assignment is not None:
            outcome = work.outcome(now, self._memory_was_short(work))
            self.done.append(outcome)
            if outcome.end == "infrastructure" and outcome.error:
                self._owner.worker_refused(work, outcome.error.message)
        elif work.child.refused or (work.child.server_lost and work.child.server_ended):
            server = work.child.launched.server
            fault = f"the process that starts the workers {server.fault if server else ''}"
            self._owner.worker_refused(work, work.child.refused or fault)
        elif work.reason is None and not work.child.server_lost:
            self._owner.spare_died()
            log.warning("a spare worker ended by itself (%s)", work.child.status)
        work.child.release()
        self.works.remove(work)
        orphans.ours.discard(work.child.pid)
        if work.end is None and not work.abandoned:
            orphans.sweep(work.child.pid)

    def _memory_was_short(self, work: Attempt) -> bool:
        if work.end is not None or work.child.status != -signal.SIGKILL:
            return False
        before = self._oom_seen
        self._oom_read = 0.0
        self._look_at_oom_kills()
        return work.near_cap() or self._oom_seen > before

    def _look_at_oom_kills(self) -> None:
        """Remember the kernel's count of kills for memory, at most once a second."""
        now = time.monotonic()
        if now >= self._oom_read + 1.0:
            self._oom_seen, self._oom_read = memory.oom_kills(), now

    def watch_signals(self) -> None:
        """Be woken by the signals that are watched now."""
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
            groups = [work.child.pid for work in self.works if work.alive]
            away = signals.suspend(request, groups)
            for work in self.works:
                work.shift(away)
            return bool(request.received)
        return True


def _wrong_with(problem: Exception) -> str:
    """Return what is wrong with a message of a worker, as a part of a sentence."""
    text = f"without {problem}" if isinstance(problem, KeyError) else str(problem)
    return safe(text or type(problem).__name__, 200)
