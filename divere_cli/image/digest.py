"""The SHA-256 of a scan, computed while it is read.

It is computed during reading, while the file is in the page cache: a second pass over a file
larger than the memory would read the disk twice.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, wait
from functools import partial

from divere_cli.image.closing import Closing
from divere_cli.image.parallel import Parallel
from divere_cli.image.source import Source

HASH_BYTES = 1 << 20


class Digest(Closing):
    """SHA-256 of a file, step by step. A context manager.

    Parameters
    ----------
    path : str
    parallel : Parallel
        Runs each step beside the caller's next work.

    Raises
    ------
    Unreadable
    """

    def __init__(self, path: str, parallel: Parallel) -> None:
        self._source = Source(path)
        self._parallel = parallel
        self._hash = hashlib.sha256()
        self._buffer = bytearray(min(HASH_BYTES, self._source.size))
        self._done = 0
        self._running: Future[None] | None = None

    def advance(self, done: float) -> None:
        """Hash the file up to the share ``done``, 0..1; 1 is its end."""
        self._wait()
        self._running = self._parallel.later(partial(self._take, done))

    def finish(self) -> str:
        """Hash the rest and return the digest in hexadecimal."""
        self.advance(1)
        self._wait()
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None

    def _take(self, done: float) -> None:
        goal = self._source.size if done >= 1 else int(done * self._source.size)
        while self._done < goal and (done >= 1 or goal - self._done >= HASH_BYTES):
            size = min(HASH_BYTES, goal - self._done)
            view = memoryview(self._buffer)[:size]
            self._source.read_into(self._done, view)
            self._hash.update(view)
            self._done += size

    def close(self) -> None:
        if self._running is not None:
            wait([self._running])
        self._source.close()
