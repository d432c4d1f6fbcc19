"""Finds and ends processes that a crashed worker had started.

A worker is the subreaper of what it starts, so as long as it lives its descendants are below it.
When it crashes they become this process's children, on Linux. A mark in their environment
distinguishes them from other processes. Not found: under ``fork``, a process that was forked, did
not exec, and then made its own session.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

import psutil

from divere_cli.isolation.supervisor import launch
from divere_cli.isolation.supervisor.server import servers
from divere_cli.isolation.worker import hardening

_adopters: list[bool] = []  # first: whether we were a subreaper before any runner
ours: set[int] = set()  # pids of running workers, of all runners of this process

EXEC_SECONDS = 10.0  # a process in the middle of an exec has no environment for a moment
REAP_SECONDS = 0.5
_PR_GET_CHILD_SUBREAPER = 37
_STATE, _ENV_END = 0, 48  # of /proc/PID/stat, counted from the name; 0 until an exec is over


def adopt() -> None:
    """Become the parent of orphans while a runner of this process is open (Linux)."""
    if hardening.LINUX and not _adopters:
        was = ctypes.c_int(0)
        ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(was), 0, 0, 0)
        _adopters.append(bool(was.value))
        hardening.adopt_orphans()
    _adopters.append(True)


def disown() -> None:
    """Undo one :func:`adopt`; the last one restores the state of this process."""
    _adopters.pop()
    if hardening.LINUX and len(_adopters) == 1 and not _adopters.pop():
        hardening.prctl(hardening.PR_SET_CHILD_SUBREAPER, 0)


def sweep(group: int) -> list[int]:
    """End the processes that a dead worker left behind; return their pids.

    Parameters
    ----------
    group : int
        Process group of the worker.
    """
    expected = ours | set(servers)
    ended = []
    for child in psutil.Process().children():  # the kernel's list can miss some while others end
        pid = child.pid
        if pid not in expected and (_group_of(pid) == group or _is_marked(pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            reap(pid)
            ended.append(pid)
    return ended


def reap(pid: int) -> None:
    """Wait for the end of a child, or of a process that becomes one when its parent dies.

    Parameters
    ----------
    pid : int
        Number of the process.
    """
    deadline = time.monotonic() + REAP_SECONDS  # not for ever: it may wait for a dead drive
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
        except ChildProcessError:
            if not psutil.pid_exists(pid):
                return
        time.sleep(0.001)


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
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        in_exec = fields[_STATE] != b"Z" and fields[_ENV_END] == b"0"
        if environment or not in_exec or time.monotonic() > deadline:
            return mark in environment.split(b"\0")
        time.sleep(0.001)
