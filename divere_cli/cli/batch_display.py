"""Show a batch: pass its events to the requested renderers, and print the last line.

The renderers are in :mod:`.text_output`, :mod:`.live_display`, :mod:`.json_events` and
:mod:`.logs`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from divere_cli.batch import dry_run
from divere_cli.cli import logs, streams, text_output
from divere_cli.cli.batch_options import CommandLine
from divere_cli.cli.console import Console
from divere_cli.cli.json_events import JsonEvents
from divere_cli.cli.session import Session
from divere_cli.isolation.log_bridge import LogBridge
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.report import RunReport
from divere_cli.text import format_bytes

# Seconds that a run waits for a reader that does not read. Then lines are left out; a stream
# of events ends instead, because one with missing events would be wrong.
_PATIENCE = 1.0
_EVENT_PATIENCE = 30.0

record = logging.getLogger(logs.RECORD)


@contextmanager
def ends_reported(as_json: bool) -> Iterator[None]:
    """With ``--json``, write an ``end`` event for a run that ends without a report.

    Parameters
    ----------
    as_json : bool
        Whether events are written to stdout.
    """
    try:
        yield
    except Exception as error:
        if as_json:
            JsonEvents(sys.stdout).refused(error)
        raise


def preview(options: CommandLine, session: Session) -> int:
    """Print the plan; return 0.

    Parameters
    ----------
    options : CommandLine
        The command line.
    session : Session
        State of this run of the program.
    """
    session.verbose += options.log.verbose
    planned = dry_run.preview(options.request)
    console = Console(sys.stdout, sys.stderr)
    for scan in planned:
        if options.json:
            JsonEvents(sys.stdout).planned(scan)
        else:
            console.result(text_output.plan_line(scan))
    if not options.json and not options.log.quiet:
        console.message("", text_output.plan_summary(planned))
    return 0


class Display:
    """Shows a run as it happens, and prints its last line. A context manager.

    Parameters
    ----------
    options : CommandLine
    session : Session
    """

    def __init__(self, options: CommandLine, session: Session) -> None:
        self._options = options
        self._renderers: list[Callable[[Event], None]] = []
        self._resources = ExitStack()
        session.verbose += options.log.verbose
        session.answers_on_stdout, session.kept_elsewhere = options.json, not options.json
        streams.bound(sys.stderr, _PATIENCE, complete=False)
        patience = _EVENT_PATIENCE if options.json else _PATIENCE
        streams.bound(sys.stdout, patience, complete=options.json)
        as_line = logs.message_line if logs.on_stderr(options.log) else None
        session.as_line = as_line
        self._console = Console(sys.stdout, sys.stderr, as_line)
        self._events = JsonEvents(sys.stdout) if options.json else None

    def __enter__(self) -> Display:
        with ExitStack() as stack:
            write = self._events.write if self._events is not None else None
            handlers = stack.enter_context(logs.handlers(self._options.log, self._console, write))
            stack.enter_context(LogBridge(handlers))
            self._renderers = _renderers(self._options, self._console, self._events, stack)
            self._resources = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._resources.__exit__(*error)

    def emit(self, event: Event) -> None:
        """Pass one event to all renderers."""
        for render in self._renderers:
            render(event)

    def conclude(self, report: RunReport) -> None:
        """Show how the run ended; to be called after leaving the context."""
        tabled = self._events is None and sys.stdout.isatty() and not self._options.log.quiet
        if self._events is not None:
            self._events.end(report)
        elif tabled:
            from divere_cli.cli import tables

            tables.show(report, sys.stdout, stages=bool(self._options.log.verbose))
            for line in text_output.note_lines(report):
                self._console.message("note", line)
        _conclude(report, self._options, self._console, tabled=tabled)


def _renderers(
    options: CommandLine, console: Console, events: JsonEvents | None, stack: ExitStack
) -> list[Callable[[Event], None]]:
    renderers: list[Callable[[Event], None]] = [_log]
    live = _shows_live(options)
    if events is not None:
        renderers.append(events.handle)
    if live:
        from divere_cli.cli.live_display import Live

        display = stack.enter_context(Live(sys.stderr, force=bool(options.progress)))
        console.screen = display
        stack.callback(setattr, console, "screen", None)
        renderers.append(display.handle)
    covered = live and sys.stdout.isatty()
    scans = not (covered or options.json or options.log.quiet)
    failures = not logs.on_stderr(options.log)
    renderers.append(text_output.Lines(console, scans, failures).handle)
    return renderers


def _shows_live(options: CommandLine) -> bool:
    if logs.on_stderr(options.log):
        return False
    if options.progress is not None:
        return options.progress
    mixed = options.json and sys.stdout.isatty()
    unset = "" if sys.platform == "win32" else "dumb"  # Windows knows no TERM
    able = sys.stderr.isatty() and os.environ.get("TERM", unset) != "dumb"
    return able and not options.log.quiet and not mixed


def _log(event: Event) -> None:
    """Write the end of each scan into the log file, which does not get the lines on screen."""
    if not isinstance(event, ScanFinished):
        return
    file = event.result
    if file.error is not None:
        text = f"{file.error.kind}: {file.error.message}"
        record.error("%s", text, extra={"scan": file.input})
        if file.error.detail:
            record.debug("%s", file.error.detail, extra={"scan": file.input})
    else:
        peak = f"{format_bytes(file.peak_rss_bytes)} peak"
        record.info("%s, %.3f s, %s", file.status, file.seconds, peak, extra={"scan": file.input})


def _conclude(
    report: RunReport, options: CommandLine, console: Console, *, tabled: bool = False
) -> None:
    for warning in report.warnings:
        console.message("warning", warning)
    if report.error is not None:
        console.message("error", f"{report.error.kind}: {report.error.message}")
    for hint in text_output.hints(report):
        console.message("hint", hint)
    for line in () if options.log.quiet else text_output.roll_lines(report):
        console.message("", line)
    stages = text_output.stages_lines(report) if options.log.verbose else []
    for line in stages[:1] if tabled else stages:  # a table has shown the second one
        console.message("stages", line)
    if report.exit_code or not options.log.quiet:
        console.message("", text_output.last_line(report))
