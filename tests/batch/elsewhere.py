"""The program as on Windows, as far as Linux can play it: ``python -m tests.batch.elsewhere ARGS``.

Takes away what the system there does not have, and lets files behave as there: no
call takes a descriptor of a folder, a file that is open can be neither renamed nor
removed, ``os.rename`` replaces nothing, a line's end written without ``O_BINARY``
becomes two bytes, a listing tells no identity, locks are ``msvcrt``'s. What it cannot
play: paths with drives and backslashes, access lists, sharing with other programs.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

MODULES = ("fcntl", "termios", "resource", "pwd", "grp", "pty", "tty")
# the libraries below us have forms of their own for Windows; these are Linux's
LIBRARIES = (
    "asyncio", "click", "imagecodecs", "logging.handlers", "multiprocessing.resource_tracker",
    "numpy", "psutil", "PyOpenColorIO", "rich.console", "rich.live", "subprocess", "tempfile",
    "uuid",
)  # fmt: skip
NAMES = {
    os: """O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_NOCTTY O_SYNC O_DSYNC O_TMPFILE chown
        copy_file_range fchdir fchmod fchown fdatasync fork forkpty fpathconf fstatvfs fwalk
        get_blocking getegid geteuid getgid getgroups getloadavg getpgid getpgrp getpriority
        getsid getuid kill killpg lchown listxattr getxattr setxattr memfd_create mkfifo mknod
        nice openpty pathconf pidfd_open pipe2 posix_fadvise posix_fallocate posix_spawn
        posix_spawnp pread preadv pwrite pwritev readv register_at_fork sched_getaffinity
        sched_yield sendfile set_blocking setpgid setpriority setsid setuid splice statvfs sync
        sysconf tcgetpgrp tcsetpgrp ttyname uname wait wait3 wait4 waitid writev WNOHANG""",
    signal: """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGTTIN
        SIGTTOU SIGUSR1 SIGUSR2 SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm pthread_kill
        pthread_sigmask sigpending sigwait sigtimedwait siginterrupt setitimer pause""",
    select: "epoll",
}
O_BINARY = 1 << 30

_text: set[int] = set()


def become() -> None:
    """Make this process play Windows, for what is imported from now on."""
    for name in LIBRARIES:
        importlib.import_module(name)
    sys.modules["msvcrt"] = _msvcrt()
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in NAMES.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    os.supports_dir_fd.clear()
    os.supports_follow_symlinks &= {os.stat}
    _play_files()


def _msvcrt() -> ModuleType:
    """``msvcrt.locking`` with locks that belong to an open file, as there."""
    made = ModuleType("msvcrt")
    flock, busy, free = fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_UN

    def locking(fd: int, mode: int, count: int) -> None:
        assert os.lseek(fd, 0, os.SEEK_CUR) == 0
        assert count == 1
        try:
            flock(fd, busy if mode == 2 else free)
        except BlockingIOError as problem:
            raise PermissionError(errno.EACCES, "Permission denied") from problem

    made.locking, made.LK_NBLCK, made.LK_UNLCK = locking, 2, 0  # type: ignore[attr-defined]
    return made


def _play_files() -> None:
    os.O_BINARY = O_BINARY  # type: ignore[attr-defined]
    for name in ("stat", "mkdir", "unlink", "link", "utime", "rename", "replace"):
        setattr(os, name, _without_descriptors(getattr(os, name)))
    _play_text()
    _play_sharing()
    scandir = os.scandir
    os.scandir = lambda path=".": Listing(scandir(path))  # type: ignore[assignment,misc]


def _without_descriptors(call: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **how: Any) -> Any:
        for name in ("dir_fd", "src_dir_fd", "dst_dir_fd"):
            if how.get(name) is not None:
                raise NotImplementedError(f"{name} unavailable on this platform")
        return call(*args, **how)

    return called


def _play_text() -> None:
    opened, written, read, closed = os.open, os.write, os.read, os.close

    def open_(path: Any, flags: int, mode: int = 0o777) -> int:
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        fd = opened(path, flags & ~O_BINARY, mode)
        if not flags & O_BINARY:
            _text.add(fd)
        return fd

    def write(fd: int, data: Any) -> int:
        if fd not in _text:
            return written(fd, data)
        written(fd, bytes(data).replace(b"\n", b"\r\n"))
        return len(data)

    def read_(fd: int, count: int) -> bytes:
        data = read(fd, count)
        return data.replace(b"\r\n", b"\n") if fd in _text else data

    def close(fd: int) -> None:
        _text.discard(fd)
        closed(fd)

    os.open, os.write, os.read, os.close = open_, write, read_, close  # type: ignore[assignment]


def _play_sharing() -> None:
    rename, replace, unlink = os.rename, os.replace, os.unlink

    def renamed(old: Any, new: Any) -> None:
        _refuse_open(old)
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), old, None, new)
        rename(old, new)

    def replaced(old: Any, new: Any) -> None:
        _refuse_open(old)
        _refuse_open(new)
        replace(old, new)

    def removed(path: Any) -> None:
        _refuse_open(path)
        unlink(path)

    os.rename, os.replace = renamed, replaced
    os.unlink = os.remove = removed  # type: ignore[assignment]


def _refuse_open(path: Any) -> None:
    """Raise as Windows does for a file that is open without leave to remove it."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            held = os.fstat(fd)
        except OSError:
            continue  # the listing's own
        if (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino):
            raise PermissionError(errno.EACCES, "used by another process", path)


class Listing:
    """``os.scandir`` whose entries tell no identity, as there."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __iter__(self) -> Iterator[_Entry]:
        return map(_Entry, self._real)

    def __next__(self) -> _Entry:
        return _Entry(next(self._real))

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def close(self) -> None:
        self._real.close()


class _Entry:
    def __init__(self, real: os.DirEntry[str]) -> None:
        self._real = real

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found = self._real.stat(follow_symlinks=follow_symlinks)
        fields = list(found)
        fields[1] = fields[2] = 0  # number and device
        return os.stat_result(fields)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __fspath__(self) -> str:
        return self._real.path


def main() -> int:
    become()
    opening = importlib.import_module("divere_cli.isolation.factory")
    places = importlib.import_module("divere_cli.files.directory")
    assert not places.BY_DESCRIPTOR
    assert not opening.POSIX
    places._RENAME_REFUSES = True
    importlib.import_module("divere_cli.develop.scan")
    importlib.import_module("divere_cli.batch.run")
    return int(importlib.import_module("divere_cli.cli").main())


if __name__ == "__main__":
    sys.exit(main())
