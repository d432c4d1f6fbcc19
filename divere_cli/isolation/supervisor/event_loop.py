"""The loop that watches all workers: one selector, in the caller's thread.

Covers listening to workers, their deadlines and memory samples, their ends, and signals. Nothing
here blocks on a single worker. Not covered: how many workers there are and what they do next
(:mod:`.process_runner`).
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

STATUS_SECONDS = 10.0  # from the end of a worker to its exit status: its forkserver may be slow
ENDED_SECONDS = 0.5  # the same where divere ended the worker: the status would change nothing

Channel = Literal["frames", "output", "orders", "status_pipe", "pidfd", "signal"]


class Owner(Protocol):
    """Receives notifications about workers."""

    def worker_greeted(self, attempt: Attempt) -> None:
        """A worker has answered: its start method works."""

    def worker_began(self) -> None:
        """A worker started its task."""

    def worker_refused(self, attempt: Attempt, reason: str) -> None:
        """A worker was lost, and its scan is not the cause; also called for spares."""

    def spare_died(self) -> None:
        """A spare worker ended by itself."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a worker has for its first message, and in the first two steps that end it."""

    boot: float
    trace: float
    term: float


class Loop:
    """Watches workers: ``attempts`` are those not proven to have ended, ``done`` are outcomes.

    ``closing`` is set once the runner is being closed: from then on no fault of the listener
    keeps workers from being ended.
    """

    def __init__(self, patience: Patience, on_event: OnEvent, owner: Owner) -> None:
        self.attempts: list[Attempt] = []
        self.done: list[Outcome] = []
        self._patience = patience
        self._on_event = on_event
        self._owner = owner
        self._events: list[ScanStarted | ScanProgress] = []
        self.closing = False
        self._selector = selectors.DefaultSelector()
        self._watched: signals.StopRequest | None = None
        self._watched_fd = -1
        self._slow_start_logged = False
        self._oom_seen = memory.oom_kills()
        self._oom_read = time.monotonic()

    def busy(self) -> list[Attempt]:
        """Return the workers that have a job."""
        return [attempt for attempt in self.attempts if attempt.assignment is not None]

    def add(self, child: WorkerProcess) -> Attempt:
        """Start to watch a new worker."""
        now = time.monotonic()
        boot = self._patience.boot
        attempt = Attempt(child, now + boot, deadline_text=f"{boot:g} s", idle_since=now)
        self.attempts.append(attempt)
        for channel in ("frames", "output", "status_pipe"):
            descriptor: int = getattr(child, channel)
            self._selector.register(descriptor, selectors.EVENT_READ, (attempt, channel))
        if child.pid:
            self._set_pid(attempt)
        return attempt

    def _set_pid(self, attempt: Attempt) -> None:
        orphans.ours.add(attempt.child.pid)
        if attempt.child.pidfd >= 0:
            self._selector.register(attempt.child.pidfd, selectors.EVENT_READ, (attempt, "pidfd"))

    def send(self, attempt: Attempt, order: Order) -> None:
        """Send a worker its order; what cannot be sent now is sent later."""
        if not attempt.child.send(order):
            self._selector.register(
                attempt.child.orders, selectors.EVENT_WRITE, (attempt, "orders")
            )
        self._look_at_oom_kills()

    def end(
        self, attempt: Attempt, reason: Reason, text: str, trace: float = 0, term: float = 0
    ) -> None:
        """Start to end a worker in steps."""
        attempt.begin_end(reason, text, time.monotonic(), trace, term)

    def close(self) -> None:
        """Release the selector, after all workers have ended."""
        self._selector.close()

    def turn(self, deadline: float) -> bool:
        """Wait once and handle everything that is ready; return whether a signal arrived."""
        now = time.monotonic()
        due = min([deadline, *(attempt.due() for attempt in self.attempts)])
        interrupted = False
        for key, _ in self._selector.select(None if due == math.inf else max(0.0, due - now)):
            attempt, channel = key.data
            if channel == "signal":
                interrupted = self._handle_signal()
            else:
                self._handle_ready(attempt, channel)
        now = time.monotonic()
        for attempt in list(self.attempts):
            self._check(attempt, now)
        self._deliver()
        return interrupted

    def _deliver(self) -> None:
        """Hand over the events; a listener that fails at the end leaves no worker behind."""
        events, self._events = self._events, []
        for event in events:
            try:
                self._on_event(event)
            except Exception:
                if not self.closing:
                    raise
                log.exception("an event at the end of the run was not taken")

    def _handle_ready(self, attempt: Attempt, channel: Channel) -> None:
        if channel == "pidfd":
            self._selector.unregister(attempt.child.pidfd)
            self._note_end(attempt)
        elif channel == "status_pipe":
            if attempt.child.status_pipe >= 0:  # the first message, in the same pass, made it read
                self._read_status(attempt)
        elif channel == "orders":
            if attempt.child.orders >= 0 and attempt.child.flush():
                self._selector.unregister(attempt.child.orders)
        elif channel == "output":
            lines, ended = attempt.child.read_output()
            self._log_lines(attempt, lines)
            if ended:
                self._close(attempt, "output")
        elif attempt.child.frames >= 0:
            self._read_frames(attempt)

    def _read_status(self, attempt: Attempt) -> None:
        """Read the forkserver's messages about a worker; the end of the pipe means its end, too."""
        before = attempt.child.pid
        ended = attempt.child.read_status()
        if attempt.child.pid and not before:
            self._set_pid(attempt)
            attempt.born(time.monotonic())
        if ended or attempt.child.refused:
            self._close(attempt, "status_pipe")
            if attempt.child.status is None:
                attempt.child.kill()  # its forkserver died first
            if attempt.alive and attempt.child.pidfd < 0:
                self._note_end(attempt)

    def _note_end(self, attempt: Attempt) -> None:
        attempt.child.note_end()
        attempt.exited = time.monotonic()
        attempt.next_look = attempt.exited + DRAIN_SECONDS
        attempt.child.kill()  # processes left in its group

    def _read_frames(self, attempt: Attempt) -> None:
        try:
            messages, ended = attempt.child.read_frames()
            for message in messages:
                self._handle_message(attempt, message)
        except (FrameError, KeyError, TypeError, ValueError, ArithmeticError) as problem:
            attempt.dropped += 1
            self._close(attempt, "frames")
            if attempt.reason is None:
                attempt.end = None
                self.end(attempt, "nonsense", _wrong_with(problem))
            return
        if ended:
            self._close(attempt, "frames")
            attempt.expect_exit(time.monotonic())

    def _close(self, attempt: Attempt, channel: Literal["frames", "output", "status_pipe"]) -> None:
        self._selector.unregister(getattr(attempt.child, channel))
        attempt.child.close(channel)

    def _handle_message(self, attempt: Attempt, message: Message) -> None:
        kind, now = message["t"], time.monotonic()
        if kind == "log":
            if not log_bridge.replay(message, attempt.child.pid, attempt.about()):
                attempt.dropped += 1
        elif kind == "hello" and not attempt.greeted:
            self._greet(attempt, message, now)
        elif attempt.assignment is None or attempt.end is not None:
            raise ValueError(f"a message {kind!r} out of order")
        elif kind == "start" and attempt.started is None:
            attempt.note_start(message, now)
            job, limits = attempt.assignment.job, attempt.assignment.limits
            self._events.append(ScanStarted(job.id, job.name, limits.attempt, attempt.child.pid))
            self._owner.worker_began()
        elif kind == "progress" and attempt.started is not None:
            self._progress(attempt, str(message["stage"]), within(message["done"], 1.0))
        elif kind == "end" and attempt.started is not None:
            attempt.note_end(message, now)
        else:
            raise ValueError(f"a message {kind!r} out of order")

    def _greet(self, attempt: Attempt, message: Message, now: float) -> None:
        if not attempt.child.pid and attempt.child.status_pipe >= 0:
            self._read_status(attempt)
        if message["protocol"] != main.PROTOCOL or message["pid"] != attempt.child.pid:
            raise ValueError("a hello of another program")
        attempt.greeted = True
        attempt.idle_since = now
        if attempt.assignment is None:
            attempt.deadline = math.inf
        if message["preload_error"] and not self._slow_start_logged:
            self._slow_start_logged = True
            log.warning(
                "workers start slowly, the preload failed: %s",
                safe(str(message["preload_error"]), 500),
            )
        if within(message["preload_threads"], 1e6) > 1:
            attempt.greeted = False
            threads = message["preload_threads"]
            text = f"the preload left {threads} threads running, forks of it are not safe"
            self.end(attempt, "boot", text)
        else:
            self._owner.worker_greeted(attempt)

    def _progress(self, attempt: Attempt, stage: str, done: float) -> None:
        assert attempt.assignment is not None
        attempt.stage = stage
        rss = attempt.last.rss if attempt.last else 0
        job = attempt.assignment.job
        self._events.append(ScanProgress(job.id, job.name, stage, done, rss))

    def _log_lines(self, attempt: Attempt, lines: list[Line]) -> None:
        for line in lines:
            attempt.lines_logged += 1
            if attempt.lines_logged > LINES_PER_WORKER:
                attempt.dropped += 1
            else:
                level = logging.DEBUG if line.trace else logging.WARNING
                printed.log(level, "%s", line.text, extra=attempt.about())

    def _check(self, attempt: Attempt, now: float) -> None:
        if not attempt.alive or attempt.abandoned:
            pipes = attempt.child.frames >= 0 or attempt.child.output >= 0
            drained = not pipes or now >= attempt.exited + DRAIN_SECONDS
            if attempt.abandoned or (
                drained and attempt.child.has_ended() and self._status_known(attempt, now)
            ):
                self._retire(attempt, now)
            elif drained and not attempt.child.has_ended():
                attempt.exited, attempt.next_look = now, now + DRAIN_SECONDS
            elif drained:
                attempt.next_look = attempt.exited + _status_seconds(attempt)
            return
        if now >= attempt.deadline and attempt.child.launched.server and not attempt.child.pid:
            attempt.child.launched.server.end(f"did not answer within {attempt.deadline_text}")
            attempt.deadline = now + ENDED_SECONDS  # its status pipe ends soon
            return
        if now >= attempt.deadline:
            trace = self._patience.trace if attempt.deadline_reason == "timeout" else 0.0
            term = self._patience.term if attempt.deadline_reason == "timeout" else 0.0
            self.end(attempt, attempt.deadline_reason, attempt.deadline_text, trace, term)
        attempt.take_due_steps(now)
        if attempt.started is not None and now >= attempt.next_sample:
            attempt.sample(now)
            if attempt.reason is None and (cap := attempt.over_cap()):
                self.end(attempt, "out_of_memory", cap)
        if (
            attempt.assignment is None
            and attempt.greeted
            and now > attempt.idle_since + SPARE_SECONDS
        ):
            self.end(attempt, "cancelled", "")

    def _status_known(self, attempt: Attempt, now: float) -> bool:
        child = attempt.child
        late = now >= attempt.exited + _status_seconds(attempt) or attempt.end is not None
        return child.status is not None or child.status_pipe < 0 or bool(child.refused) or late

    def _retire(self, attempt: Attempt, now: float) -> None:
        for channel in ("frames", "output", "status_pipe"):
            if getattr(attempt.child, channel) >= 0:
                self._close(attempt, channel)
        if attempt.alive and attempt.child.pidfd >= 0:
            self._selector.unregister(attempt.child.pidfd)
        if attempt.child.unsent and attempt.child.orders >= 0:
            self._selector.unregister(attempt.child.orders)
        if attempt.assignment is not None:
            outcome = attempt.outcome(now, self._memory_was_short(attempt))
            self.done.append(outcome)
            if outcome.end == "infrastructure" and outcome.error:
                self._owner.worker_refused(attempt, outcome.error.message)
        elif attempt.child.refused or (attempt.child.server_lost and attempt.child.server_ended):
            server = attempt.child.launched.server
            fault = f"the process that starts the workers {server.fault if server else ''}"
            self._owner.worker_refused(attempt, attempt.child.refused or fault)
        elif attempt.reason is None and not attempt.child.server_lost:
            self._owner.spare_died()
            log.warning("a spare worker ended by itself (%s)", attempt.child.status)
        attempt.child.release()
        self.attempts.remove(attempt)
        orphans.ours.discard(attempt.child.pid)
        if attempt.end is None and not attempt.abandoned:
            orphans.sweep(attempt.child.pid)

    def _memory_was_short(self, attempt: Attempt) -> bool:
        if attempt.end is not None or attempt.child.status != -signal.SIGKILL:
            return False
        before = self._oom_seen
        self._oom_read = 0.0
        self._look_at_oom_kills()
        return attempt.near_cap() or self._oom_seen > before

    def _look_at_oom_kills(self) -> None:
        """Remember the kernel's count of kills for memory, at most once a second."""
        now = time.monotonic()
        if now >= self._oom_read + 1.0:
            self._oom_seen, self._oom_read = memory.oom_kills(), now

    def watch_signals(self) -> None:
        """Wake up on the signals that are watched now."""
        request = signals.active()
        if request is self._watched:
            return
        if self._watched_fd >= 0:
            self._selector.unregister(self._watched_fd)  # a closed one must go, too
        self._watched = request
        self._watched_fd = -1 if request is None else request.fileno()
        if request is not None:
            self._selector.register(self._watched_fd, selectors.EVENT_READ, (None, "signal"))

    def _handle_signal(self) -> bool:
        request = self._watched
        if request is None:
            return False
        request.drain()
        if request.suspended:
            pids = [attempt.child.pid for attempt in self.attempts if attempt.alive]
            groups = [pid for pid in pids if pid]  # 0: not known yet, and for killpg our own group
            away = signals.suspend(request, groups)
            for attempt in self.attempts:
                attempt.shift(away)
            return bool(request.received)
        return True


def _status_seconds(attempt: Attempt) -> float:
    return STATUS_SECONDS if attempt.reason is None else ENDED_SECONDS


def _wrong_with(problem: Exception) -> str:
    """Return what is wrong with a message of a worker, as a part of a sentence."""
    text = f"without {problem}" if isinstance(problem, KeyError) else str(problem)
    return safe(text or type(problem).__name__, 200)
