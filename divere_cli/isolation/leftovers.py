"""Processes that a worker started and left when it crashed: found and ended.

A worker is the subreaper of what it starts, so as long as it lives its descendants are
below it. When it crashes they become this process's children, on Linux. They carry our
mark in their environment, which is what tells them from anyone else's. Missed: under
``fork``, what was forked, not executed, and then made its own session.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from divere_cli.isolation import guard, launch

ours: set[int] = set()  # workers in work, of all runners of this process

EXEC_SECONDS = 0.1  # a process in the middle of an exec has no environment for a moment
_PR_GET_CHILD_SUBREAPER = 37


def adopt() -> bool:
    """Become the parent of orphans; whether this process was that already."""
    if sys.platform != "linux":
        return True
    was = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(was), 0, 0, 0)
    guard.adopt_orphans()
    return bool(was.value)


def disown(was: bool) -> None:
    """Undo :func:`adopt`, unless it changed nothing."""
    if not was:
        guard.prctl(guard.PR_SET_CHILD_SUBREAPER, 0)


def sweep(group: int) -> list[int]:
    """End and reap what the dead worker ``group`` left to us; the pids that were ended."""
    known = ours | {pid for pid in (launch.server_pid(), launch.tracker_pid()) if pid}
    ended = []
    for child in psutil.Process().children():  # the kernel's own list misses some while others end
        pid = child.pid
        if pid not in known and (_group_of(pid) == group or _is_marked(pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            ended.append(pid)
    return ended


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return -1


def _is_marked(pid: int) -> bool:
    mark = f"{launch.TOKEN_NAME}={launch.TOKEN}".encode()
    deadline = time.monotonic() + EXEC_SECONDS
    while True:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        except OSError:
            return False
        if environment or state == b"Z" or time.monotonic() > deadline:
            return mark in environment.split(b"\0")
        time.sleep(0.001)
