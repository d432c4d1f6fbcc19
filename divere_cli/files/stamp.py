"""File stamps (size, times and inode), comparing two of them, and the SHA-256 of a file.

Covers how divere knows that a file is unchanged. Not covered: what happens if it changed.
Nothing depends on "newer than".
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat

from divere_cli.errors import InputChanged, Unreadable
from divere_cli.files import regular
from divere_cli.records.job import Stamp


def of_status(status: os.stat_result) -> Stamp:
    """Return the stamp of a stat result; equal times share one object in memory.

    Parameters
    ----------
    status : stat_result
        The stat result.
    """
    mtime, ctime = status.st_mtime_ns, status.st_ctime_ns
    return Stamp(
        size=status.st_size,
        mtime_ns=mtime,
        ctime_ns=mtime if ctime == mtime else ctime,
        dev=_shared(status.st_dev),
        ino=status.st_ino,
    )


@functools.lru_cache(maxsize=4)
def _shared(device: int) -> int:
    return device


def take(path: str) -> Stamp:
    """Return the current stamp of a file.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    Unreadable
    """
    try:
        return of_status(os.stat(path))
    except FileNotFoundError as problem:
        raise Unreadable("cannot be read: it vanished after it was planned") from problem
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror}") from problem


def take_regular(path: str) -> Stamp:
    """Return the stamp of a file that the user named; it must be a regular file.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    Unreadable
        It does not exist, or is no regular file.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("is no regular file")
    return of_status(status)


def same(a: Stamp, b: Stamp) -> bool:
    """Return whether size and times are equal, so that the file counts as unchanged.

    Parameters
    ----------
    a : Stamp
        One stamp.
    b : Stamp
        The other.
    """
    return (a.size, a.mtime_ns) == (b.size, b.mtime_ns)


def compare(planned: Stamp, now: Stamp) -> None:
    """Check that a file is the one that was planned.

    Parameters
    ----------
    planned, now : Stamp
        A time, device or inode of 0 is unknown and not compared.

    Raises
    ------
    InputChanged
    """
    for name in ("size", "mtime_ns", "ctime_ns", "dev", "ino"):
        old, new = getattr(planned, name), getattr(now, name)
        if old != new and (name == "size" or (old and new)):
            raise InputChanged(f"the file changed while it was in work ({name} {old} -> {new})")


def sha256(path: str) -> str:
    """Return the SHA-256 of a file, read in pieces.

    Parameters
    ----------
    path : str
        Path of the file.

    Raises
    ------
    OSError
    """
    with open(path, "rb", buffering=0, opener=regular.opener) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
