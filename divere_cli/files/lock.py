"""A kernel lock that allows one run per output folder, and ends with its process.

Covers taking ``OUTPUT/.divere-lock``, with or without waiting. Not covered: stale locks,
which cannot exist: the kernel removes the lock of a dead process. The descriptor is not inherited,
so that no worker can keep it.
"""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
from collections.abc import Callable

from divere_cli.errors import OutputLocked, OutputUnusable
from divere_cli.files import directory
from divere_cli.files.output_folder import Folder

NAME = ".divere-lock"
_FLOCK = importlib.util.find_spec("fcntl") is not None  # Windows locks bytes of a file instead
_POLL_SECONDS = 0.25


class Lock:
    """A lock, held until :meth:`release` or the end of the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(
        cls, folder: Folder, *, create: bool, pause: Callable[[float], bool] | None
    ) -> Lock | None:
        """Take the lock; return None if the lock file is absent and not ``create``.

        While another run holds the lock, ``pause(seconds)`` is called between tries; it returns
        False to stop waiting. None does not wait at all.

        Raises
        ------
        OutputLocked
            Another run holds OUTPUT.
        OutputUnusable
            The file cannot be created, or the file system has no locks.
        """
        fd = _open(folder, create=create)
        if fd is None:
            return None
        try:
            while not _try(fd, folder.path):
                if pause is None or not pause(_POLL_SECONDS):
                    raise OutputLocked(f"another run holds OUTPUT '{folder.path}'")
        except BaseException:
            os.close(fd)
            raise
        return cls(fd)

    def release(self) -> None:
        """Release the lock."""
        if not _FLOCK:
            _region(self._fd, "LK_UNLCK")
        os.close(self._fd)


def _open(folder: Folder, *, create: bool) -> int | None:
    try:
        return directory.open_regular(folder.handle, NAME, os.O_RDWR)
    except FileNotFoundError:
        if not create:
            return None
    except OSError as problem:
        raise _unusable(folder.path, problem) from problem
    try:
        return folder.handle.open(NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return _open(folder, create=False)
    except OSError as problem:
        raise _unusable(folder.path, problem) from problem


def _try(fd: int, path: str) -> bool:
    try:
        _hold(fd)
    except BlockingIOError:
        return False
    except OSError as problem:
        if problem.errno == errno.EACCES:  # emulated locks report another holder this way
            return False
        raise OutputUnusable(
            f"OUTPUT '{path}' cannot be locked: {problem.strerror}",
            hint="two runs at once could spoil each other here: use a local folder, "
            "or mount the share with locks",
        ) from problem
    return True


def _hold(fd: int) -> None:
    if _FLOCK:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        _region(fd, "LK_NBLCK")


def _region(fd: int, how: str) -> None:
    msvcrt = importlib.import_module("msvcrt")
    os.lseek(fd, 0, os.SEEK_SET)
    msvcrt.locking(fd, getattr(msvcrt, how), 1)


def _unusable(path: str, problem: OSError) -> OutputUnusable:
    return OutputUnusable(
        f"OUTPUT '{path}' cannot be written: {problem.strerror}",
        hint="name a folder that you may write",
    )
