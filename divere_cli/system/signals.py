"""INT, TERM, HUP and Ctrl-Z as values that a loop can check.

Covers: handlers that only record the signal, a descriptor that wakes a selector, and stopping and
continuing together with the workers. Not covered: the reaction to a signal, which ``batch``
decides; nothing is ended here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_active: list[StopRequest] = []


@dataclass(slots=True, eq=False)
class StopRequest:
    """The signals that requested a stop, in order of arrival.

    ``arrived`` has the monotonic time at which each number came first. ``suspended`` is
    set by Ctrl-Z until :func:`suspend` has obeyed it.
    """

    received: list[int] = field(default_factory=list)
    arrived: dict[int, float] = field(default_factory=dict)
    suspended: bool = False
    _waker: tuple[socket.socket, socket.socket] | None = None

    def fileno(self) -> int:
        """Return a descriptor that is readable after a signal; -1 if signals are not watched."""
        return self._waker[0].fileno() if self._waker else -1

    def drain(self) -> None:
        """Read the descriptor empty."""
        if self._waker:
            with contextlib.suppress(BlockingIOError):
                while self._waker[0].recv(4096):
                    pass


def active() -> StopRequest | None:
    """Return the request of the current :func:`watch`; None outside of one."""
    return _active[0] if _active else None


@contextlib.contextmanager
def watch() -> Iterator[StopRequest]:
    """Record INT, TERM and HUP, instead of dying from them, while the block runs.

    A signal that was ignored before (``nohup``) stays ignored. Outside the main
    thread, where Python allows no handlers, nothing is noted. Where one ``watch`` runs
    inside another (a batch inside the service), both are one request: a signal that comes
    before the inner one begins or after it looked for the last time is seen by whoever
    looks next.
    """
    if threading.current_thread() is not threading.main_thread():
        yield StopRequest()
        return
    if _active:
        yield _active[0]
        return
    request = StopRequest()
    with contextlib.ExitStack() as stack:
        reading, writing = socket.socketpair()
        stack.callback(reading.close)
        stack.callback(writing.close)
        reading.setblocking(False)
        writing.setblocking(False)
        request._waker = (reading, writing)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        stack.callback(signal.set_wakeup_fd, before)
        _active.append(request)
        stack.callback(_active.remove, request)
        for name in STOPPING:
            _handle(stack, name, _note)
        _handle(stack, "SIGTSTP", lambda _number, _: setattr(request, "suspended", True))
        yield request


def _note(number: int, _frame: FrameType | None) -> None:
    for request in _active:
        request.received.append(number)
        request.arrived.setdefault(number, time.monotonic())


def _handle(
    stack: contextlib.ExitStack, name: str, handler: Callable[[int, FrameType | None], object]
) -> None:
    number = getattr(signal, name, None)
    if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):
        return
    stack.callback(signal.signal, number, signal.signal(number, handler))


def suspend(request: StopRequest, groups: list[int]) -> float:
    """Handle Ctrl-Z: stop the process groups, then this process; continue both later.

    Returns the seconds that passed meanwhile, to be added to deadlines.

    Parameters
    ----------
    request : StopRequest
        The watched signals.
    groups : list of int
        Process groups of the workers.
    """
    request.suspended = False
    began = time.monotonic()
    _signal_groups(groups, signal.SIGSTOP)
    ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        os.kill(os.getpid(), signal.SIGTSTP)  # by default, so that an orphaned group ignores it
    finally:
        signal.signal(signal.SIGTSTP, ours)
        _signal_groups(groups, signal.SIGCONT)
    return time.monotonic() - began


def _signal_groups(groups: list[int], number: int) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
