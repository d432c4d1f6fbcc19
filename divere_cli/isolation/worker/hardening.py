"""Measures that a worker applies to itself before it opens a scan. Runs in the worker.

Covers its process group, termination together with the supervisor, signals, limits of
memory and CPU, and being the kernel's first choice when memory runs out. Each measure is
applied on systems that support it; a scan can succeed without any of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import logging
import os
import select
import signal
import sys
import threading

from divere_cli.records.job import Limits
from divere_cli.system.memory import usage

log = logging.getLogger(__name__)

HELD = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]
LINUX = sys.platform == "linux"
ORPHANED = 113  # exit code of a worker whose supervisor is gone
THREAD_DATA = 10 << 20  # bytes of VmData of one more thread: its stack and arena
LEAST_DATA = 16 << 20
OOM_SCORE = 500
OPEN_FILES = 256
CPU_PER_WALL = 2.0  # CPU seconds allowed per thread and wall second: a last resort
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def own_group() -> None:
    """Lead a process group, so that child processes can be ended together with this one."""
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setpgid(0, 0)


def plain_signals() -> None:
    """Ignore Ctrl-C (the supervisor handles it); let SIGTERM end this process even in C code."""
    signal.set_wakeup_fd(-1)
    forget_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)


def forget_signals() -> None:
    """Discard signals sent to the supervisor's group while this process was still in it.

    The signals in :data:`HELD` are blocked when a worker starts. Ignoring one discards it.
    """
    for number in HELD:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in HELD:
        signal.signal(number, signal.SIG_DFL)


def die_with_parent(expected: int | None) -> None:
    """Let the kernel kill this process when its parent ends (Linux).

    This also works inside C code that holds the GIL, and while the process is stopped.

    Parameters
    ----------
    expected : int or None
        Process id of the parent, if known; if the parent is already gone, exit.
    """
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if expected is not None and os.getppid() != expected:
        os._exit(ORPHANED)


def watch_parent(line: int) -> None:
    """Exit when the supervisor is gone; portable, and without the race of the kernel's method.

    Parameters
    ----------
    line : int
        A pipe whose other end only the supervisor has.
    """

    def leave() -> None:
        poll = select.poll()
        poll.register(line, 0)  # the end of a pipe is always reported
        while not any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll()):
            pass
        os._exit(ORPHANED)

    try:
        threading.Thread(target=leave, name="watch-parent", daemon=True).start()
    except RuntimeError:  # no more threads; on Linux the kernel ends this process
        log.debug("no thread to watch the supervisor")


def adopt_orphans() -> bool:
    """Become the parent of orphaned descendants, so that they can be found (Linux)."""
    return prctl(PR_SET_CHILD_SUBREAPER, 1)


def prctl(option: int, value: int) -> bool:
    """Call Linux's prctl(2) with one argument; return False if it is refused or missing.

    Parameters
    ----------
    option : int
        Number of the call.
    value : int
        Its argument.
    """
    if not LINUX:
        return False
    return bool(_libc().prctl(option, value, 0, 0, 0) == 0)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def offer_to_oom_killer() -> None:
    """Let the kernel kill this process before the supervisor when memory runs out (Linux)."""
    try:
        with open("/proc/self/oom_score_adj", "r+b", buffering=0) as file:
            if int(file.read()) < OOM_SCORE:
                file.write(b"%d" % OOM_SCORE)
    except (OSError, ValueError):
        log.debug("oom_score_adj cannot be set here")


def limit(limits: Limits, threads: int) -> None:
    """Set the hard limits of one attempt; none of them can be raised again.

    Parameters
    ----------
    limits : Limits
        Limits of the attempt.
    threads : int
        Threads of the worker.
    """
    if not hasattr(os, "fork"):
        return
    limit_cpu(limits.wall_seconds * CPU_PER_WALL * max(1, threads))
    limit_memory(limits.memory_bytes, threads)
    if limits.file_bytes is not None:
        _lower("RLIMIT_FSIZE", limits.file_bytes)  # beyond it a write fails, SIGXFSZ is ignored
    _lower("RLIMIT_NOFILE", OPEN_FILES)


def _lower(name: str, soft: int, spare: int = 0) -> None:
    """Set a soft limit, and a hard one ``spare`` above it, unless lower ones are in effect."""
    import resource

    resource_id = getattr(resource, name)
    _, hard = resource.getrlimit(resource_id)
    if hard == resource.RLIM_INFINITY or hard > soft + spare:
        hard = soft + spare
    resource.setrlimit(resource_id, (min(soft, hard), hard))


def limit_memory(total: int | None, threads: int) -> None:
    """Limit the memory of this process: beyond it, allocations raise MemoryError.

    RLIMIT_DATA on Linux: it counts what is allocated, not read-only maps of files, and
    unlike RLIMIT_AS leaves memory maps and thread arenas alone. Elsewhere the
    supervisor's samples are the only check.

    Parameters
    ----------
    total : int or None
        Bytes; None for no limit.
    threads : int
        Threads of the worker.
    """
    now = usage()
    if total is None or not LINUX or now is None:
        return
    allowance = max(LEAST_DATA, total - now.rss) + threads * THREAD_DATA
    _lower("RLIMIT_DATA", now.data + allowance)


def limit_cpu(seconds: float) -> None:
    """Let the kernel end this process after a given CPU time.

    Parameters
    ----------
    seconds : float
        CPU seconds from now.
    """
    import resource

    spent = resource.getrusage(resource.RUSAGE_SELF)
    _lower("RLIMIT_CPU", int(spent.ru_utime + spent.ru_stime + seconds) + 1, spare=5)


def leave_no_core() -> None:
    """Disable core files: one would contain the scan and be as large as it."""
    _lower("RLIMIT_CORE", 0)


def end_descendants() -> None:
    """Kill processes started by this one that still run (Linux, as their subreaper)."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:  # the usual case, at a tenth of the cost of reading /proc
        return
    for pid in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Return all descendants of a process, nearest first; none if /proc cannot be read.

    Parameters
    ----------
    pid : int
        Number of the process.
    """
    pids: list[int] = []
    queue = [pid]
    while queue:
        child_pids = children(queue.pop(0))
        pids += child_pids
        queue += child_pids
    return pids


def children(pid: int) -> list[int]:
    """Return the children of a process; none if /proc cannot be read.

    Parameters
    ----------
    pid : int
        Number of the process.
    """
    pids: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                pids += [int(word) for word in file.read().split()]
    except OSError:  # ended meanwhile, or a kernel without the list
        return pids
    return pids
