"""Opens regular files only: a pipe or a device is refused, without waiting for it.

Covers files named by a person or an earlier run. Not covered: files below an open
folder (:func:`divere_cli.files.directory.open_regular`).
"""

from __future__ import annotations

import errno
import os
import stat


def opener(path: str, flags: int) -> int:
    """Open a regular file; used as the ``opener`` of :func:`open`.

    Parameters
    ----------
    path : str
        Path of the file.
    flags : int
        Flags of :func:`os.open`.

    Raises
    ------
    OSError
        It cannot be opened, or is a folder, a pipe, a device or a socket.
    """
    extra = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    return only_regular(os.open(path, flags | extra), path)


def only_regular(fd: int, path: str) -> int:
    """Check that a descriptor, opened with ``O_NONBLOCK``, is a regular file; else close it.

    Parameters
    ----------
    fd : int
        The descriptor.
    path : str
        Name of the file, for the error.

    Raises
    ------
    OSError
        It is a folder, a pipe, a device or a socket.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return fd
    os.close(fd)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "is not a regular file", path)
