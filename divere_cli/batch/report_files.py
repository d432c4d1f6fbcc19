"""Write the reports of a run, atomically, also after an interruption.

Covers the files and what happens if one cannot be written. Rendering is in ``report``.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import stat
import traceback
from collections.abc import Iterable
from dataclasses import replace

from divere_cli.batch import report_inline, report_pictures
from divere_cli.batch.exit_code import exit_code
from divere_cli.batch.request import ReportFile
from divere_cli.batch.stop import Stop
from divere_cli.errors import Internal, JournalFailed, NoSpaceLeft
from divere_cli.files import durable
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.report import RunReport

log = logging.getLogger(__name__)

_READER_SECONDS = 30.0
_PIPE_BYTES = 4096


def write(
    report: RunReport,
    files: tuple[ReportFile, ...],
    stop: Stop,
) -> RunReport:
    """Write every report file; one that fails becomes the run's error in the others.

    Parameters
    ----------
    report : RunReport
    files : tuple of ReportFile
    stop : Stop
        A signal has priority over a report that cannot be written.

    Returns
    -------
    RunReport
        As it was written last; ``saved`` has the paths of the written files.
    """
    failed: set[str] = set()
    while True:
        error = _write_all(report, files, failed)
        if error is None or report.error is not None:
            saved = tuple(file.path for file in files if file.path not in failed)
            return replace(report, saved=saved)
        code = exit_code(stop.signal, error, report.files)
        report = replace(report, error=error, exit_code=code)


def _write_all(
    report: RunReport, files: tuple[ReportFile, ...], failed: set[str]
) -> ErrorRecord | None:
    first: ErrorRecord | None = None
    for file in files:
        if file.path in failed:
            continue
        error = _write_one(file, report)
        if error is not None:
            failed.add(file.path)
            first = first or error
    return first


def _write_one(file: ReportFile, report: RunReport) -> ErrorRecord | None:
    try:
        write_one(file, report, remove=True)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        if problem.errno in durable.NO_SPACE:
            return ErrorRecord.of(
                NoSpaceLeft(f"no space left for the report '{file.path}': {reason}")
            )
        return ErrorRecord.of(
            JournalFailed(f"the report '{file.path}' cannot be written: {reason}")
        )
    except Exception:
        log.exception("the report '%s' cannot be rendered", file.path)
        return bug(f"the report '{file.path}' cannot be rendered")
    return None


def write_one(file: ReportFile, report: RunReport, *, remove: bool) -> None:
    """Write one report.

    Parameters
    ----------
    file : ReportFile
        Path and renderer of the report.
    report : RunReport
        The report of a run.
    remove : bool
        Whether pictures of scans that are gone are removed.

    Raises
    ------
    OSError
    """
    if file.beside is not None and not _is_stream(file.path):
        report_pictures.write(file.path, report, file.beside, save, remove=remove)
    elif file.inline and not _is_stream(file.path):
        save(file.path, report_inline.page(file.path, report, file.render))
    else:
        save(file.path, file.render(report), private=file.private)


def bug(message: str) -> ErrorRecord:
    """Return the current exception as an ``internal`` error, with its traceback.

    Parameters
    ----------
    message : str
        The message of the error.
    """
    return ErrorRecord.of(Internal(message, detail=traceback.format_exc()))


def save(path: str, text: str | Iterable[str], *, private: bool = False) -> None:
    """Write a rendered report; a pipe or a device is written to directly.

    Names that are not UTF-8 must have been made safe before; remaining invalid characters
    are written with backslashes.

    Parameters
    ----------
    path : str
        Path of the file.
    text : str or iterable of str
        The report, or its pieces.
    private : bool, default False
        Whether the mode is 0600 and not that of the umask.

    Raises
    ------
    OSError
    """
    pieces = [text] if isinstance(text, str) else text
    data = (piece.encode("utf-8", "backslashreplace") for piece in pieces)
    if _is_stream(path):
        _write_stream(path, b"".join(data))
    else:
        durable.write_atomic(path, data, replace=True, private=private)


def _write_stream(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe without a reader: ENXIO
    try:
        view = memoryview(data)
        while view:
            if not select.select([], [fd], [], _READER_SECONDS)[1]:
                raise TimeoutError(errno.ETIMEDOUT, "nobody reads the pipe")
            view = view[os.write(fd, view[:_PIPE_BYTES]) :]
    finally:
        os.close(fd)


def _is_stream(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
