"""Files that are there whole after a power cut, or not at all.

Covers the few system calls that make it so: syncing a folder, renaming without
replacing, writing a small file atomically. What it does not: which file goes
where (:mod:`publish`), and reading anything back.

A failed ``fsync`` is never tried again: the kernel marks the pages clean, so
that a second call would lie (Rebello et al., USENIX ATC 2020).
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import stat
import sys
from collections.abc import Iterable

from divere_cli.files import directory
from divere_cli.files.directory import Place

log = logging.getLogger(__name__)

TEMP_PREFIX = ".divere-tmp-"
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def create(name: str, place: Place) -> int:
    """Create a file that nobody else has, mode 0600, and return its descriptor."""
    return place.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)


def sync(fd: int) -> None:
    """Make a file's content durable; on macOS past the drive's own cache, too."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


@functools.cache
def _warn_once(reason: str) -> None:
    log.warning("%s", reason)


def sync_folder(place: Place) -> None:
    """Make the names in a folder durable; a file system that cannot is said once.

    Raises
    ------
    OSError
        Any other failure, such as EIO.
    """
    try:
        place.sync()
    except OSError as problem:
        if problem.errno not in directory.UNSUPPORTED:
            raise
        _warn_once(
            "the output's file system cannot sync folders "
            f"({problem.strerror}): after a power cut the last outputs may be missing"
        )


def rename(old: str, new: str, place: Place, *, replace: bool) -> None:
    """Give a file its name within one folder; without ``replace`` never over another file.

    A network file system may report a failure although the rename happened
    (rename(2), BUGS), so that an error is believed only when the file is not there.

    Raises
    ------
    FileExistsError
        Something has the name, and ``replace`` is false.
    OSError
        Any other failure; then the file still has its old name.
    """
    before = place.stat(old)
    try:
        if replace:
            place.rename(old, new)
        else:
            _rename_new(old, new, place)
    except OSError:
        if not _happened(before, new, place):
            raise


def _happened(before: os.stat_result, new: str, place: Place) -> bool:
    try:
        after = place.stat(new)
    except OSError:
        return False
    return (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


def _rename_new(old: str, new: str, place: Place) -> None:
    if place.rename_new(old, new):
        return
    try:  # a link is never made over a file, so it keeps the promise, too
        place.link(old, new)
    except FileExistsError:
        raise
    except OSError:
        _rename_if_free(old, new, place)
    else:
        place.unlink(old)


def _rename_if_free(old: str, new: str, place: Place) -> None:
    """For file systems without links (FAT): the lock on OUTPUT keeps other runs away."""
    try:
        place.stat(new)
    except FileNotFoundError:
        place.rename(old, new)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``, in one call where the system takes it in one."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def replace_file(path: str, text: str, run_id: str) -> None:
    """Write a small text file atomically, mode 0600; what is no regular file is written into.

    Names that are no UTF-8 must have been made harmless before: what is left of
    them is written with backslashes.
    """
    data = text.encode("utf-8", "backslashreplace")
    folder, name = os.path.split(path)
    if _is_stream(path):
        with open(path, "wb", buffering=0) as stream:
            write_all(stream.fileno(), data)
        return
    place = directory.hold(folder or ".")
    try:
        replace(place, name, [data], f"{TEMP_PREFIX}{run_id}-report")
    finally:
        place.close()


def _is_stream(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def replace(place: Place, name: str, pieces: Iterable[bytes], temp: str) -> None:
    """Write a file in a folder atomically, mode 0600; ``temp`` is its name until it is whole."""
    fd = create(temp, place)
    try:
        with open(fd, "wb") as file:
            file.writelines(pieces)
            file.flush()
            sync(fd)
        rename(temp, name, place, replace=True)
    except BaseException:
        place.unlink(temp)
        raise
    sync_folder(place)
