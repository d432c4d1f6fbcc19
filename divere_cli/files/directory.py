"""A folder that is held open, and the system calls for the names in it.

Covers two implementations, of which a run uses one: by descriptor, so that no name is looked up
twice and no link is followed, or by path, if the system has no calls relative to a descriptor
(Windows). Not covered: which files are created when, and what a failure means
(:mod:`divere_cli.files.output_folder`, :mod:`.durable`, :mod:`divere_cli.batch.publish`).

By path every step is looked at before it is taken, so that a link in the way is
refused; one that is put there in the instant between is not noticed. A folder
cannot be synced by path.
"""

from __future__ import annotations

import errno
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from typing import Protocol

from divere_cli.files import regular

# Flags for every file of divere, as far as the system has them. Without
# O_BINARY, Windows would change pixel bytes that look like line ends.
PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
BY_DESCRIPTOR = {os.open, os.stat, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
_RENAME_REFUSES = os.name == "nt"  # POSIX replaces an existing file
_RENAME_NOREPLACE = 1
UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})


class Directory(Protocol):
    """One folder. Names are file names directly in it; no call follows a link."""

    frees_names: bool
    """Whether a file can be renamed and removed while it is open."""

    def again(self) -> Directory:
        """Return a second handle of the folder, which is closed separately."""

    def close(self) -> None:
        """Close the handle."""

    def inner(self, name: str) -> Directory:
        """Open a folder in it; ``OSError`` if that is a link, no folder or absent."""

    def identity(self) -> tuple[int, int]:
        """Return device and inode of the folder."""

    def open(self, name: str, flags: int) -> int:
        """Open a file; ``flags`` may create it, with mode 0600."""

    def stat(self, name: str) -> os.stat_result:
        """Return the status of the entry with this name."""

    def names(self) -> list[str]:
        """Return all names in the folder."""

    def mkdir(self, name: str) -> None:
        """Make a folder."""

    def rename(self, old: str, new: str) -> None:
        """Rename a file, and replace one that has the new name."""

    def rename_new(self, old: str, new: str) -> bool:
        """Rename unless the new name is taken; return False if the system has no such call."""

    def link(self, old: str, new: str) -> None:
        """Create a hard link; fail if the name is taken."""

    def unlink(self, name: str) -> None:
        """Remove a name."""

    def touch(self, name: str) -> None:
        """Set a file's times to now, by the clock of its file system."""

    def sync(self) -> None:
        """Make the names in the folder durable, if the system can."""

    def free(self) -> tuple[int, bool]:
        """Return the bytes that can be written, and whether a file can be created."""

    def walk(self) -> Iterator[tuple[bool, list[str], list[str], Directory]]:
        """Yield for each folder: is it the top, subfolders (may be cleared), files, handle."""


def open_regular(folder: Directory, name: str, flags: int) -> int:
    """Open a file of divere itself; refuse anything that is no regular file, without waiting.

    Parameters
    ----------
    folder : Directory
        The folder, held open.
    name : str
        Name of the file.
    flags : int
        Flags of :func:`os.open`.

    Raises
    ------
    OSError
        It cannot be opened, or is a pipe, a device, a socket or a folder.
    """
    return regular.only_regular(folder.open(name, flags | getattr(os, "O_NONBLOCK", 0)), name)


class ByDescriptor:
    """A folder by its descriptor."""

    frees_names = True

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def again(self) -> ByDescriptor:
        return ByDescriptor(os.dup(self._fd))

    def close(self) -> None:
        os.close(self._fd)

    def inner(self, name: str) -> ByDescriptor:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
        return ByDescriptor(os.open(name, flags, dir_fd=self._fd))

    def identity(self) -> tuple[int, int]:
        return _identity(os.fstat(self._fd))

    def open(self, name: str, flags: int) -> int:
        return os.open(name, flags | PLAIN, 0o600, dir_fd=self._fd)

    def stat(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._fd, follow_symlinks=False)

    def names(self) -> list[str]:
        return os.listdir(self._fd)

    def mkdir(self, name: str) -> None:
        os.mkdir(name, dir_fd=self._fd)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def rename_new(self, old: str, new: str) -> bool:
        call = _renameat2()
        if call is None:
            return False
        code = call(self._fd, os.fsencode(old), self._fd, os.fsencode(new), _RENAME_NOREPLACE)
        if code and code not in UNSUPPORTED:
            raise OSError(code, os.strerror(code), new)
        return code == 0

    def link(self, old: str, new: str) -> None:
        os.link(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self._fd)

    def touch(self, name: str) -> None:
        os.utime(name, dir_fd=self._fd, follow_symlinks=False)

    def sync(self) -> None:
        os.fsync(self._fd)

    def free(self) -> tuple[int, bool]:
        status = os.fstatvfs(self._fd)
        return status.f_bavail * status.f_frsize, not status.f_files or status.f_favail > 0

    def walk(self) -> Iterator[tuple[bool, list[str], list[str], Directory]]:
        for top, folders, files, fd in os.fwalk(".", dir_fd=self._fd, follow_symlinks=False):
            yield top == ".", folders, files, ByDescriptor(fd)


class ByPath:
    """A folder by its path."""

    frees_names = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._identity = _identity(os.stat(path))

    def again(self) -> ByPath:
        made = ByPath(self._path)
        if made._identity != self._identity:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), self._path)
        return made

    def close(self) -> None:
        """Do nothing: only a path is held."""

    def inner(self, name: str) -> ByPath:
        path = self._at(name)
        if not _is_folder(os.lstat(path)):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        return ByPath(path)

    def identity(self) -> tuple[int, int]:
        return self._identity

    def open(self, name: str, flags: int) -> int:
        path = self._at(name)
        if os.path.islink(path):
            code = errno.EEXIST if flags & os.O_EXCL else errno.ELOOP
            raise OSError(code, os.strerror(code), name)
        return os.open(path, flags | PLAIN, 0o600)

    def stat(self, name: str) -> os.stat_result:
        return os.lstat(self._at(name))

    def names(self) -> list[str]:
        return os.listdir(self._path)

    def mkdir(self, name: str) -> None:
        os.mkdir(self._at(name))

    def rename(self, old: str, new: str) -> None:
        os.replace(self._at(old), self._at(new))

    def rename_new(self, old: str, new: str) -> bool:
        if _RENAME_REFUSES:
            os.rename(self._at(old), self._at(new))
        return _RENAME_REFUSES

    def link(self, old: str, new: str) -> None:
        os.link(self._at(old), self._at(new))

    def unlink(self, name: str) -> None:
        os.unlink(self._at(name))

    def touch(self, name: str) -> None:
        if os.path.islink(self._at(name)):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        os.utime(self._at(name))

    def sync(self) -> None:
        """Do nothing: systems that need paths cannot sync folders."""

    def free(self) -> tuple[int, bool]:
        return shutil.disk_usage(self._path).free, True

    def walk(self) -> Iterator[tuple[bool, list[str], list[str], Directory]]:
        for top, folders, files in os.walk(self._path, followlinks=False):
            yield top == self._path, folders, files, ByPath(top)
            folders[:] = [f for f in folders if _is_folder(os.lstat(os.path.join(top, f)))]

    def _at(self, name: str) -> str:
        return os.path.join(self._path, name)


def hold(path: str) -> Directory:
    """Open a folder and keep it open; a link to one is followed.

    Parameters
    ----------
    path : str
        Path of the folder.

    Raises
    ------
    OSError
        It is absent, no folder, or cannot be opened.
    """
    if BY_DESCRIPTOR:
        return ByDescriptor(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    if not stat.S_ISDIR(os.stat(path).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return ByPath(os.path.abspath(path))


def set_mode(fd: int, mode: int) -> None:
    """Set the mode of an open file, if the system has modes.

    Parameters
    ----------
    fd : int
        An open descriptor.
    mode : int
        The mode.
    """
    if hasattr(os, "fchmod"):
        os.fchmod(fd, mode)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_folder(status: os.stat_result) -> bool:
    """Return whether it is a real folder: Windows reports a junction (a link) as one, too."""
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
    tag = getattr(status, "st_reparse_tag", None)
    return stat.S_ISDIR(status.st_mode) and (tag is None or tag != junction)


@functools.cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return None
    function.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    )

    def call(old_fd: int, old: bytes, new_fd: int, new: bytes, flags: int) -> int:
        return 0 if function(old_fd, old, new_fd, new, flags) == 0 else ctypes.get_errno()

    return call
