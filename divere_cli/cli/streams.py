"""stdout and stderr that may be closed, full or blocked without an effect on the run.

Covers descriptors that are closed at the start, a reader that went away, a full device, a
reader that never reads, and text that the stream's encoding does not support. Losses are
recorded for the exit code. Making text safe is in :mod:`divere_cli.text`.
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
    """An unbuffered text stream on a descriptor that never raises an error.

    Parameters
    ----------
    file : TextIO
        The stream whose descriptor and encoding are used.

    Attributes
    ----------
    patience : float
        Seconds to wait for a reader that does not read, at first without limit. After that,
        text is dropped until the stream is writable again, or the stream is lost.
    complete : bool
        Whether the stream is lost instead of dropping a part of the text.
    lost : OSError or None
        The error because of which nothing is written any more.
    dropped : int
        Number of writes that were dropped, at least in part, because nobody read.
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
        """The encoding of the original stream."""
        return self._encoding

    @property
    def buffer(self) -> Octets:
        """The same stream for bytes (click uses it for completions)."""
        return Octets(self)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return os.isatty(self._fd)

    def writable(self) -> bool:
        """Return True, even if the stream is lost."""
        return True

    def write(self, text: str, /) -> int:
        """Write all of ``text`` at once, or drop it."""
        self.send(text.encode(self._encoding, "backslashreplace"))
        return len(text)

    def send(self, octets: bytes) -> None:
        """Write bytes, or drop them."""
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
        """Return True, even if the stream is lost."""
        return True

    def write(self, octets: Any, /) -> int:
        """Write all of ``octets``, or drop them."""
        data = bytes(octets)
        self._stream.send(data)
        return len(data)


def bound(stream: object, patience: float, *, complete: bool) -> None:
    """Limit how long a :class:`Stream` waits for its reader; other streams do not change.

    Parameters
    ----------
    stream : object
        The stream.
    patience : float
        Seconds.
    complete : bool
        Whether the stream is lost instead of dropping a part of the text.
    """
    if isinstance(stream, Stream):
        stream.patience, stream.complete = patience, complete


@contextmanager
def guarded() -> Iterator[Stream]:
    """Replace ``sys.stdout`` and ``sys.stderr`` by :class:`Stream`; yield that of stdout."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Stream(_standard(sys.stdout, 1)), Stream(_standard(sys.stderr, 2))
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before


def _writer(file: TextIO) -> Callable[[memoryview], int]:
    """Return a function that writes bytes to the descriptor of ``file``, returning their number.

    A Windows console interprets bytes from a descriptor in its code page; only Python's own
    stream supports all of Unicode there, and it needs complete characters.
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
    """Open the null device for closed descriptors 0, 1 and 2, so that no other file gets them."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is fd
            os.set_inheritable(null, True)
