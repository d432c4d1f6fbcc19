"""The state behind the live display."""

from __future__ import annotations

import pytest

from divere_cli.cli.progress import Board
from divere_cli.records.events import ENDED, RunStarted, ScanFinished, ScanProgress, ScanStarted
from divere_cli.records.outcome import ErrorRecord, IsolationInfo, ScanResult

INFO = IsolationInfo("auto", "thread", None, 2)


def board(total: int, todo: int) -> tuple[Board, list[float]]:
    now = [0.0]
    made = Board(lambda: now[0])
    made.handle(RunStarted("1", "now", "out", total, todo, INFO))
    return made, now


def test_parts_of_scans_count_for_the_time_left() -> None:
    made, now = board(total=4, todo=4)
    made.handle(ScanStarted(1, "a", 1, 1))
    made.handle(ScanStarted(2, "b", 1, 2))
    assert made.seconds_left() is None
    now[0] = 10.0
    made.handle(ScanFinished(ScanResult("a", width=1000, height=1000, attempts=1)))
    made.handle(ScanProgress(2, "b", "grade", 1.0))
    assert made.done() == 0.5
    assert made.seconds_left() == 10.0
    assert made.speed() == 0.1


def test_scans_that_are_up_to_date_are_not_work() -> None:
    made, now = board(total=3, todo=1)
    now[0] = 5.0
    made.handle(ScanFinished(ScanResult("a", status="up_to_date")))
    made.handle(ScanFinished(ScanResult("b", status="deferred")))
    assert (made.finished, made.graded, made.left_alone, made.done()) == (2, 0, 2, 0.0)
    failed = ScanResult("c", status="failed", error=ErrorRecord("crashed", "gone"), attempts=2)
    made.handle(ScanFinished(failed))
    assert (made.finished, made.failed, made.done()) == (3, 1, 1.0)


def test_scans_that_failed_before_any_work_do_not_count() -> None:
    made, _ = board(total=3, todo=2)
    refused = ScanResult("a", status="failed", error=ErrorRecord("unsupported", "text"))
    made.handle(ScanFinished(refused))
    assert (made.failed, made.done()) == (1, 0.0)


def test_a_second_attempt_starts_again() -> None:
    made, _ = board(total=1, todo=1)
    made.handle(ScanStarted(1, "a", 1, 1))
    made.handle(ScanProgress(1, "a", "write", 0.9, 7))
    made.handle(ScanStarted(1, "a", 2, 2))
    assert (made.at_work[1].attempt, made.at_work[1].done, made.at_work[1].stage) == (2, 0, "start")
    made.handle(ScanProgress(1, "a", "read", 7.0))
    assert made.at_work[1].done == 1.0
    made.handle(ScanFinished(ScanResult("a")))
    assert not made.at_work


def test_progress_of_an_unknown_scan_is_ignored() -> None:
    made, _ = board(total=1, todo=1)
    made.handle(ScanProgress(9, "z", "read", 0.5, 10**9))
    assert (made.done(), made.rss_bytes) == (0.0, 0)


def test_nothing_to_do_is_done() -> None:
    assert board(total=3, todo=0)[0].done() == 1.0


def test_a_measured_scan_is_not_in_progress_until_it_is_graded() -> None:
    made = Board(lambda: 0.0)
    made.handle(RunStarted("1", "now", "out", 2, 2, INFO, measuring="2 scans are measured first"))
    for number, name in ((1, "a"), (2, "b")):
        made.handle(ScanStarted(number, name, 1, 1))
        made.handle(ScanProgress(number, name, "read", 0.5))
        made.handle(ScanProgress(number, name, ENDED, 1.0))
    assert not made.at_work
    assert made.done() == 0.2
    made.handle(ScanStarted(3, "a", 1, 1))
    assert [scan.name for scan in made.at_work.values()] == ["a"]
    made.handle(ScanProgress(3, "a", "grade", 0.5))
    assert made.done() == pytest.approx(0.2 + 0.8 * 0.25)
    made.handle(ScanProgress(3, "a", ENDED, 1.0))
    made.handle(ScanFinished(ScanResult("a", attempts=1)))
    assert made.done() == pytest.approx(0.2 + 0.8 * 0.5)
