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
from collections.abc import Callable

log = logging.getLogger(__name__)

TEMP_PREFIX = ".divere-tmp-"
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNSUPPORTED = frozenset({errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})
_RENAME_NOREPLACE = 1


def create(name: str, folder_fd: int) -> int:
    """Create a file that nobody else has, mode 0600, and return its descriptor."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, 0o600, dir_fd=folder_fd)


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


def sync_folder(folder_fd: int) -> None:
    """Make the names in a folder durable; a file system that cannot is said once.

    Raises
    ------
    OSError
        Any other failure, such as EIO.
    """
    try:
        os.fsync(folder_fd)
    except OSError as problem:
        if problem.errno not in _UNSUPPORTED:
            raise
        _warn_once(
            "the output's file system cannot sync folders "
            f"({problem.strerror}): after a power cut the last outputs may be missing"
        )


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


def rename(old: str, new: str, folder_fd: int, *, replace: bool) -> None:
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
    before = os.stat(old, dir_fd=folder_fd, follow_symlinks=False)
    try:
        if replace:
            os.rename(old, new, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        else:
            _rename_new(old, new, folder_fd)
    except OSError:
        if not _happened(before, new, folder_fd):
            raise


def _happened(before: os.stat_result, new: str, folder_fd: int) -> bool:
    try:
        after = os.stat(new, dir_fd=folder_fd, follow_symlinks=False)
    except OSError:
        return False
    return (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


def _rename_new(old: str, new: str, folder_fd: int) -> None:
    call = _renameat2()
    if call is not None:
        code = call(folder_fd, os.fsencode(old), folder_fd, os.fsencode(new), _RENAME_NOREPLACE)
        if code == 0:
            return
        if code not in _UNSUPPORTED:
            raise OSError(code, os.strerror(code), new)
    try:  # a link is never made over a file, so it keeps the promise where renameat2 cannot
        os.link(old, new, src_dir_fd=folder_fd, dst_dir_fd=folder_fd, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        _rename_if_free(old, new, folder_fd)
    else:
        os.unlink(old, dir_fd=folder_fd)


def _rename_if_free(old: str, new: str, folder_fd: int) -> None:
    """For file systems without links (FAT): the lock on OUTPUT keeps other runs away."""
    try:
        os.stat(new, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(old, new, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
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
    folder_fd = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _replace_in(folder_fd, name, data, f"{TEMP_PREFIX}{run_id}-report")
    finally:
        os.close(folder_fd)


def _is_stream(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _replace_in(folder_fd: int, name: str, data: bytes, temp: str) -> None:
    fd = create(temp, folder_fd)
    try:
        try:
            write_all(fd, data)
            sync(fd)
        finally:
            os.close(fd)
        rename(temp, name, folder_fd, replace=True)
    except BaseException:
        os.unlink(temp, dir_fd=folder_fd)
        raise
    sync_folder(folder_fd)
