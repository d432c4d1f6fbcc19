"""The table on a terminal."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console

from divere_cli.records.report import RunReport
from divere_cli.report import table_report
from tests.report.sample import HOSTILE, run_report

UNWANTED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printed(report: RunReport, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True)
    with console.capture() as capture:
        console.print(table_report.render(report, width))
    return re.sub("\x1b\\[[0-9;]*m", "", capture.get())


def test_names_are_shown_literally_and_do_nothing() -> None:
    text = printed(run_report(HOSTILE))
    assert not UNWANTED.search(text)
    assert "[/red].tif" in text
    assert "[link=http://example.org]x[/link] :smile:.tif" in text


def test_every_scan_of_a_small_run_has_a_row_with_its_memory() -> None:
    report = run_report(("a.tif", "b.tif", "c.tif"))
    rows = [line.split() for line in printed(report).splitlines()]
    assert ["a.tif", "ok", "a.tif", "24", "1.00", "100", "MB"] in [row[:7] for row in rows]
    assert any(row[:2] == ["b.tif", "failed"] and "corrupt_input" in row for row in rows)
    assert ["3", "scans", "1.9", "MP/s", "12.50", "100", "MB"] in rows


@pytest.mark.parametrize("width", [40, 64, 80, 100, 200])
def test_nothing_but_long_names_is_cut(width: int) -> None:
    lines = printed(run_report(HOSTILE), width).splitlines()
    assert max(map(len, lines)) <= width
    assert ("peak memory" in lines[1]) == (width >= 60)
    cut = [line for line in lines if "…" in line]
    assert all(re.match(" …|.* ok +…", line) for line in cut)  # of the scan or its profile
    assert any("interrupted" in line for line in lines)


def test_of_a_large_run_failures_and_the_slowest_have_rows() -> None:
    names = tuple(f"{number:04}.tif" for number in range(600))
    report = run_report(names)
    shown = table_report.selected(report.files)
    assert len(shown) == table_report.ROWS
    assert [file.input for file in shown] == sorted(file.input for file in shown)
    assert "and 550 more, in the report" in printed(report)
    few = dataclasses.replace(report, files=report.files[:120])
    failed = {file.input for file in few.files if file.status == "failed"}
    assert failed < {file.input for file in table_report.selected(few.files)}
    assert "0114.tif" in {file.input for file in table_report.selected(few.files)}  # the slowest


def test_a_killed_worker_s_peak_is_a_lower_bound() -> None:
    report = run_report(("a.tif",))
    killed = dataclasses.replace(report.files[0], peak_rss_source="vmhwm>=")
    assert ">= 100 MB" in printed(dataclasses.replace(report, files=(killed,)))


def test_times_by_stage_are_one_line_and_a_separate_table() -> None:
    report = run_report(("a.tif", "b.tif", "c.tif"))
    line = "median of a scan: start 0.10, read 0.20, grade 0.30, write 0.40 s"
    assert table_report.medians(report) == line
    table = table_report.stages(report)
    assert table is not None
    assert [column.header for column in table.columns] == ["stage", "mean", "median", "95 %"]
    assert list(table.columns[0].cells) == ["start", "read", "grade", "write"]
    idle = dataclasses.replace(report, files=(dataclasses.replace(report.files[2]),))
    assert table_report.stages(idle) is None
    assert table_report.medians(idle) == ""
