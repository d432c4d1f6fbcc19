"""Orders to a worker and its answers, through two named pipes in one folder.

Covers both ends. Orders are pickles from the service, which is trusted. Answers are JSON and
bytes, so that a worker taken over by a hostile scan can answer wrongly but cannot run code in
the service. Each message is preceded by its length.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import select
import struct
import time
from typing import Any

HEAD = struct.Struct("!II")  # bytes of JSON (or of a pickle), bytes of data
MOST_HEAD, MOST_DATA = 1 << 20, 256 << 20
ROOM = 1 << 20  # bytes in a pipe: a picture in one write
F_SETPIPE_SZ = 1031

Answer = tuple[dict[str, Any], bytes]


class Ended(Exception):
    """The worker closed its end, or sent something that is not an answer."""


class TooSlow(Exception):
    """There was no answer in time."""


class Service:
    """The service's end. ``orders`` and ``answers`` are paths for the worker to open."""

    def __init__(self, stem: str) -> None:
        self.orders, self.answers = f"{stem}.orders", f"{stem}.answers"
        for path in (self.orders, self.answers):
            os.mkfifo(path, 0o600)
        flags = os.O_CLOEXEC | os.O_NONBLOCK
        self._answers = os.open(self.answers, os.O_RDONLY | flags)
        self._orders = os.open(self.orders, os.O_RDWR | flags)  # nobody reads yet: not O_WRONLY
        _widen(self._answers)

    def ask(self, order: object, seconds: float) -> Answer:
        """Send an order and return the answer.

        Raises
        ------
        Ended, TooSlow
        """
        body = pickle.dumps(order, pickle.HIGHEST_PROTOCOL)
        deadline = time.monotonic() + seconds
        self._write(HEAD.pack(len(body), 0) + body, deadline)
        head, data = HEAD.unpack(self._read(HEAD.size, deadline))
        if head > MOST_HEAD or data > MOST_DATA:
            raise Ended("the worker sent an invalid message")
        try:
            answer = json.loads(self._read(head, deadline))
        except ValueError as problem:
            raise Ended("the worker sent an invalid message") from problem
        if not isinstance(answer, dict):
            raise Ended("the worker sent an invalid message")
        return answer, bytes(self._read(data, deadline))

    def close(self) -> None:
        """Close the pipes; the worker ends when it reads the end of its orders."""
        for fd in (self._orders, self._answers):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._orders = self._answers = -1
        for path in (self.orders, self.answers):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._orders, view) :]
            except BlockingIOError:
                self._wait(self._orders, select.POLLOUT, deadline)
            except OSError as problem:
                raise Ended("the worker is gone") from problem

    def _read(self, size: int, deadline: float) -> bytearray:
        buffer = bytearray(size)
        view, done = memoryview(buffer), 0
        while done < size:
            self._wait(self._answers, select.POLLIN, deadline)
            try:
                got = os.readv(self._answers, [view[done:]])
            except BlockingIOError:
                continue
            except OSError as problem:
                raise Ended("the worker is gone") from problem
            if not got:
                raise Ended("the worker is gone")
            done += got
        return buffer

    def _wait(self, fd: int, events: int, deadline: float) -> None:
        if fd < 0:
            raise Ended("the worker was released")
        poll = select.poll()
        poll.register(fd, events)
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 or not poll.poll(seconds_left * 1000.0):
            raise TooSlow


class Worker:
    """The worker's end."""

    def __init__(self, orders: str, answers: str) -> None:
        self._orders = os.open(orders, os.O_RDONLY | os.O_CLOEXEC)
        self._answers = os.open(answers, os.O_WRONLY | os.O_CLOEXEC)

    def next(self) -> object | None:
        """Return the next order; None once the service has closed the pipe."""
        head = self._read(HEAD.size)
        if head is None:
            return None
        body = self._read(HEAD.unpack(head)[0])
        return None if body is None else pickle.loads(body)

    def answer(self, head: dict[str, Any], data: bytes) -> None:
        """Send the answer to an order."""
        body = json.dumps(head).encode()
        view = memoryview(HEAD.pack(len(body), len(data)) + body + data)
        while view:
            view = view[os.write(self._answers, view) :]

    def descriptors(self) -> tuple[int, int]:
        """Return the descriptors of both pipes."""
        return self._orders, self._answers

    def close(self) -> None:
        """Close both pipes."""
        os.close(self._orders)
        os.close(self._answers)

    def _read(self, size: int) -> bytes | None:
        parts = b""
        while len(parts) < size:
            part = os.read(self._orders, size - len(parts))
            if not part:
                return None
            parts += part
        return parts


def _widen(fd: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(fd, F_SETPIPE_SZ, ROOM)
    except (ImportError, OSError):  # not Linux, or over a limit: smaller portions
        return
