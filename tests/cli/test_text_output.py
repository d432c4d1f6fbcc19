"""Lines of text for people."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import replace

import pytest

from divere_cli.batch.staleness import EARLIER_GRADE
from divere_cli.cli import text_output
from divere_cli.cli.console import Console
from divere_cli.cli.text_output import Lines
from divere_cli.records.events import RunStopping, ScanFinished
from divere_cli.records.grade import ProfileRef
from divere_cli.records.outcome import ErrorRecord, ScanResult, Stages
from divere_cli.records.report import PlannedScan
from tests.report.sample import HOSTILE, run_report


def shown(*results: ScanResult, scans: bool = True) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    face = Lines(Console(out, err), scans)
    for result in results:
        face.handle(ScanFinished(result))
    return out.getvalue(), err.getvalue()


BAD = ScanResult("b'\n.tif", status="failed", error=ErrorRecord("crashed", "died\nof SIGSEGV"))


def test_a_failure_is_printed_on_stderr_even_with_quiet() -> None:
    line = "divere: error: 'b\\'\\x0a.tif': crashed: died\\x0aof SIGSEGV\n"
    assert shown(BAD) == ("", line)
    assert shown(BAD, scans=False) == ("", line)


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (
            ScanResult("a", ("x/a.tif", "x/b.tif"), width=6000, height=4000, seconds=1.234,
                       peak_rss_bytes=67_400_000),
            "ok: 'a' -> 'x/a.tif', 'x/b.tif' (24 MP, 1.23 s, 67 MB)\n",
        ),
        (ScanResult("a", status="up_to_date"), "up to date: 'a'\n"),
        (ScanResult("a", status="deferred"), "deferred: 'a'\n"),
        (ScanResult("a", status="interrupted"), "interrupted: 'a'\n"),
    ],
)  # fmt: skip
def test_every_other_end_is_a_line_on_stdout(result: ScanResult, line: str) -> None:
    assert shown(result) == (line, "")
    assert shown(result, scans=False) == ("", "")


def test_a_very_long_message_is_shortened() -> None:
    book = ScanResult("a", status="failed", error=ErrorRecord("crashed", "x" * 10**6))
    assert len(shown(book)[1]) < 10_000


def test_warnings_are_lines_of_their_own() -> None:
    said = shown(ScanResult("a", warnings=("odd \x1b", "older")), scans=False)[1]
    assert said == "divere: warning: 'a': odd \\x1b\ndivere: warning: 'a': older\n"


def test_stopping_is_printed() -> None:
    err = io.StringIO()
    Lines(Console(io.StringIO(), err), scans=False).handle(RunStopping("SIGTERM", 2))
    assert err.getvalue() == "divere: warning: stopping: SIGTERM; 2 still in progress\n"


def test_one_event_is_one_line_whatever_the_names() -> None:
    results = run_report(HOSTILE).files
    out, err = shown(*results)
    warnings = sum(len(result.warnings) for result in results)
    assert len((out + err).splitlines()) == len(results) + warnings
    assert all(line.isprintable() for line in (out + err).splitlines())


def test_each_hint_is_printed_once() -> None:
    report = run_report()
    error = ErrorRecord("crashed", "x", "do this")
    files = tuple(ScanResult(name, status="failed", error=error) for name in "abc")
    assert text_output.hints(dataclasses.replace(report, files=files)) == ["crashed: do this"]
    own = dataclasses.replace(report, files=(), error=ErrorRecord("no_space", "full", "free"))
    assert text_output.hints(own) == ["no_space: free"]


def test_the_last_line() -> None:
    report = run_report(tuple("ab"))
    saved = replace(report, saved=("out/divere-report.json", "r\n.html"))
    said = text_output.last_line(saved)
    assert said == "1 ok, 1 failed; report out/divere-report.json, r\\x0a.html; exit 3"
    assert text_output.last_line(report) == "1 ok, 1 failed; exit 3"
    first, *others = report.files
    earlier = replace(first, notes=("turned", EARLIER_GRADE))
    said = text_output.last_line(replace(report, files=(earlier, *others)))
    assert "; 1 by an earlier version of the grade (--force grades them again); exit" in said


def test_a_plan_is_a_line_a_scan_and_a_sum() -> None:
    planned = (
        PlannedScan("a", ("a.tif",), "grade", ProfileRef("ultramax", "00")),
        PlannedScan("b", ("b.tif",), "up_to_date"),
        PlannedScan("c", (), "fail", error=ErrorRecord("unsupported", "CMYK")),
    )
    assert [text_output.plan_line(scan) for scan in planned] == [
        "to grade: 'a' -> 'a.tif' (ultramax)",
        "up to date: 'b'",
        "will fail: 'c': unsupported: CMYK",
    ]
    said = "1 to grade, 1 up to date, 1 will fail; nothing was written"
    assert text_output.plan_summary(planned) == said
    assert text_output.plan_summary(()) == "0 files; nothing was written"


def test_stages_are_printed_with_their_shares_if_there_was_work() -> None:
    file = ScanResult("a", seconds=2.0, seconds_by_stage=Stages(0.1, 0.5, 0.7, 0.3))
    report = dataclasses.replace(run_report(), files=(file,))
    line = "start 0.10 s (5%), read 0.50 s (25%), grade 0.70 s (35%), write 0.30 s (15%)"
    spread = "start 0.100/0.100/0.100, read 0.500/0.500/0.500, grade 0.700/0.700/0.700"
    assert text_output.stages_lines(report) == [
        f"{line}, other 0.40 s (20%)",
        f"mean/median/95 % of a scan: {spread}, write 0.300/0.300/0.300 s",
    ]
    idle = dataclasses.replace(report, files=(ScanResult("a", status="up_to_date"),))
    assert text_output.stages_lines(idle) == []
