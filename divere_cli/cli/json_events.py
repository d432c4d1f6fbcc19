"""``--json``: events as one JSON object per line on stdout, and nothing else.

Covers ``start``, ``file``, ``log`` and ``end``; the object of a file is its entry in the
report. Progress within a scan has no event.
"""

from __future__ import annotations

import json
import logging
from typing import Any, TextIO

from divere_cli.cli.logs import log_object
from divere_cli.errors import DivereError
from divere_cli.records.events import Event, RunStarted, RunStopping, ScanFinished
from divere_cli.records.outcome import ErrorRecord
from divere_cli.records.report import PlannedScan, RunReport
from divere_cli.records.serialize import to_plain
from divere_cli.report.json_report import file_object, summary_object, valid
from divere_cli.report.summary import summarize
from divere_cli.text import safe


class JsonEvents:
    """Writes events to ``stdout``."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout

    def handle(self, event: Event) -> None:
        """Write ``start`` and ``file``, and a ``log`` event when the run is stopping."""
        if isinstance(event, RunStarted):
            self.write("start", valid(to_plain(event)))
        elif isinstance(event, ScanFinished):
            self.write("file", file_object(event.result))
        elif isinstance(event, RunStopping):
            message = safe(f"stopping: {event.reason}; {event.running} still in progress")
            record = logging.LogRecord(__name__, logging.WARNING, "", 0, message, None, None)
            self.write("log", log_object(record))

    def planned(self, scan: PlannedScan) -> None:
        """Write ``plan``: one scan of a dry run."""
        self.write("plan", valid(to_plain(scan)))

    def end(self, report: RunReport) -> None:
        """Write ``end`` for a run with a report."""
        self.write(
            "end",
            {
                "exit_code": report.exit_code,
                "seconds": round(report.seconds, 3),
                "summary": summary_object(summarize(report)),
                "error": valid(to_plain(report.error)),
                "stopped": valid(report.stopped),
                "reports": valid(list(report.saved)),
            },
        )

    def refused(self, error: Exception) -> None:
        """Write ``end`` for a run that ended without a report, by an error or a bug."""
        if isinstance(error, DivereError):
            code = error.exit_code
            record = ErrorRecord.of(error)
        else:
            code, record = 1, ErrorRecord("internal", f"{type(error).__name__}: {error}")
        self.write("end", {"exit_code": code, "error": valid(to_plain(record))})

    def write(self, event: str, data: dict[str, Any]) -> None:
        """Write one event."""
        self._stdout.write(json.dumps({"event": event, **data}, allow_nan=False) + "\n")
        self._stdout.flush()
