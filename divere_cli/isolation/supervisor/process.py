"""One worker process, seen by its supervisor: its pipes, its messages, whether it is alive.

Covers reading without blocking and in limited portions, sending its job, signals to it and to its
group, and proving that it is gone. No policy: when to do what is :mod:`.event_loop`'s.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import psutil

from divere_cli.isolation.log_bridge import shortened
from divere_cli.isolation.runner import StartMethod
from divere_cli.isolation.supervisor import orphans
from divere_cli.isolation.supervisor.launch import Launched
from divere_cli.isolation.wire import FrameReader, Message, encode_order
from divere_cli.isolation.worker import hardening
from divere_cli.isolation.worker.forkserver import EXIT, PID, TOLD

PORTION = 256 * 1024  # bytes taken from one pipe in one pass of the loop
CHUNK = 64 * 1024
LINE_LIMIT = 4096
TAIL_LINES = 200
Pipe = Literal["frames", "output", "orders", "status_pipe", "pidfd"]
PIPES: tuple[Pipe, ...] = ("frames", "output", "orders", "status_pipe", "pidfd")

_TRACE = re.compile(r"Fatal Python error|(Current thread|Thread) 0x|Stack \(most recent call")
_IN_TRACE = re.compile(r"\s+File |\s*$|\s+\.\.\.|Extension modules:|Current |Thread |<")


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a worker printed; ``trace`` when it is part of a faulthandler dump."""

    text: str
    trace: bool


class OutputLines:
    """Splits the output of a worker into lines; keeps the last ones for the error's detail."""

    def __init__(self) -> None:
        self._partial = b""
        self._in_trace = False
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def feed(self, data: bytes) -> list[Line]:
        """Add ``data``; return the complete lines. An endless line is cut at LINE_LIMIT bytes."""
        *lines, partial = (self._partial + data).split(b"\n")
        while len(partial) > LINE_LIMIT:
            lines.append(partial[:LINE_LIMIT])
            partial = partial[LINE_LIMIT:]
        self._partial = partial
        return [self._line(line) for line in lines if line.strip()]

    def end(self) -> list[Line]:
        """Return the last line, if it had no end."""
        partial, self._partial = self._partial, b""
        return [self._line(partial)] if partial.strip() else []

    def _line(self, raw: bytes) -> Line:
        text = shortened(raw.decode("utf-8", "backslashreplace").rstrip("\r"), LINE_LIMIT)
        self._in_trace = bool(_TRACE.match(text) or (self._in_trace and _IN_TRACE.match(text)))
        self.tail.append(text)
        return Line(text, self._in_trace)


@dataclass(eq=False, slots=True)
class WorkerProcess:
    """A worker process and this side of its pipes. Descriptors are -1 once closed.

    ``pid`` is 0 until the forkserver has told it. ``status`` is the exit code, minus the
    signal that ended it; None as long as nobody told, and for good when the forkserver
    ended before it could. ``refused`` says why there is no process.
    """

    launched: Launched
    method: StartMethod
    frames: int
    output: int
    orders: int
    status_pipe: int
    pid: int = 0
    pidfd: int = -1
    reader: FrameReader = field(default_factory=FrameReader)
    lines: OutputLines = field(default_factory=OutputLines)
    unsent: bytes = b""
    status: int | None = None
    refused: str = ""
    _numbers: bytes = b""

    @classmethod
    def of(cls, launched: Launched, method: StartMethod) -> WorkerProcess:
        """Take over a process that was just started."""
        pipes = (launched.frames, launched.output, launched.orders, launched.status)
        for descriptor in pipes:
            os.set_blocking(descriptor, False)
        child = cls(launched, method, *pipes)
        if launched.pid:
            child._set_pid(launched.pid)
        return child

    @property
    def server_lost(self) -> bool:
        """Whether its exit status is unknown because its forkserver died or does not respond."""
        return self.method == "forkserver" and self.status is None

    @property
    def server_ended(self) -> bool:
        """Whether the forkserver that started it has ended."""
        server = self.launched.server
        return server is not None and server.ended()

    def descriptors(self) -> list[int]:
        """Return all open descriptors of this child on this side."""
        descriptors = [self.frames, self.output, self.orders, self.status_pipe, self.pidfd]
        return [fd for fd in descriptors if fd >= 0]

    def _set_pid(self, pid: int) -> None:
        self.pid = pid
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self.pidfd = os.pidfd_open(pid)

    def read_status(self) -> bool:
        """Read the status pipe: the pid, then the exit status; return whether it has ended."""
        data, ended = _read(self.status_pipe)
        if self.method != "forkserver":
            return ended  # the pipe is the worker's own: only its end is a message
        self._numbers += data
        while len(self._numbers) >= TOLD.size:
            about, number = TOLD.unpack_from(self._numbers)
            self._numbers = self._numbers[TOLD.size :]
            if about == PID:
                self._set_pid(number)
            elif about == EXIT:
                self.status = number
            else:
                self.refused = os.strerror(number)
        server = self.launched.server
        if ended and self.status is None and not self.refused and server is not None:
            server.end("", kill=False)  # the pipe ended with the server: it has ended, or will soon
        if ended and not self.pid and not self.refused:
            fault = f"the process that starts the workers {server.fault if server else 'is gone'}"
            self.refused = fault if self.status is None else "it ended before it was a worker"
        return ended

    def read_frames(self) -> tuple[Iterator[Message], bool]:
        """Return messages that came, at most a portion, and whether the pipe has ended.

        Raises
        ------
        FrameError
            While iterating, after all complete messages: the worker sent an invalid one.
        """
        data, ended = _read(self.frames)
        return self.reader.feed(data), ended

    def read_output(self) -> tuple[list[Line], bool]:
        """Return lines that it printed, at most a portion, and whether the pipe has ended."""
        data, ended = _read(self.output)
        lines = self.lines.feed(data)
        return lines + self.lines.end() if ended else lines, ended

    def send(self, order: object) -> bool:
        """Queue the worker's order; return whether all of it was sent."""
        self.unsent += encode_order(order)
        return self.flush()

    def flush(self) -> bool:
        """Send the rest; return True if nothing is left, or the worker reads no more."""
        try:
            while self.unsent:
                self.unsent = self.unsent[os.write(self.orders, self.unsent) :]
        except BlockingIOError:
            return False
        except OSError:  # it died; the sentinel tells
            self.unsent = b""
        return True

    def note_end(self) -> None:
        """Record that the process ended, with its exit status if it is known."""
        if self.status is None and self.method != "forkserver":
            with contextlib.suppress(ChildProcessError):
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def has_ended(self) -> bool:
        """Return whether the process has certainly ended."""
        if self.refused or (self.status is not None and not self.server_lost):
            return True
        if self.pidfd >= 0:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            return bool(poll.poll(0))
        return not self.pid or not psutil.pid_exists(self.pid)

    def signal(self, number: int) -> None:
        """Signal the worker alone."""
        if not self.pid or self.status is not None:
            return  # there is none, or its pid may belong to another process by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.pidfd >= 0:
                signal.pidfd_send_signal(self.pidfd, number)
            else:
                os.kill(self.pid, number)

    def signal_group(self, number: int) -> None:
        """Signal the worker and its descendants that stayed in its group."""
        if not self.pid:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        self.signal(number)  # the worker has not made its group yet

    def kill(self) -> None:
        """Send SIGKILL to the worker and all its descendants, also those in other groups."""
        if not self.pid:
            return
        self.signal(signal.SIGSTOP)  # so that it starts no more of them
        below = hardening.descendants(self.pid)
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self.signal_group(signal.SIGKILL)

    def close(self, name: Pipe) -> None:
        """Close one descriptor."""
        descriptor = getattr(self, name)
        setattr(self, name, -1)
        if descriptor >= 0:
            os.close(descriptor)

    def release(self) -> None:
        """Close everything; the process has ended or is abandoned."""
        if self.server_lost and self.pid:  # its forkserver died, so this process has to reap it
            orphans.reap(self.pid)
        for name in PIPES:
            self.close(name)


def _read(descriptor: int) -> tuple[bytes, bool]:
    """Return at most a portion of the available bytes, and whether the pipe has ended."""
    parts: list[bytes] = []
    size = 0
    while size < PORTION:
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            break
        if not data:
            return b"".join(parts), True
        parts.append(data)
        size += len(data)
    return b"".join(parts), False
