"""One attempt: a worker, its job, its deadlines, the steps that end it, and its outcome.

Covers what depends on one worker and the time alone: when it needs attention, which step
comes next when it is ended, and how it ended. Waiting for workers is :mod:`.event_loop`'s.
"""

from __future__ import annotations

import math
import platform
import signal
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from divere_cli.errors import Crashed
from divere_cli.isolation.log_bridge import shortened
from divere_cli.isolation.supervisor import exit_reasons
from divere_cli.isolation.supervisor.process import WorkerProcess
from divere_cli.isolation.wire import Message, within
from divere_cli.isolation.worker.main import Order
from divere_cli.records import copies
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import End, ErrorRecord, Outcome, TaskResult
from divere_cli.records.serialize import from_plain
from divere_cli.system.memory import Usage, usage
from divere_cli.text import format_bytes, safe

SAMPLE_SECONDS = 0.05
DRAIN_SECONDS = 0.5  # another process may hold the pipes of a dead worker
KILL_SECONDS = 5.0  # after that, a process that hangs on a dead network mount is abandoned
EXIT_SECONDS = 5.0  # from the end of its message pipe to its exit; a machine may be busy
LEAVE_SECONDS = 5.0  # from its result to its exit
A_YEAR = 3.2e7  # seconds: a larger figure is an error
MOST_BYTES = 1 << 53
OVER_CAP = 1.1
NEAR_CAP = 0.9

Step = Literal["trace", "term", "kill", "abandon"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A job and the time at which the worker got it, on the monotonic clock."""

    job: Job
    limits: Limits
    taken_at: float


@dataclass(eq=False, slots=True)
class Attempt:
    """A worker; it is a spare while ``assignment`` is None. Times are monotonic seconds."""

    child: WorkerProcess
    deadline: float
    deadline_reason: exit_reasons.Reason = "boot"
    deadline_text: str = ""
    greeted: bool = False
    assignment: Assignment | None = None
    started: float | None = None
    boot_seconds: float = 0.0
    rss_start: int = 0
    sandbox: str = ""
    stage: str = ""
    last: Usage | None = None
    next_sample: float = 0.0
    end: Message | None = None
    reason: exit_reasons.Reason | None = None
    reason_text: str = ""
    steps: deque[tuple[float, Step]] = field(default_factory=deque)
    step: Step | None = None  # the last step that was taken
    exited: float = math.inf
    next_look: float = math.inf  # once it has exited: when to look at it again
    abandoned: bool = False
    dropped: int = 0
    lines_logged: int = 0
    idle_since: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether the worker has not been seen to end."""
        return self.exited == math.inf

    def about(self) -> dict[str, object]:
        """Return the fields of a log record of this worker: scan, job and attempt."""
        if self.assignment is None:
            return {"scan": "", "job_id": 0, "attempt": 0}
        job, limits = self.assignment.job, self.assignment.limits
        return {"scan": job.name, "job_id": job.id, "attempt": limits.attempt}

    def assign(self, assignment: Assignment, boot_seconds: float) -> Order:
        """Give the worker a job; return the order to send to it."""
        self.assignment = assignment
        self._until(assignment.taken_at + boot_seconds, "boot", f"{boot_seconds:g} s")
        return assignment.job, assignment.limits, assignment.taken_at

    def note_start(self, message: Message, now: float) -> None:
        """Record that the task started: its time limit counts from here."""
        assert self.assignment is not None
        wall = self.assignment.limits.wall_seconds
        self.started = now
        self.boot_seconds = within(message["boot"], A_YEAR)
        self.rss_start = int(within(message["rss"], MOST_BYTES))
        self.sandbox = safe(str(message["sandbox"]), 200)
        self._until(now + wall, "timeout", f"{wall:g} s")

    def note_end(self, message: Message, now: float) -> None:
        """Record the result or error that the worker sent; it has a moment to exit."""
        seconds, cpu = (within(message[name], A_YEAR) for name in ("seconds", "cpu"))
        peak = int(within(message["peak"], MOST_BYTES))
        source = safe(str(message["peak_source"]), 20)
        self.end = message | {"seconds": seconds, "cpu": cpu, "peak": peak, "peak_source": source}
        if self.reason is None:
            self._until(now + LEAVE_SECONDS, "silent", "")

    def expect_exit(self, now: float) -> None:
        """Record that the message pipe has ended: the worker has died, or is ended soon."""
        if self.alive and self.end is None and self.reason is None:
            self._until(now + EXIT_SECONDS, "silent", "")

    def _until(self, deadline: float, reason: exit_reasons.Reason, text: str) -> None:
        self.deadline, self.deadline_reason, self.deadline_text = deadline, reason, text

    def begin_end(
        self, reason: exit_reasons.Reason, text: str, now: float, trace: float, term: float
    ) -> None:
        """Start to end the worker in steps: a trace, SIGTERM, SIGKILL, abandoning it.

        ``trace`` and ``term`` are how long the first two steps wait; 0 leaves a step out.
        """
        if self.reason is not None and self.steps and self.steps[0][1] in ("kill", "abandon"):
            return
        self.reason, self.reason_text = reason, text
        self.deadline = math.inf
        self.sample(now)
        steps: list[tuple[float, Step]] = []
        if trace > 0:
            steps.append((now, "trace"))
        if term > 0:
            steps.append((now + trace, "term"))
        steps += [(now + trace + term, "kill"), (now + trace + term + KILL_SECONDS, "abandon")]
        self.steps, self.step = deque(steps), None

    def take_due_steps(self, now: float) -> None:
        """Take the steps of the escalation that are due."""
        while self.alive and self.steps and self.steps[0][0] <= now:
            _, self.step = self.steps.popleft()
            self._take_step(now)

    def born(self, now: float) -> None:
        """Repeat the last step of the escalation: only now the pid of the worker is known."""
        if self.alive and self.step is not None:
            self._take_step(now)

    def _take_step(self, now: float) -> None:
        match self.step:
            case "trace":
                self.child.signal(signal.SIGCONT)
                self.child.signal(signal.SIGUSR1)
            case "term":
                self.child.signal_group(signal.SIGTERM)
                self.child.signal_group(signal.SIGCONT)
            case "kill":
                self.sample(now)
                self.child.kill()
            case "abandon":
                self.abandoned = True

    def sample(self, now: float) -> None:
        """Measure the worker's memory."""
        self.next_sample = now + SAMPLE_SECONDS
        if self.alive and self.started is not None and (current := usage(self.child.pid)):
            self.last = current

    def over_cap(self) -> str:
        """Return the memory limit that the worker exceeds, as text; empty if none."""
        cap = self.assignment.limits.memory_bytes if self.assignment else None
        over = cap and self.last and self.last.anonymous > cap * OVER_CAP
        return f"its limit of {format_bytes(cap)}" if cap and over else ""

    def near_cap(self) -> bool:
        """Return whether the last sample is so near the limit that memory may have ended it."""
        cap = self.assignment.limits.memory_bytes if self.assignment else None
        return bool(cap and self.last and self.last.rss > cap * NEAR_CAP)

    def due(self) -> float:
        """Return the monotonic time of the next deadline of this worker."""
        if self.abandoned:
            return 0.0
        if not self.alive:
            return min(self.next_look, self.steps[0][0] if self.steps else math.inf)
        next_step = self.steps[0][0] if self.steps else math.inf
        sample = self.next_sample if self.started is not None else math.inf
        return min(self.deadline, next_step, sample)

    def shift(self, seconds: float) -> None:
        """Move all deadlines by the seconds that the program was suspended."""
        self.deadline += seconds
        self.idle_since += seconds
        self.steps = deque((at + seconds, step) for at, step in self.steps)

    def outcome(self, now: float, memory_was_short: bool) -> Outcome:
        """Return how the attempt ended; the process has exited or was abandoned."""
        assert self.assignment is not None
        end, result, error = self._verdict(now, memory_was_short)
        message = self.end or {}
        peak, source = self._peak(message)
        running = now - self.started if self.started is not None else 0.0
        return Outcome(
            job_id=self.assignment.job.id,
            attempt=self.assignment.limits.attempt,
            end=end,
            result=result,
            error=error,
            pid=self.child.pid,
            seconds=float(message.get("seconds", running)),
            boot_seconds=self.boot_seconds,
            cpu_seconds=float(message.get("cpu", 0.0)),
            peak_rss_bytes=peak,
            peak_source=source,
            rss_bytes_start=self.rss_start,
            begun=self.started is not None,
            sandbox=self.sandbox,
            records_dropped=self.dropped + (self.child.reader.pending > 0),
            host=platform.node(),
        )

    def _peak(self, message: Message) -> tuple[int, str]:
        if message:
            return int(message["peak"]), str(message["peak_source"])
        if self.last is not None:
            return self.last.peak, f"{self.last.peak_source}>="
        return 0, ""

    def _verdict(
        self, now: float, memory_was_short: bool
    ) -> tuple[End, TaskResult | None, ErrorRecord | None]:
        if self.end is not None:
            try:
                return self._read_end(self.end)
            except (KeyError, TypeError, ValueError) as problem:
                text = f"the worker process sent an invalid result ({problem})"
                return "lost", None, ErrorRecord("crashed", text, Crashed.default_hint)
        assert self.assignment is not None
        end, error = exit_reasons.explain(
            exit_reasons.Facts(
                reason=self.reason,
                reason_text=self.reason_text,
                started=self.started is not None,
                refused=self.child.refused,
                server_lost=self.child.server_lost,
                status=self.child.status,
                stage=self.stage,
                seconds=now - (self.started or now),
                memory_was_short=memory_was_short,
                abandoned=self.abandoned,
                detail=shortened("\n".join(self.child.lines.tail)),
            )
        )
        return end, None, error

    def _read_end(self, message: Message) -> tuple[End, TaskResult | None, ErrorRecord | None]:
        if message["end"] == "result":
            result = from_plain(TaskResult, message["result"])
            _bounded(result)
            return "result", result, None
        error = from_plain(ErrorRecord, message["error"])
        end: End | None = _ENDS.get(message["end"])
        if end is None:
            raise ValueError("an unknown end")
        kind, text, hint = (safe(each, 4000) for each in (error.kind, error.message, error.hint))
        return end, None, ErrorRecord(kind, text, hint, error.detail)


_ENDS: dict[str, End] = {"error": "error", "out_of_memory": "out_of_memory", "lost": "lost"}


def _bounded(part: object) -> None:
    """Raise ValueError where a number in a result is beyond what can be meant."""
    if isinstance(part, int | float):
        within(abs(part), MOST_BYTES)
        return
    record = copies.parts(part)
    items = part if isinstance(part, tuple) else record[1] if record is not None else ()
    for item in items:
        if item is not None and not isinstance(item, str):
            _bounded(item)
