"""Writes files that are complete or absent after a power cut.

Covers the system calls for this: syncing a folder, renaming without replacing, and
``write_atomic``, the only atomic writer of small files. Not covered: which file goes where,
and positives, which :mod:`divere_cli.batch.publish` publishes with the same calls.

A failed ``fsync`` is never tried again: the kernel marks the pages clean, so that a second call
would wrongly report success (Rebello et al., USENIX ATC 2020).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import secrets
import sys
from collections.abc import Iterable

from divere_cli.files import directory
from divere_cli.files.directory import Directory

log = logging.getLogger(__name__)

TEMP_PREFIX = ".divere-tmp-"
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def create(name: str, folder: Directory) -> int:
    """Create a new file with mode 0600, and return its descriptor.

    Parameters
    ----------
    name : str
        Name of the file.
    folder : Directory
        The folder, held open.
    """
    return folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)


def sync(fd: int) -> None:
    """Make a file's content durable; on macOS, also flush the cache of the drive.

    Parameters
    ----------
    fd : int
        An open descriptor.
    """
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


@functools.cache
def _warn_once(reason: str) -> None:
    log.warning("%s", reason)


def sync_folder(folder: Directory) -> None:
    """Make the names in a folder durable; log one warning if the file system cannot.

    Parameters
    ----------
    folder : Directory
        The folder, held open.

    Raises
    ------
    OSError
        Any other failure, such as EIO.
    """
    try:
        folder.sync()
    except OSError as problem:
        if problem.errno not in directory.UNSUPPORTED:
            raise
        _warn_once(
            "the output's file system cannot sync folders "
            f"({problem.strerror}): after a power cut the last outputs may be missing"
        )


def rename(old: str, new: str, folder: Directory, *, replace: bool) -> None:
    """Rename a file within one folder; without ``replace``, never replace another file.

    A network file system may report a failure although the rename happened
    (rename(2), BUGS), so that an error is believed only when the file is not there.

    Parameters
    ----------
    old : str
        The name that it has.
    new : str
        The name that it gets.
    folder : Directory
        The folder, held open.
    replace : bool
        Whether a file that has the new name is replaced.

    Raises
    ------
    FileExistsError
        Something has the name, and ``replace`` is false.
    OSError
        Any other failure; then the file still has its old name.
    """
    before = folder.stat(old)
    try:
        if replace:
            folder.rename(old, new)
        else:
            _rename_new(old, new, folder)
    except OSError:
        if not _happened(before, new, folder):
            raise


def _happened(before: os.stat_result, new: str, folder: Directory) -> bool:
    try:
        after = folder.stat(new)
    except OSError:
        return False
    return (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


def _rename_new(old: str, new: str, folder: Directory) -> None:
    if folder.rename_new(old, new):
        return
    try:  # a link never replaces a file either
        folder.link(old, new)
    except FileExistsError:
        raise
    except OSError:
        _rename_if_free(old, new, folder)
    else:
        folder.unlink(old)


def _rename_if_free(old: str, new: str, folder: Directory) -> None:
    """Rename on file systems without links (FAT); the lock on OUTPUT excludes other runs."""
    try:
        folder.stat(new)
    except FileNotFoundError:
        folder.rename(old, new)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``, in one call if the system accepts it.

    Parameters
    ----------
    fd : int
        An open descriptor.
    data : bytes
        The bytes.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def usual_mode() -> int:
    """Return the mode that this process's umask gives to a new file."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def write_atomic(
    path: str, data: bytes | Iterable[bytes], *, replace: bool, private: bool = False
) -> None:
    """Write a file: afterwards it is complete and synced with its folder, or absent.

    A link that has the name is replaced, never followed.

    Parameters
    ----------
    path : str
    data : bytes or iterable of bytes
        The whole content, or pieces of it.
    replace : bool
        Whether a file that has the name is replaced.
    private : bool
        Mode 0600 instead of the umask's.

    Raises
    ------
    FileExistsError
        Something has the name, and ``replace`` is false.
    OSError
        Any other failure; a file that had the name before is unchanged.
    """
    folder, name = os.path.split(path)
    handle = directory.hold(folder or ".")
    mode = 0o600 if private else usual_mode()
    pieces = [data] if isinstance(data, bytes) else data
    try:
        write_atomic_in(handle, name, pieces, replace=replace, mode=mode)
    finally:
        handle.close()


def write_atomic_in(
    folder: Directory,
    name: str,
    pieces: Iterable[bytes],
    *,
    replace: bool,
    mode: int = 0o600,
    synced: bool = True,
) -> None:
    """Write a file in a folder that is held open; see :func:`write_atomic`.

    Without ``synced``, it may be empty after a power cut: only for files that can be checked by
    their size and written again.

    Parameters
    ----------
    folder : Directory
        The folder, held open.
    name : str
        Name of the file.
    pieces : iterable of bytes
        Its content, in pieces.
    replace : bool
        Whether a file of that name is replaced.
    mode : int, default 384
        Mode of the file.
    synced : bool, default True
        Whether it is synced; without, it may be empty after a power cut.
    """
    temp = f"{TEMP_PREFIX}{secrets.token_hex(8)}"
    fd = create(temp, folder)
    try:
        with open(fd, "wb") as file:
            file.writelines(pieces)
            file.flush()
            if mode != 0o600:
                with contextlib.suppress(PermissionError):  # a file system without modes
                    directory.set_mode(fd, mode)
            if synced:
                sync(fd)
        rename(temp, name, folder, replace=replace)
    except BaseException:
        folder.unlink(temp)
        raise
    if synced:
        sync_folder(folder)
