"""The log: format of its lines, and where they are written.

Covers the handlers for stderr, ``--log-file`` and ``--json``. The log bridge of the isolation
room also passes records of workers to them. Rotation is left to the system: the file is
opened again after it was moved away.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from divere_cli.cli.console import Console
from divere_cli.errors import UsageError
from divere_cli.report.json_report import valid
from divere_cli.text import quote, safe

RECORD = "divere_cli.record"  # logger for records that are on the screen already


@dataclass(frozen=True, slots=True)
class LogOptions:
    """File, format and amount of the log."""

    file: str | None = None
    format: Literal["text", "json"] = "text"
    verbose: int = 0
    quiet: bool = False


def level(options: LogOptions) -> int:
    """Return the log level of stderr, or of the log file where stderr is the log.

    Parameters
    ----------
    options : LogOptions
        File, format and amount of the log.
    """
    if options.quiet:
        return logging.ERROR
    if on_stderr(options) and not options.verbose:
        return logging.INFO
    return (logging.WARNING, logging.INFO, logging.DEBUG)[min(options.verbose, 2)]


class LogText(logging.Formatter):
    """One safe line per record: time, level, logger, scan, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback is appended, its lines separated by ``|``."""
        return f"{stamp(record)} {record.levelname} {record.name} {described(record)}"


class LogJson(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as one line of ASCII."""
        return json.dumps(log_object(record))


def log_object(record: logging.LogRecord) -> dict[str, Any]:
    """Return a record as the data of a ``log`` event.

    Parameters
    ----------
    record : LogRecord
        The log record.
    """
    data: dict[str, Any] = {
        "time": stamp(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        "pid": record.process,
        "message": record.getMessage(),
    }
    for key in ("scan", "attempt"):
        if hasattr(record, key):
            data[key] = getattr(record, key)
    trace = _trace(record)
    if trace:
        data["trace"] = trace
    checked: dict[str, Any] = valid(data)
    return checked


def on_stderr(options: LogOptions) -> bool:
    """Return whether stderr is the log, with one JSON object per line and nothing else.

    Parameters
    ----------
    options : LogOptions
        File, format and amount of the log.
    """
    return options.format == "json" and options.file is None


def message_line(word: str, text: str) -> str:
    """Return a message as one JSON line of the log.

    Parameters
    ----------
    word : str
        ``error``, ``warning``, ``hint`` or another label; empty for none.
    text : str
        The message.
    """
    level = {"error": logging.ERROR, "warning": logging.WARNING}.get(word, logging.INFO)
    message = f"{word}: {text}" if word and level == logging.INFO else text
    made = logging.LogRecord("divere_cli", level, "", 0, "%s", (message,), None)
    return json.dumps(log_object(made))


def stamp(record: logging.LogRecord) -> str:
    """Return the time of a record: ISO 8601, UTC, with milliseconds.

    Parameters
    ----------
    record : LogRecord
        The log record.
    """
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def described(record: logging.LogRecord, traces: bool = True) -> str:
    """Return scan and message of a record as one safe line.

    Parameters
    ----------
    record : LogRecord
        The log record.
    traces : bool, default True
        Whether the traceback is added.
    """
    scan = getattr(record, "scan", None)
    parts = [f"{quote(scan)}: " if isinstance(scan, str) else "", safe(record.getMessage())]
    trace = _trace(record) if traces else ""
    if trace:
        parts += [" | ", " | ".join(safe(line) for line in trace.splitlines())]
    return "".join(parts)


def _trace(record: logging.LogRecord) -> str:
    if record.exc_text:
        return record.exc_text
    return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""


class ConsoleHandler(logging.Handler):
    """Prints records on stderr: ``divere: warning: ...``, or JSON lines."""

    def __init__(self, console: Console, as_json: bool = False, traces: bool = False) -> None:
        super().__init__()
        self._console = console
        self._as_json = as_json
        self._traces = traces
        if not as_json:
            self.addFilter(lambda record: record.name != RECORD)

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record."""
        if self._as_json:
            self._console.data(json.dumps(log_object(record)))
        else:
            self._console.message(record.levelname.lower(), described(record, self._traces))


class EventHandler(logging.Handler):
    """Writes records as ``log`` events."""

    def __init__(self, write: Callable[[str, dict[str, Any]], None]) -> None:
        super().__init__()
        self._write = write
        self.addFilter(lambda record: record.name != RECORD)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event."""
        self._write("log", log_object(record))


class _LogFile(logging.handlers.WatchedFileHandler):
    """A log file that prints a single warning if its disk is full."""

    def __init__(self, path: str, console: Console) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._console = console
        self._failed = False

    def _open(self) -> Any:
        def private(name: str, flags: int) -> int:
            fd = os.open(name, flags | getattr(os, "O_NONBLOCK", 0), 0o600)  # a pipe nobody reads
            os.set_blocking(fd, True)
            return fd

        return open(
            self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=private
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Warn once that the log is incomplete."""
        if not self._failed:
            self._failed = True
            self._console.message(
                "warning", f"{quote(self.baseFilename)}: the log cannot be written"
            )

    def close(self) -> None:
        """Close the file, also on a full disk."""
        try:
            super().close()
        except OSError:
            self.handleError(logging.makeLogRecord({}))


@contextmanager
def handlers(
    options: LogOptions, console: Console, write_event: Callable[[str, dict[str, Any]], None] | None
) -> Iterator[list[logging.Handler]]:
    """Yield the handlers for the options, with the level of the root logger set.

    Parameters
    ----------
    options : LogOptions
        File, format and amount of the log.
    console : Console
        Prints messages.
    write_event : callable or None
        Writes an event of a name and its data; None where no events are written.

    Raises
    ------
    UsageError
        The log file cannot be opened.
    """
    made: list[logging.Handler] = [
        ConsoleHandler(console, on_stderr(options), bool(options.verbose))
    ]
    made[0].setLevel(level(options))
    if write_event is not None:
        made.append(EventHandler(write_event))
        made[-1].setLevel(min(level(options), logging.INFO))
    if options.file is not None:
        made.append(_open_file(options, options.file, console))
    root = logging.getLogger()
    before = root.level
    root.setLevel(min(handler.level for handler in made))
    try:
        yield made
    finally:
        root.setLevel(before)
        for handler in made:
            handler.close()


def _open_file(options: LogOptions, path: str, console: Console) -> logging.Handler:
    try:
        handler = _LogFile(path, console)
    except OSError as error:
        raise UsageError(
            f"{quote(path)}: the log file cannot be opened: {error.strerror}"
        ) from error
    handler.setFormatter(LogJson() if options.format == "json" else LogText())
    handler.setLevel(logging.DEBUG if options.verbose else logging.INFO)
    return handler
