"""OUTPUT held open: every name in it is reached from one descriptor, and no link is followed.

Covers opening and making OUTPUT and its sub-folders, looking at names in it, and
noticing that it is gone. What it does not: what is written there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from divere_cli.batch import durable
from divere_cli.errors import OutputError, OutputUnusable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def split(name: str) -> tuple[str, str]:
    """Split ``a/b/c.tif`` into folder ``a/b`` and ``c.tif``."""
    folder, _, last = name.rpartition("/")
    return folder, last


class Folder:
    """OUTPUT, open for as long as a run lasts."""

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self.fd = fd

    @classmethod
    def open(cls, path: str, *, create: bool) -> Folder | None:
        """Open OUTPUT; make it and its parents when ``create``, else None where it is absent.

        Raises
        ------
        OutputUnusable
            It is no folder, cannot be made, or cannot be written.
        """
        try:
            if create:
                _make_with_parents(path)
            fd = os.open(path, _FOLDER)
        except FileNotFoundError as problem:
            if not create:
                return None
            raise _unusable(path, problem) from problem
        except OSError as problem:
            raise _unusable(path, problem) from problem
        return cls(path, fd)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)

    def is_there(self) -> bool:
        """Whether the path still leads to this folder (not removed, not unmounted)."""
        try:
            here, there = os.fstat(self.fd), os.stat(self.path)
        except OSError:
            return False
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)

    @contextmanager
    def sub(self, name: str, *, create: bool = False) -> Iterator[int]:
        """Descriptor of a folder below OUTPUT (``""`` is OUTPUT), reached without following links.

        Raises
        ------
        OutputError
            A part of the way is a link or no folder.
        OSError
            Absent without ``create``, or it cannot be made.
        """
        fd = os.dup(self.fd)
        try:
            for part in filter(None, name.split("/")):
                inner = _step(fd, part, name, create=create)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    def look(self, name: str) -> os.stat_result | None:
        """What has the name below OUTPUT, a link not followed; None where nothing has.

        Raises
        ------
        OutputError
            A part of the way is a link, or it cannot be looked at.
        """
        folder, last = split(name)
        try:
            if not folder:
                return os.stat(last, dir_fd=self.fd, follow_symlinks=False)
            with self.sub(folder) as fd:
                return os.stat(last, dir_fd=fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise OutputError(f"'{name}' in OUTPUT cannot be looked at: {reason}") from problem


def _step(fd: int, part: str, name: str, *, create: bool) -> int:
    try:
        return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=fd)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as problem:
        if _is_folder(fd, part):
            raise
        raise OutputError(
            f"'{name}' below OUTPUT leads through '{part}', which is a link or no folder",
            hint="move it away, or choose another OUTPUT",
        ) from problem
    os.mkdir(part, dir_fd=fd)
    durable.sync_folder(fd)
    return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=fd)


def _is_folder(fd: int, part: str) -> bool:
    return stat.S_ISDIR(os.stat(part, dir_fd=fd, follow_symlinks=False).st_mode)


def _make_with_parents(path: str) -> None:
    """Make OUTPUT and sync the folder of each folder that was made."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(os.path.abspath(path))
    _make_with_parents(parent)
    os.mkdir(path)
    fd = os.open(parent, _FOLDER)
    try:
        durable.sync_folder(fd)
    finally:
        os.close(fd)


def _unusable(path: str, problem: OSError) -> OutputUnusable:
    return OutputUnusable(
        f"OUTPUT '{path}' cannot be used: {problem.strerror or problem}",
        hint="name a folder that exists or can be made, and that you may write",
    )
