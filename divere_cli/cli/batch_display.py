"""How a batch is seen: picks the faces of a run, feeds them its events, says the last line.

What it does not: the faces themselves (:mod:`.lines`, :mod:`.live`,
:mod:`.events`, :mod:`.logs`) and the run.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from divere_cli.batch import run as batch_run
from divere_cli.cli import logs, streams, text_output
from divere_cli.cli.batch_options import BatchOptions
from divere_cli.cli.console import Console
from divere_cli.cli.json_events import JsonEvents
from divere_cli.cli.session import Session
from divere_cli.isolation.log_bridge import LogBridge
from divere_cli.records.events import Event, ScanFinished
from divere_cli.records.report import RunReport

# Seconds that a run waits for somebody who does not read: lines are then left
# out, but a stream of events with a hole would lie, so it ends instead.
_PATIENCE = 1.0
_EVENT_PATIENCE = 30.0

record = logging.getLogger(logs.RECORD)


@contextmanager
def ends_told(as_json: bool) -> Iterator[None]:
    """Let a run that ends without a report have its ``end`` event, where there are events."""
    try:
        yield
    except Exception as error:
        if as_json:
            JsonEvents(sys.stdout).refused(error)
        raise


def preview(options: BatchOptions, session: Session) -> int:
    """Print the plan; return 0."""
    session.verbose += options.log.verbose
    planned = batch_run.preview(options.request)
    say = Console(sys.stdout, sys.stderr)
    for scan in planned:
        if options.json:
            JsonEvents(sys.stdout).planned(scan)
        else:
            say.result(text_output.plan_line(scan))
    if not options.json and not options.log.quiet:
        say.message("", text_output.plan_summary(planned))
    return 0


def run(options: BatchOptions, session: Session) -> int:
    """Run the batch and show it; return the exit code."""
    session.verbose += options.log.verbose
    session.answers_on_stdout, session.kept_elsewhere = options.json, True
    streams.bound(sys.stderr, _PATIENCE, whole=False)
    streams.bound(sys.stdout, _EVENT_PATIENCE if options.json else _PATIENCE, whole=options.json)
    say = Console(sys.stdout, sys.stderr)
    events = JsonEvents(sys.stdout) if options.json else None
    report = _watched(options, say, events)
    if events is not None:
        events.end(report, report_paths(options))
    elif sys.stdout.isatty() and not options.log.quiet:
        from divere_cli.cli import tables

        tables.show(report, sys.stdout)
    _conclude(report, options, say)
    return report.exit_code


def _watched(options: BatchOptions, say: Console, events: JsonEvents | None) -> RunReport:
    with ExitStack() as stack:
        write = events.write if events is not None else None
        handlers = stack.enter_context(logs.handlers(options.log, say, write))
        stack.enter_context(LogBridge(handlers))
        faces = _faces(options, say, events, stack)

        def emit(event: Event) -> None:
            for face in faces:
                face(event)

        return batch_run.run(options.request, emit)


def _faces(
    options: BatchOptions, say: Console, events: JsonEvents | None, stack: ExitStack
) -> list[Callable[[Event], None]]:
    faces: list[Callable[[Event], None]] = [_log]
    live = _shows_live(options)
    if events is not None:
        faces.append(events.handle)
    if live:
        from divere_cli.cli.live_display import Live

        display = stack.enter_context(Live(sys.stderr, force=bool(options.progress)))
        say.screen = display
        stack.callback(setattr, say, "screen", None)
        faces.append(display.handle)
    covered = live and sys.stdout.isatty()
    scans = not (covered or options.json or options.log.quiet)
    faces.append(text_output.Lines(say, scans).handle)
    return faces


def _shows_live(options: BatchOptions) -> bool:
    if options.progress is not None:
        return options.progress
    mixed = options.json and sys.stdout.isatty()
    unset = "" if sys.platform == "win32" else "dumb"  # Windows knows no TERM
    able = sys.stderr.isatty() and os.environ.get("TERM", unset) != "dumb"
    return able and not options.log.quiet and not mixed


def _log(event: Event) -> None:
    """Put each scan's end into the log file, which the screen's lines do not reach."""
    if not isinstance(event, ScanFinished):
        return
    file = event.result
    if file.error is not None:
        text = f"{file.error.kind}: {file.error.message}"
        record.error("%s", text, extra={"scan": file.input})
        if file.error.detail:
            record.debug("%s", file.error.detail, extra={"scan": file.input})
    else:
        peak = f"{file.peak_rss_bytes / 1e6:.1f} MB peak"
        record.info("%s, %.3f s, %s", file.status, file.seconds, peak, extra={"scan": file.input})


def _conclude(report: RunReport, options: BatchOptions, say: Console) -> None:
    for warning in report.warnings:
        say.message("warning", warning)
    if report.error is not None:
        say.message("error", f"{report.error.kind}: {report.error.message}")
    for hint in text_output.hints(report):
        say.message("hint", hint)
    if options.log.verbose and (stages := text_output.stages_line(report)):
        say.message("stages", stages)
    if report.exit_code or not options.log.quiet:
        say.message("", text_output.last_line(report, report_paths(options)))


def report_paths(options: BatchOptions) -> tuple[str, ...]:
    """Return where the reports of this run are."""
    return tuple(file.path for file in options.request.reports)
