"""stdout and stderr that can be lost, full or stuck without harm to the run.

Covers: descriptors closed at the start, a reader that is gone, a full device,
a reader that never reads, text that the stream's encoding does not have. What
was lost is kept for the exit code to tell. What it does not: making text
harmless (:mod:`divere_cli.text`).
"""

from __future__ import annotations

import errno
import io
import math
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_CHUNK = 4096  # PIPE_BUF: a pipe that polls writable takes as much without blocking


class Stream(io.TextIOBase):
    """A text stream on a descriptor, unbuffered, that never raises.

    Parameters
    ----------
    file : TextIO
        The stream whose descriptor and encoding are used.

    Attributes
    ----------
    patience : float
        Seconds to wait for a reader that does not read; without end at first.
        Then text is dropped until there is room again, or the stream is lost.
    complete : bool
        Whether it is lost rather than drop anything.
    lost : OSError or None
        Why nothing can be written any more.
    dropped : int
        Writes that were not, or not wholly, written because nobody read.
    """

    def __init__(self, file: TextIO) -> None:
        self._fd = file.fileno()
        self._write = _writer(file)
        self._encoding = file.encoding or "utf-8"
        self._stuck = False
        self._lock = threading.Lock()  # the log's listener writes too; lines stay whole
        self.patience = math.inf
        self.complete = True
        self.lost: OSError | None = None
        self.dropped = 0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream that this one stands for."""
        return self._encoding

    @property
    def buffer(self) -> Octets:
        """The same stream for bytes (click writes completions so)."""
        return Octets(self)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Return whether somebody looks at it."""
        return os.isatty(self._fd)

    def writable(self) -> bool:
        """Return True, also when it is lost."""
        return True

    def write(self, text: str, /) -> int:
        """Write all of ``text`` at once, or give up on it."""
        self.send(text.encode(self._encoding, "backslashreplace"))
        return len(text)

    def send(self, octets: bytes) -> None:
        """Write bytes, or give up on them."""
        data = memoryview(octets)
        with self._lock:
            while data and self.lost is None:
                if not self._room():
                    self._give_up()
                    break
                self._stuck = False
                try:
                    data = data[self._write(data) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    self.lost = error

    def _give_up(self) -> None:
        self._stuck = True
        self.dropped += 1
        if self.complete:
            self.lost = BrokenPipeError(errno.EPIPE, f"not read for {self.patience:.0f} s")

    def _room(self) -> bool:
        if sys.platform == "win32":
            return True
        waiting = select.poll()
        waiting.register(self._fd, select.POLLOUT)
        if self.patience == math.inf:
            return bool(waiting.poll())  # an error or a hang-up shows in the write
        return bool(waiting.poll(0 if self._stuck else self.patience * 1000))


class Octets(io.RawIOBase):
    """A :class:`Stream` for bytes."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def writable(self) -> bool:
        """Return True, also when it is lost."""
        return True

    def write(self, octets: Any, /) -> int:
        """Write all of ``octets``, or give up on them."""
        data = bytes(octets)
        self._stream.send(data)
        return len(data)


def bound(stream: object, patience: float, *, complete: bool) -> None:
    """Limit how long a :class:`Stream` waits for its reader; other streams are left alone.

    Parameters
    ----------
    stream : object
        The stream.
    patience : float
        Seconds.
    complete : bool
        Whether the stream is given up rather than lose a part.
    """
    if isinstance(stream, Stream):
        stream.patience, stream.complete = patience, complete


@contextmanager
def guarded() -> Iterator[Stream]:
    """Let ``sys.stdout`` and ``sys.stderr`` be :class:`Stream` for a while; give stdout's."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Stream(_standard(sys.stdout, 1)), Stream(_standard(sys.stderr, 2))
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before


def _writer(file: TextIO) -> Callable[[memoryview], int]:
    """What writes bytes to the descriptor of ``file`` and says how many it took.

    A Windows console takes a descriptor's bytes for those of its code page; only
    Python's own stream has all of Unicode there, and it needs whole characters.
    """
    if sys.platform == "win32" and file.isatty() and hasattr(file, "buffer"):
        raw: Any = getattr(file.buffer, "raw", file.buffer)
        return cast(Callable[[memoryview], int], raw.write)
    fd = file.fileno()
    return lambda data: os.write(fd, data[:_CHUNK])


def reader_is_gone(error: OSError) -> bool:
    """Return whether a stream was lost because its reader went away.

    Parameters
    ----------
    error : OSError
        Why the stream was lost.
    """
    return error.errno == errno.EPIPE


def _standard(file: TextIO | None, fd: int) -> TextIO:
    if file is not None:
        file.flush()
        return file
    return open(fd, "w", encoding="utf-8", closefd=False)


def _fill_closed_descriptors() -> None:
    """Put the null device where 0, 1 or 2 is closed, so that no file of ours lands there."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is fd
            os.set_inheritable(null, True)
