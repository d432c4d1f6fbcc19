"""Carries log records from a worker, as JSON and through a bounded queue, to the handlers.

Covers both ends. In a worker :class:`FrameHandler` turns a record into a message; in the
supervisor :func:`replay` makes it a record again and hands it to the logger of the same name.
:class:`LogBridge` puts a bounded queue and a ``QueueListener`` between all loggers and the
handlers, so that a slow terminal never holds up the loop. Not covered: formats and files, which
belong to the caller's handlers.
"""

from __future__ import annotations

import copy
import logging
import logging.handlers
import queue
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from divere_cli.isolation.wire import FrameWriter, Message, within

TEXT_LIMIT = 64 * 1024  # characters of one record's message or traceback
CUT = " [... cut]"


def shortened(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return a text, cut with a mark if it is too long.

    Parameters
    ----------
    text : str
        The text.
    limit : int, default TEXT_LIMIT
        Most characters.
    """
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


class FrameHandler(logging.Handler):
    """In a worker: sends each record to the supervisor at once, as one message."""

    def __init__(self, writer: FrameWriter) -> None:
        super().__init__()
        self._writer = writer
        self._plain = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record; when this returns, it has left the process."""
        try:
            self._writer.send(self._message(record))
        except Exception:  # noqa: BLE001 - as all handlers do: a bad record ends no scan
            self.handleError(record)

    def _message(self, record: logging.LogRecord) -> Message:
        trace = self._plain.formatException(record.exc_info) if record.exc_info else record.exc_text
        return {
            "t": "log",
            "name": record.name,
            "level": record.levelno,
            "text": shortened(record.getMessage()),
            "trace": shortened(trace) if trace else None,
            "created": record.created,
            "thread": record.threadName,
            "module": record.module,
            "line": record.lineno,
        }


def replay(message: Message, pid: int, about: dict[str, object]) -> bool:
    """Give a worker's record to the logger of its name; return False if it was dropped.

    ``about`` becomes attributes of the record (``scan``, ``job_id``, ``attempt``).

    Parameters
    ----------
    message : Message
        The record as it came.
    pid : int
        Number of the worker's process.
    about : dict[str, object]
        Attributes for the record (``scan``, ``job_id``, ``attempt``).

    Raises
    ------
    KeyError, TypeError, ValueError
        The message is no record.
    """
    created = within(message["created"], 1e11)
    level = int(within(message["level"], 1000))
    record = logging.makeLogRecord(
        {
            "name": str(message["name"]),
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": str(message["text"]),
            "exc_text": str(message["trace"]) if message["trace"] else None,
            "created": created,
            "msecs": (created - int(created)) * 1000,
            "process": pid,
            "processName": f"worker-{pid}",
            "threadName": str(message["thread"]),
            "module": str(message["module"]),
            "lineno": int(within(message["line"], 1e9)),
            **about,
        }
    )
    return deliver(record)


def deliver(record: logging.LogRecord) -> bool:
    """Give a record to its logger; return False if a :class:`LogBridge` dropped it.

    Parameters
    ----------
    record : LogRecord
        The log record.
    """
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
    return not getattr(record, "dropped", False)


class _BoundedHandler(logging.handlers.QueueHandler):
    """Puts records into the queue as long as there is room for their level."""

    def __init__(self, records: queue.SimpleQueue[logging.LogRecord], limit: int) -> None:
        super().__init__(records)
        self._records = records
        self._limit = limit
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        share = 1.0 if record.levelno <= logging.DEBUG else 1.5
        share = 2.0 if record.levelno >= logging.WARNING else share
        if self._records.qsize() >= self._limit * share:
            self.dropped += 1
            record.dropped = True
            return
        super().emit(record)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record = copy.copy(record)  # keeps exc_text: the handlers' own formatters add it
        record.msg, record.args = record.getMessage(), None
        if record.exc_info:
            record.exc_text = record.exc_text or logging.Formatter().formatException(
                record.exc_info
            )
            record.exc_info = None
        return record


class LogBridge:
    """Sends all records of this process through a bounded queue to ``handlers``.

    A context manager. Above ``limit`` waiting records DEBUG is dropped, above one and
    a half times ``limit`` INFO too, above twice everything; ``dropped`` counts them.

    Parameters
    ----------
    handlers : sequence of logging.Handler
        Final handlers of the records; their levels are respected.
    limit : int
        Records that may wait.
    logger : logging.Logger, optional
        Logger to listen to; the root logger if None.
    """

    def __init__(
        self,
        handlers: Sequence[logging.Handler],
        limit: int = 10_000,
        logger: logging.Logger | None = None,
    ) -> None:
        self._records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._entry = _BoundedHandler(self._records, limit)
        self._listener = _Listener(self._records, *handlers, respect_handler_level=True)
        self._logger = logger or logging.getLogger()
        self._direct: tuple[logging.Handler, ...] = ()

    @property
    def dropped(self) -> int:
        """Number of records dropped because the queue was full."""
        return self._entry.dropped

    def __enter__(self) -> Self:
        try:
            self._listener.start()
        except RuntimeError:  # no thread can be started: slow handlers are better than none
            self._direct = tuple(self._listener.handlers)
        for handler in self._direct or (self._entry,):
            self._logger.addHandler(handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handler in self._direct or (self._entry,):
            self._logger.removeHandler(handler)
        self._listener.stop()
        self._entry.close()


class _Listener(logging.handlers.QueueListener):
    """A listener whose ``stop`` returns even if a handler hangs (a paused terminal)."""

    patience = 10.0

    def stop(self) -> None:
        thread = self._thread
        if thread is not None:
            self.enqueue_sentinel()
            thread.join(self.patience)
            self._thread = None
