"""The output folder, held open: links below it are never followed.

Covers opening and creating OUTPUT and its subfolders, the status of files in it, and whether it
still exists. Not covered: what is written there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from divere_cli.errors import OutputError, OutputUnusable
from divere_cli.files import directory, durable
from divere_cli.files.directory import Directory


def split(name: str) -> tuple[str, str]:
    """Split ``a/b/c.tif`` into folder ``a/b`` and ``c.tif``.

    Parameters
    ----------
    name : str
        A name relative to OUTPUT.
    """
    folder, _, last = name.rpartition("/")
    return folder, last


class Folder:
    """OUTPUT, open during a whole run."""

    def __init__(self, path: str, handle: Directory) -> None:
        self.path = path
        self.handle = handle

    @classmethod
    def open(cls, path: str, *, create: bool) -> Folder | None:
        """Open OUTPUT; create it with its parents if ``create``, else return None if it is absent.

        Raises
        ------
        OutputUnusable
            It is no folder, cannot be created, or cannot be written.
        """
        try:
            if create:
                _make_with_parents(path)
            handle = directory.hold(path)
        except FileNotFoundError as problem:
            if not create:
                return None
            raise _unusable(path, problem) from problem
        except OSError as problem:
            raise _unusable(path, problem) from problem
        return cls(path, handle)

    def close(self) -> None:
        """Close the folder."""
        self.handle.close()

    def is_there(self) -> bool:
        """Return whether the path still leads to this folder (not removed, not unmounted)."""
        try:
            there = os.stat(self.path)
            return self.handle.identity() == (there.st_dev, there.st_ino)
        except OSError:
            return False

    @contextmanager
    def sub(self, name: str, *, create: bool = False) -> Iterator[Directory]:
        """Open a folder below OUTPUT (``""`` is OUTPUT) without following links.

        Raises
        ------
        OutputError
            A part of the path is a link or no folder.
        OSError
            It is absent without ``create``, or cannot be created.
        """
        handle = self.handle.again()
        try:
            for part in filter(None, name.split("/")):
                inner = _step(handle, part, name, create=create)
                handle.close()
                handle = inner
            yield handle
        finally:
            handle.close()

    def look(self, name: str) -> os.stat_result | None:
        """Return the status of a name below OUTPUT, without following links; None if absent.

        Raises
        ------
        OutputError
            A part of the path is a link, or the file cannot be examined.
        """
        folder, last = split(name)
        try:
            if not folder:
                return self.handle.stat(last)
            with self.sub(folder) as handle:
                return handle.stat(last)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise OutputError(f"'{name}' in OUTPUT cannot be examined: {reason}") from problem


def _step(handle: Directory, part: str, name: str, *, create: bool) -> Directory:
    try:
        return handle.inner(part)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as problem:
        if _is_folder(handle, part):
            raise
        raise OutputError(
            f"'{name}' in OUTPUT leads through '{part}', which is a link or no folder",
            hint="move it away, or choose another OUTPUT",
        ) from problem
    handle.mkdir(part)
    durable.sync_folder(handle)
    return handle.inner(part)


def _is_folder(handle: Directory, part: str) -> bool:
    return stat.S_ISDIR(handle.stat(part).st_mode)


def _make_with_parents(path: str) -> None:
    """Create OUTPUT, and sync the parent of each created folder."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(os.path.abspath(path))
    _make_with_parents(parent)
    os.mkdir(path)
    handle = directory.hold(parent)
    try:
        durable.sync_folder(handle)
    finally:
        handle.close()


def _unusable(path: str, problem: OSError) -> OutputUnusable:
    return OutputUnusable(
        f"OUTPUT '{path}' cannot be used: {problem.strerror or problem}",
        hint="choose a folder that exists or can be created, and that you may write to",
    )
