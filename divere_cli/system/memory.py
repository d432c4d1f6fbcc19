"""Memory: how much this process may use, and how much it and other processes use now.

Covers MemAvailable, the limits of every cgroup above us (version 1 and 2), peaks and how they are
reset. Not covered: decisions about it, which ``batch`` makes. It runs before each scan, so paths
are plain text: ``pathlib`` takes three times as long, and more memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os.path import exists, isdir, join

import psutil

LINUX = sys.platform == "linux"
_STATUS, _SMAPS = _HELD = ("/proc/self/status", "/proc/self/smaps_rollup")
_open_files: dict[str, int] = {}
_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a page-rounded 2**63


@dataclass(frozen=True, slots=True)
class Available:
    """Bytes that can be used now, and the limit that decides.

    ``source`` is ``system`` or the path of the cgroup that is tightest.
    """

    bytes: int
    source: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory of one process in bytes; ``peak_source`` tells how the peak was measured."""

    rss: int
    peak: int
    peak_source: str
    anonymous: int = 0
    data: int = 0


def available(root: str = "/") -> Available:
    """Return the free memory: the least that the system and the cgroups of this process allow.

    ``root`` is the folder that has ``proc`` and ``sys``.

    Parameters
    ----------
    root : str, default '/'
        Folder that has ``proc`` and ``sys``; another one in tests.
    """
    best = Available(_system_available(root), "system")
    for folder, limit, used in _cgroups(root):
        free = max(0, limit - used)
        if free < best.bytes:
            best = Available(free, folder)
    _latest[root] = time.monotonic(), best
    return best


def lately_available() -> Available:
    """Return the free memory now, or a result of :func:`available` from moments ago.

    It is for checks in a row: small scans start every few milliseconds, and a worker that has just
    started does not have its memory yet. A look at meminfo and the cgroups takes 0.12 ms.
    """
    measured_at, latest = _latest.get("/", (-math.inf, None))
    if latest is None or time.monotonic() - measured_at > _LATELY_SECONDS:
        return available()
    return latest


_LATELY_SECONDS = 0.05
_latest: dict[str, tuple[float, Available]] = {}  # by root: when it was asked for last


def oom_kills(root: str = "/") -> int:
    """Return how often the kernel killed a process for memory, in our cgroups or on the machine.

    Parameters
    ----------
    root : str, default '/'
        Folder that has ``proc`` and ``sys``; another one in tests.
    """
    total = _counter(join(root, "proc/vmstat"), "oom_kill")
    for folder in cgroup_folders("memory", root):
        for name in ("memory.events", "memory.oom_control"):
            total += _counter(join(folder, name), "oom_kill")
    return total


def hold() -> None:
    """Keep the status files of this process open: a confined process cannot open them (Linux)."""
    for name in _HELD if LINUX else ():
        with contextlib.suppress(OSError):
            _open_files[name] = os.open(name, os.O_RDONLY | os.O_CLOEXEC)


def held_descriptors() -> tuple[int, ...]:
    """Return the descriptors that :func:`hold` opened."""
    return tuple(_open_files.values())


def usage(pid: int | None = None) -> Usage | None:
    """Return the memory of a process; None if it has ended or is a zombie.

    Parameters
    ----------
    pid : int, optional
        Number of the process; this one when absent.
    """
    if LINUX:
        return _linux_usage("self" if pid is None else str(pid))
    return _other_usage(pid)


def private_bytes() -> int:
    """Return the memory of this process without shared pages (Linux); 0 if unknown."""
    names = ("Private_Clean:", "Private_Dirty:")
    return sum(_counter("/proc/self/smaps_rollup", name) for name in names) * 1024


def reset_peak() -> bool:
    """Reset the peak of this process to its current memory; return False if not supported.

    Linux since 4.0 (``clear_refs``, value 5); costs below a millisecond.
    """
    if not LINUX:
        return False
    try:
        with open("/proc/self/clear_refs", "wb") as file:
            file.write(b"5")
    except OSError:
        return False
    return True


def trim_heap() -> None:
    """Return memory that is free inside the C library to the system (glibc)."""
    if trim := _malloc_trim():
        trim(0)


@functools.cache  # used for each scan; a process stays in its cgroup
def cgroup_folders(controller: str, root: str = "/") -> tuple[str, ...]:
    """Return the folders of our cgroup and of each of its ancestors, for one controller.

    Parameters
    ----------
    controller : str
        Name of the controller, such as ``memory``.
    root : str, default '/'
        Folder that has ``proc`` and ``sys``; another one in tests.
    """
    return tuple(_cgroup_folders(controller, root))


def _cgroup_folders(controller: str, root: str) -> Iterator[str]:
    top = join(root, "sys/fs/cgroup")
    for line in _text(join(root, "proc/self/cgroup")).splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            bases = [top, join(top, "unified")]
        elif controller in controllers.split(","):
            bases = [join(top, controllers), join(top, controller)]
        else:
            continue
        base = next((b for b in bases if isdir(b)), None)
        if base is not None:
            yield from _ancestors(base, path)


def _ancestors(base: str, path: str) -> Iterator[str]:
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for count in range(len(parts), -1, -1):
        folder = join(base, *parts[:count])
        if isdir(folder):  # inside a container the path may be the host's
            yield folder


@functools.cache  # the version of a cgroup does not change; its limits may
def _limit_files(folder: str) -> tuple[str, ...]:
    first = join(folder, "memory.limit_in_bytes")
    if exists(first):
        return (first,)
    return join(folder, "memory.max"), join(folder, "memory.high")


def _cgroups(root: str) -> Iterator[tuple[str, int, int]]:
    for folder in cgroup_folders("memory", root):
        limits = [_number(path) for path in _limit_files(folder)]
        finite = [limit for limit in limits if limit is not None and limit < _UNLIMITED]
        if not finite:
            continue
        used = _number(join(folder, "memory.current"))
        if used is None:
            used = _number(join(folder, "memory.usage_in_bytes")) or 0
        stat = _text(join(folder, "memory.stat"))
        cache = _count(stat, "total_inactive_file") or _count(stat, "inactive_file")
        yield folder, min(finite), max(0, used - cache)


def _system_available(root: str) -> int:
    kilobytes = _counter(join(root, "proc/meminfo"), "MemAvailable:")
    return kilobytes * 1024 if kilobytes else int(psutil.virtual_memory().available)


def _linux_usage(pid: str) -> Usage | None:
    text = _read_open(_STATUS) if pid == "self" else b""
    try:
        if not text:
            with open(f"/proc/{pid}/status", "rb") as file:
                text = file.read()
    except OSError:
        return None
    fields: dict[bytes, int] = {}
    for line in text.splitlines():
        name, _, value = line.partition(b":")
        if name in (b"VmHWM", b"VmRSS", b"RssAnon", b"RssShmem", b"VmData"):
            fields[name] = int(value.split()[0]) * 1024
    if b"VmRSS" not in fields:
        return None
    rss = fields[b"VmRSS"]
    return Usage(
        rss=rss,
        peak=max(rss, fields.get(b"VmHWM", 0)),
        peak_source="vmhwm",
        anonymous=fields.get(b"RssAnon", rss) + fields.get(b"RssShmem", 0),
        data=fields.get(b"VmData", 0),
    )


def _other_usage(pid: int | None) -> Usage | None:
    try:
        info = psutil.Process(pid).memory_info()
    except psutil.Error:
        return None
    rss = int(info.rss)
    if hasattr(info, "peak_wset"):
        return Usage(rss, int(info.peak_wset), "peak_wset", rss)
    if pid is None or pid == os.getpid():
        import resource

        return Usage(rss, int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), "maxrss", rss)
    return Usage(rss, rss, "maxrss", rss)


def _read_open(name: str) -> bytes:
    """Return the current content of a file that :func:`hold` keeps open."""
    return os.pread(_open_files[name], 1 << 16, 0) if name in _open_files else b""


def _text(path: str) -> str:
    if data := _read_open(path):
        return data.decode("ascii", "replace")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return ""
    try:  # without the layers of a file object: this is asked for each scan
        data = b""
        while part := os.read(descriptor, 1 << 16):
            data += part
        return data.decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _number(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _counter(path: str, name: str) -> int:
    return _count(_text(path), name)


def _count(text: str, name: str) -> int:
    """Return the number that follows a name at the beginning of a line; 0 without one."""
    match = _line(name).search(text)
    return int(match[1]) if match else 0


@functools.cache
def _line(name: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(name)}[ \t]+(\d+)\b", re.MULTILINE | re.ASCII)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    if LINUX:
        return getattr(ctypes.CDLL(None), "malloc_trim", None)
    return None
