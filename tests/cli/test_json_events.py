"""``--json``: events with the keys of the report."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

from divere_cli.cli.json_events import JsonEvents
from divere_cli.errors import OutputLocked
from divere_cli.records.events import (
    RunStarted,
    RunStopping,
    ScanFinished,
    ScanProgress,
    ScanStarted,
)
from divere_cli.records.outcome import IsolationInfo
from divere_cli.records.report import PlannedScan
from divere_cli.report import json_report
from tests.report.sample import HOSTILE, run_report

INFO = IsolationInfo("auto", "process", "spawn", 2)


def told(stream: io.StringIO) -> list[dict[str, Any]]:
    lines = stream.getvalue().splitlines()
    assert all(line.isascii() and line.isprintable() for line in lines)
    return [json.loads(line) for line in lines]


def test_each_event_is_one_line_whatever_the_names() -> None:
    stream, report = io.StringIO(), run_report(HOSTILE)
    events = JsonEvents(stream)
    events.handle(RunStarted("1", "now", HOSTILE[1], 3, 2, INFO))
    for file in report.files:
        events.handle(ScanStarted(1, file.input, 1, 7))
        events.handle(ScanProgress(1, file.input, "read", 0.5))
        events.handle(ScanFinished(file))
    events.handle(RunStopping(HOSTILE[2], 1))
    events.end(replace(report, saved=(HOSTILE[5],)))
    found = told(stream)
    words = [event["event"] for event in found]
    assert words == ["start", *["file"] * len(HOSTILE), "log", "end"]
    saved = json.loads(json_report.render(report))
    for event, entry in zip(found[1:-2], saved["files"], strict=True):
        assert event == {"event": "file", **entry}
    assert set(found[-2]) == {"event", "time", "level", "logger", "pid", "message"}
    assert found[-2]["level"] == "warning"
    assert found[-2]["message"].startswith("stopping: ")
    assert found[-1]["summary"] == saved["summary"]
    assert found[-1]["exit_code"] == 3
    assert found[-1]["reports"] == [r"latin \xff\xe9.tif"]
    assert (found[0]["total"], found[0]["todo"]) == (3, 2)
    assert found[0]["isolation"]["start_method"] == "spawn"


def test_a_run_that_never_began_has_an_end() -> None:
    stream = io.StringIO()
    JsonEvents(stream).refused(OutputLocked("another run holds 'x'"))
    (event,) = told(stream)
    assert event["exit_code"] == 11
    assert event["error"]["kind"] == "locked"
    assert event["error"]["hint"]


def test_a_bug_has_an_end_too() -> None:
    stream = io.StringIO()
    JsonEvents(stream).refused(ZeroDivisionError("oh\n"))
    (event,) = told(stream)
    assert (event["exit_code"], event["error"]["kind"]) == (1, "internal")
    assert event["error"]["message"] == "ZeroDivisionError: oh\n"


def test_a_plan_is_an_event_a_scan() -> None:
    stream = io.StringIO()
    JsonEvents(stream).planned(PlannedScan("a\n", ("b",), "grade"))
    (event,) = told(stream)
    assert (event["event"], event["input"], event["action"]) == ("plan", "a\n", "grade")
