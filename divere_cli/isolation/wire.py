"""Messages between a worker and its supervisor: four bytes of length, then JSON.

Covers encoding, writing whole messages from several threads, and reading without ever blocking.
JSON and not pickles: a message of a broken or hostile decoder can be wrong, but it cannot run
code. Only the order, from supervisor to worker, is a pickle: the supervisor is trusted anyway, and
a new process reads a job 1 ms faster so than from JSON. The sender's module documents what
messages mean.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from divere_cli.records import copies

HEADER = struct.Struct("!I")
LIMIT = 1 << 20  # bytes of one message

Message = dict[str, Any]


class FrameError(Exception):
    """The data is no message: its length is over the limit, or it is no JSON object."""


def encode(message: Mapping[str, object], limit: int = LIMIT) -> bytes:
    """Return one message as bytes.

    Parameters
    ----------
    message : Mapping[str, object]
        The message.
    limit : int, default LIMIT
        Most bytes.

    Raises
    ------
    FrameError
        It is longer than ``limit`` bytes.
    """
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(body) > limit:
        raise FrameError(f"a message of {len(body)} bytes, at most {limit} are allowed")
    return HEADER.pack(len(body)) + body


def encode_order(order: object) -> bytes:
    """Return an order to a worker as bytes, for :func:`read_order`.

    Parameters
    ----------
    order : object
        The order, a record.
    """
    stream = io.BytesIO()
    _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump(order)
    body = stream.getvalue()
    return HEADER.pack(len(body)) + body


class _Pickler(pickle.Pickler):
    """Pickles records as calls of their class: a third of the time, on both sides."""

    def reducer_override(self, value: object) -> Any:
        return copies.parts(value) or NotImplemented


def read_order(descriptor: int) -> Any:
    """Read an order from a blocking pipe; None when the pipe ends before it.

    Parameters
    ----------
    descriptor : int
        The pipe.
    """
    head = _exactly(descriptor, HEADER.size)
    body = _exactly(descriptor, HEADER.unpack(head)[0]) if head else b""
    return pickle.loads(body) if body else None


def _exactly(descriptor: int, size: int) -> bytes:
    """Return ``size`` bytes, or none if the pipe ends."""
    data = bytearray()
    while len(data) < size:
        part = os.read(descriptor, min(size - len(data), 1 << 20))
        if not part:
            return b""
        data += part
    return bytes(data)


class FrameWriter:
    """Writes whole messages to a blocking descriptor, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    @property
    def descriptor(self) -> int:
        """The descriptor that it writes to."""
        return self._descriptor

    def send(self, message: Mapping[str, object]) -> None:
        """Write one message.

        Raises
        ------
        FrameError
            The message is too long; nothing was written.
        OSError
            The reader is gone.
        """
        unsent = memoryview(encode(message))
        with self._lock:
            while unsent:
                unsent = unsent[os.write(self._descriptor, unsent) :]


class FrameReader:
    """Collects received bytes, and returns the messages that are complete."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Number of bytes of a message that is not complete yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add ``data``; yield each complete message.

        Raises
        ------
        FrameError
            The data is no stream of messages; nothing after it can be trusted.
        """
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > self._limit:
                raise FrameError(f"a message of {length} bytes, at most {self._limit} are allowed")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield _decode(body)


def within(number: object, most: float) -> float:
    """Return a number that a worker sent, after a check that it is from 0 to ``most``.

    Parameters
    ----------
    number : object
        The value that the worker sent.
    most : float
        The largest possible number.

    Raises
    ------
    ValueError
        It is no number, or out of range; the message omits its text, which may be long.
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= most:
        raise ValueError("a number out of range")
    return float(number)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _decode(body: bytes) -> Message:
    try:
        message = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise FrameError(f"not JSON: {problem}") from problem
    if not isinstance(message, dict) or not isinstance(message.get("t"), str):
        raise FrameError("not an object with a key 't'")
    return message
