"""Scheduling and second attempts, with a runner whose attempts end as the test says."""

from __future__ import annotations

from collections import Counter

import pytest

from divere_cli.batch import grading
from divere_cli.batch.publish import Publisher
from divere_cli.batch.scheduler import Queued
from divere_cli.batch.stop import Stop
from divere_cli.errors import ClusterFailed
from divere_cli.records.events import RunStopping, ScanProgress
from divere_cli.records.job import Job, Limits
from divere_cli.records.outcome import Outcome
from tests.batch import tasks
from tests.batch.lab import Bench, Lab


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time between attempts pass at once."""
    monkeypatch.setattr("divere_cli.batch.retries._PAUSES", (0.0,))


def test_a_crash_is_tried_again(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.bench.script = {"a.tif": ["crashed", "lost"]}
    report = lab.run()
    assert report.exit_code == 0
    assert [file.attempts for file in report.files] == [3, 1]


def test_a_crash_fails_after_three_fresh_attempts(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    lab.bench.script = {"a.tif": ["crashed"] * 9}
    report = lab.run()
    assert lab.statuses(report) == {"a.tif": "failed", "b.tif": "ok"}
    assert lab.kinds(report) == {"a.tif": "crashed"}
    assert report.files[0].attempts == 4
    assert [limits.attempt for name, limits in lab.bench.limits if name == "a.tif"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("end", "asked", "attempts"),
    [
        ("crashed", 0, 1),
        ("crashed", 1, 2),
        ("timeout", None, 1),
        ("timeout", 2, 3),
        ("error", 5, 1),
    ],
)
def test_each_way_to_fail_has_its_own_budget(
    lab: Lab, end: str, asked: int | None, attempts: int
) -> None:
    lab.scans("a.tif")
    lab.bench.script = {"a.tif": [end] * 9}
    report = lab.run(retries=asked)
    assert report.exit_code == 3
    assert report.files[0].attempts == attempts


def test_failures_of_the_runner_are_not_those_of_the_scan(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.bench.script = {"a.tif": ["infrastructure"] * 10}
    report = lab.run(retries=0)
    assert report.exit_code == 0
    assert report.files[0].attempts == 1


def test_a_runner_that_never_works_ends_the_run(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif")
    lab.bench.script = {name: ["infrastructure"] * 99 for name in ("a.tif", "b.tif", "c.tif")}
    report = lab.run()
    assert report.exit_code == 3
    assert "at fault" in report.stopped
    assert lab.statuses(report)["d.tif"] == "interrupted"


def test_out_of_memory_is_tried_again_alone_and_with_the_whole_budget(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif")
    lab.bench.script = {"b.tif": ["out_of_memory"]}
    beside: list[int] = []
    lab.bench.before = lambda job: beside.append(len(lab.bench._work)) if job.id == 2 else None
    report = lab.run(jobs=3)
    assert report.exit_code == 0
    assert lab.bench.together == 3
    assert beside == [0]
    first, second = (limits for name, limits in lab.bench.limits if name == "b.tif")
    assert first.memory_bytes is not None
    assert second.memory_bytes == 8 << 30 > first.memory_bytes


def test_out_of_memory_ends(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.bench.script = {"a.tif": ["out_of_memory"] * 9}
    report = lab.run()
    assert lab.kinds(report) == {"a.tif": "out_of_memory"}
    assert report.files[0].attempts == 3


def test_different_scans_that_crash_in_a_row_stop_the_run(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif", "e.tif")
    lab.bench.script = {name: ["crashed"] * 9 for name in ("a.tif", "b.tif", "c.tif")}
    report = lab.run()
    assert report.exit_code == 3
    assert lab.statuses(report)["d.tif"] == "interrupted"
    assert report.stopped.startswith("3 different scans crashed")
    last = next(file.error for file in report.files if file.input == "c.tif")
    assert last is not None
    assert report.stopped.endswith(f"; the last one: {last.message}")
    assert any(isinstance(event, RunStopping) for event in lab.events)


def test_good_scans_between_crashes_keep_the_run_going(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif", "e.tif")
    lab.bench.script = {name: ["crashed"] * 9 for name in ("a.tif", "b.tif", "d.tif")}
    report = lab.run()
    assert not report.stopped
    assert lab.statuses(report)["e.tif"] == "ok"


@pytest.mark.parametrize("most", [1, 2])
def test_max_failures_stops_in_order(lab: Lab, most: int) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif")
    lab.bench.script = {name: ["error"] for name in ("a.tif", "b.tif", "c.tif")}
    report = lab.run(max_failures=most)
    assert report.exit_code == 3
    words = list(lab.statuses(report).values())
    assert words == ["failed"] * most + ["interrupted"] * (4 - most)
    assert report.stopped == ("1 scan failed" if most == 1 else "2 scans failed")
    again = lab.run()
    assert set(lab.statuses(again).values()) <= {"ok", "failed"}


def test_a_scan_that_fails_while_planning_counts_for_max_failures(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    lab.scan("bad.tif", b"no TIFF")
    report = lab.run(max_failures=1)
    assert report.stopped == "1 scan failed"
    assert lab.statuses(report) == {
        "a.tif": "interrupted", "b.tif": "interrupted", "c.tif": "interrupted", "bad.tif": "failed"
    }  # fmt: skip
    lab.bench.script = {"b.tif": ["error"]}
    later = lab.statuses(lab.run(max_failures=2, jobs=1))
    assert later == {"a.tif": "ok", "b.tif": "failed", "c.tif": "interrupted", "bad.tif": "failed"}


def test_no_more_than_the_budget_holds_at_once(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    lab.run(jobs=3, memory_budget=1)
    assert lab.bench.together == 1
    lab.run(jobs=3, force=True)
    assert lab.bench.together == 3


def test_the_next_scan_is_at_work_while_one_is_published(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif", "b.tif")
    publish, beside = Publisher.publish, []

    def look(self: Publisher, *args: object) -> None:
        beside.append(len(lab.bench._work))
        publish(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Publisher, "publish", look)
    lab.run()
    assert beside == [1, 0]


def test_the_youngest_is_put_off_when_workers_take_more_than_the_budget(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif")
    start, beside = Bench.start, []

    def fat(self: Bench, job: Job, limits: Limits) -> None:
        start(self, job, limits)
        beside.append((job.name, len(self._work) - 1))
        size = 2 << 30 if job.name == "c.tif" and limits.attempt == 1 else 1 << 28
        self._on_event(ScanProgress(job.id, job.name, "read", 0.5, size))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "start", fat)
        report = lab.run(jobs=3, memory_budget=2 << 30)
    assert report.exit_code == 0
    assert {file.input: file.attempts for file in report.files} == {
        "a.tif": 1,
        "b.tif": 1,
        "c.tif": 2,
        "d.tif": 1,
    }
    assert [alone for name, alone in beside if name == "c.tif"][-1] == 0


def test_a_full_device_stops_the_run_in_order(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif", "d.tif")
    lab.bench.script = {"b.tif": ["no_space"]}

    def end(self: Bench, job: object, limits: object) -> Outcome:
        outcome = attempt(self, job, limits)  # type: ignore[arg-type]
        return outcome if outcome.end == "result" else _as_error(outcome)

    attempt = Bench._attempt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "_attempt", end)
        patch.setattr(grading, "_nearly_full", lambda place, least: True)
        report = lab.run(jobs=2)
    assert report.exit_code == 13
    assert report.error is not None
    assert report.error.kind == "no_space"
    assert lab.kinds(report) == {"b.tif": "no_space"}
    assert lab.statuses(report)["d.tif"] == "interrupted"
    assert set(lab.positives()) == {"a.tif"}
    assert lab.run().exit_code == 0


def test_one_report_of_a_full_device_does_not_end_the_run(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    lab.bench.script = {"b.tif": ["no_space"] * 99}

    def end(self: Bench, job: object, limits: object) -> Outcome:
        outcome = attempt(self, job, limits)  # type: ignore[arg-type]
        return outcome if outcome.end == "result" else _as_error(outcome)

    attempt = Bench._attempt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "_attempt", end)
        report = lab.run()
    assert report.exit_code == 3
    assert lab.kinds(report) == {"b.tif": "no_space"}
    assert report.files[1].attempts == 4
    assert set(lab.positives()) == {"a.tif", "c.tif"}


def _as_error(outcome: Outcome) -> Outcome:
    from dataclasses import replace

    return replace(outcome, end="error")


def test_a_device_that_fails_again_and_again_ends_with_14(lab: Lab) -> None:
    lab.scans("device-1.tif", "device-2.tif", "device-3.tif", "e.tif")
    report = lab.run(task=tasks.MISBEHAVE)
    assert report.exit_code == 14
    assert lab.statuses(report)["e.tif"] == "interrupted"


def test_a_device_that_fails_once_fails_one_scan(lab: Lab) -> None:
    lab.scans("device-1.tif", "device-2.tif", "e.tif")
    report = lab.run(task=tasks.MISBEHAVE)
    assert report.exit_code == 3
    assert lab.statuses(report)["e.tif"] == "ok"


def test_a_runner_that_is_lost_ends_the_run_in_order(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif", "b.tif", "c.tif")
    wait = Bench.wait

    def lost(self: Bench, timeout: float | None = None) -> list[Outcome]:
        if self._work[0][0].name == "b.tif":
            raise ClusterFailed("no machine is left")
        return wait(self, timeout)

    monkeypatch.setattr(Bench, "wait", lost)
    report = lab.run()
    assert report.exit_code == 16
    assert lab.statuses(report) == {"a.tif": "ok", "b.tif": "interrupted", "c.tif": "interrupted"}


def test_a_signal_between_attempts_leaves_the_scan(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.scans("a.tif", "b.tif")
    lab.bench.script = {"a.tif": ["crashed"]}
    asked: list[Stop] = []
    made = Stop.__init__

    def remember(self: Stop, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)  # type: ignore[arg-type]
        asked.append(self)

    monkeypatch.setattr(Stop, "__init__", remember)
    wait = Bench.wait

    def interrupted(self: Bench, timeout: float | None = None) -> list[Outcome]:
        asked[0]._request.received.append(2)
        return wait(self, timeout)

    monkeypatch.setattr(Bench, "wait", interrupted)
    report = lab.run()
    assert report.exit_code == 130
    assert set(lab.statuses(report).values()) == {"interrupted"}
    assert report.stopped == "SIGINT received"


def test_no_turn_visits_all_waiting_scans(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Counter[int]()

    class Watched(Queued):
        def __getattribute__(self, name: str) -> object:
            looks[object.__getattribute__(self, "id")] += 1
            return object.__getattribute__(self, name)

    monkeypatch.setattr("divere_cli.batch.engine.Queued", Watched)
    lab.scans(*(f"{number:02}.tif" for number in range(60)))
    lab.bench.script = {"05.tif": ["crashed"]}
    assert lab.run(jobs=2).exit_code == 0
    first, *others = (count for number, count in sorted(looks.items()) if number > 6)
    assert max(others) <= first + 8, "the last scan was looked at more often than the first"
