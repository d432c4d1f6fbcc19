"""SHA-256 of many files on all cores, at the speed of the disk.

Covers reading and hashing on threads (hashing lets go of the interpreter's lock), and
files that cannot be read. Not covered: what the digests should be.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

_PIECE = 1 << 20
_AHEAD = 4  # files that wait for each thread


@dataclass(frozen=True, slots=True)
class Hashed:
    """The hash of one file; ``problem`` is why it could not be read, or empty."""

    name: str
    sha256: str = ""
    size: int = 0
    mtime_ns: int = 0
    problem: str = ""
    missing: bool = False


def hash_all(files: Iterable[tuple[str, str]], threads: int) -> Generator[Hashed, None, None]:
    """Hash files in parallel; yield the results in the order in which they finish.

    Parameters
    ----------
    files : iterable of (name, path)
    threads : int
    """
    waiting = iter(files)
    with ThreadPoolExecutor(max(1, threads), "divere-hash") as pool:
        running: set[Future[Hashed]] = set()
        try:
            while True:
                for name, path in islice(waiting, _AHEAD * max(1, threads) - len(running)):
                    running.add(pool.submit(hash_one, name, path))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()


def hash_one(name: str, path: str) -> Hashed:
    """Hash one file, without following a link.

    Parameters
    ----------
    name : str
        Name of the file in the output folder.
    path : str
        Path of the file.
    """
    digest = hashlib.sha256()
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return Hashed(name, problem="is missing", missing=True)
    except OSError as error:
        return Hashed(name, problem=f"cannot be opened: {error.strerror}")
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return Hashed(name, problem="is not a file")
        buffer = bytearray(_PIECE)
        view = memoryview(buffer)
        with open(fd, "rb", buffering=0, closefd=False) as file:
            while count := file.readinto(buffer):
                digest.update(view[:count])
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # an archive should not fill the cache
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        return Hashed(name, problem=f"cannot be read: {error.strerror}")
    finally:
        os.close(fd)
    return Hashed(name, digest.hexdigest(), status.st_size, status.st_mtime_ns)
