"""The report of a run: put together, written atomically, also after an interruption.

Covers the record and its files. What it does not: what a report looks like
(``report`` renders, given by ``cli``).
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace

from divere_cli.batch.exit_code import exit_code
from divere_cli.batch.request import ReportFile
from divere_cli.batch.scheduler import record
from divere_cli.batch.stop import Stop
from divere_cli.errors import Internal, JournalFailed, NoSpaceLeft, RunError
from divere_cli.files import durable
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.report import RunReport

log = logging.getLogger(__name__)


def write(
    report: RunReport,
    files: tuple[ReportFile, ...],
    run_id: str,
    stop: Stop,
) -> RunReport:
    """Write every report file; one that fails becomes the run's error in the others.

    Parameters
    ----------
    report : RunReport
    files : tuple of ReportFile
    run_id : str
        Part of the temporary files' names.
    stop : Stop
        A signal outranks a report that cannot be written.

    Returns
    -------
    RunReport
        As it was written last.
    """
    failed: set[str] = set()
    while True:
        error = _write_all(report, files, failed, run_id)
        if error is None or report.error is not None:
            return report
        code = exit_code(stop.signal, error, report.files)
        report = replace(report, error=error, exit_code=code)


def _write_all(
    report: RunReport, files: tuple[ReportFile, ...], failed: set[str], run_id: str
) -> ErrorRecord | None:
    first: ErrorRecord | None = None
    for file in files:
        if file.path in failed:
            continue
        error = _write_one(file, report, run_id)
        if error is not None:
            failed.add(file.path)
            first = first or error
    return first


def _write_one(file: ReportFile, report: RunReport, run_id: str) -> ErrorRecord | None:
    try:
        durable.replace_file(file.path, file.render(report), run_id)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        if problem.errno in durable.NO_SPACE:
            return run_record(NoSpaceLeft(f"no space left for the report '{file.path}': {reason}"))
        return run_record(JournalFailed(f"the report '{file.path}' cannot be written: {reason}"))
    except Exception:
        log.exception("the report '%s' cannot be rendered", file.path)
        return bug(f"the report '{file.path}' cannot be rendered")
    return None


def run_record(problem: RunError) -> ErrorRecord:
    """A run's error as data, under its own word."""
    return ErrorRecord(problem.kind, problem.message, problem.hint, problem.detail)


def bug(message: str) -> ErrorRecord:
    """The exception in hand as an ``internal`` error, with its traceback."""
    return record(Internal(message, detail=traceback.format_exc()))
