"""The figures of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from divere_cli.records.outcome import ScanResult, Stages
from divere_cli.report.summary import (
    StageFigures,
    Summary,
    digits,
    seconds_by_stage,
    summarize,
    tally,
)
from tests.report.sample import run_report


def test_figures_count_only_graded_scans() -> None:
    report = run_report(tuple(f"{n}.tif" for n in range(7)))
    summary = summarize(report)
    assert (summary.ok, summary.failed, summary.total) == (2, 2, 7)
    assert (summary.up_to_date, summary.deferred, summary.interrupted) == (1, 1, 1)
    assert summary.megapixels_per_second == pytest.approx(2 * 24.0 / 12.5)
    assert summary.slowest == "6.tif"
    assert summary.peak_rss_bytes == 106_000_000


def test_a_run_that_did_nothing_has_figures_too() -> None:
    skipped = ScanResult(input="a.tif", status="up_to_date", seconds=99.0)
    report = replace(run_report(), files=(skipped,), seconds=0.0)
    assert summarize(report) == Summary(up_to_date=1, total=1)


def test_each_stage_has_its_mean_its_median_and_its_95th_percentile() -> None:
    files = [
        ScanResult(str(n), attempts=1, seconds_by_stage=Stages(0.0, n / 100, 0.1, 0.2))
        for n in range(1, 101)
    ]
    failed = ScanResult("bad", status="failed", attempts=1, seconds_by_stage=Stages(read=99.0))
    measured = replace(files[7], seconds_by_stage=Stages(read=0.08, measure=0.5))
    files[7] = measured
    report = replace(run_report(), files=(*files, failed))
    found = summarize(report).seconds_by_stage
    assert list(found) == ["start", "read", "measure", "grade", "write"]
    assert found["read"] == StageFigures(mean=0.505, p50=0.5, p95=0.95)
    assert found["measure"] == StageFigures(0.5, 0.5, 0.5)
    assert found["grade"].mean == pytest.approx(0.099)


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (Summary(), "0 files"),
        (Summary(ok=41, failed=2, total=43), "41 ok, 2 failed"),
        (
            Summary(up_to_date=3, deferred=1, interrupted=2),
            "3 up to date, 1 deferred, 2 interrupted",
        ),
    ],
)
def test_the_tally_names_only_what_there_is(summary: Summary, line: str) -> None:
    assert tally(summary) == line


@pytest.mark.parametrize(
    ("megapixels", "shown"),
    [(0.023504, "0.0235"), (24.2, "24.2"), (99.96, "100"), (696.4, "696"), (1392.1, "1392")],
)
def test_a_size_is_never_an_exponent(megapixels: float, shown: str) -> None:
    assert digits(megapixels) == shown


def test_the_time_of_all_scans_is_summed_by_stage() -> None:
    first = ScanResult("a", seconds=2.0, seconds_by_stage=Stages(0.1, 0.5, 0.7, 0.3))
    second = ScanResult("b", seconds=1.0, seconds_by_stage=Stages(0.1, 0.5, 0.4, 0.5))
    report = replace(run_report(), files=(first, second))
    found = seconds_by_stage(report)
    wanted = {"start": 0.2, "read": 1.0, "grade": 1.1, "write": 0.8, "other": 0.4}
    assert found == pytest.approx(wanted)
