"""The contract of runners, tested with each kind of runner."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.records.events import ScanProgress, ScanStarted
from divere_cli.records.job import Limits
from tests.isolation.conftest import KINDS, METHODS, Table, make_job, opened


def test_a_good_task_gives_its_result_events_and_records(any_table: Table) -> None:
    outcome = any_table.run("good")
    assert outcome.end == "result"
    assert outcome.error is None
    assert outcome.result is not None
    assert (outcome.result.width, outcome.result.height) == (3, 2)
    assert outcome.result.notes == ("scan 1.tif",)
    first, *others = any_table.events
    assert first == ScanStarted(1, "scan 1.tif", 1, outcome.pid)
    assert [e.stage for e in others if isinstance(e, ScanProgress)][:1] == ["read"]
    assert "graded scan 1.tif" in any_table.messages()
    assert outcome.records_dropped == 0


def test_the_figures_of_an_attempt_are_there(any_table: Table) -> None:
    outcome = any_table.run("grades_a_while", attempt=2)
    assert outcome.result is not None
    stages = outcome.result.stages
    assert stages.read == 0.0, "one clock counts: the runner's"
    assert 0.02 <= stages.grade <= outcome.seconds
    assert stages.write == 0.0
    assert stages.start >= outcome.boot_seconds >= 0.0
    assert outcome.attempt == 2
    assert outcome.cpu_seconds > 0.0
    assert outcome.host
    assert outcome.rss_bytes_start > 1 << 20
    assert outcome.peak_rss_bytes > 0


@pytest.mark.parametrize(
    ("what", "end", "kind", "message"),
    [
        ("scan error", "error", "corrupt_input", "strip 3 ends after the end of the file"),
        ("bug", "error", "internal", "a bug in divere: IndexError: list index out of range"),
        ("memory", "out_of_memory", "out_of_memory", "not enough memory"),
        ("wrapped memory", "out_of_memory", "out_of_memory", "not enough memory"),
        ("exit 3", "crashed", "crashed", "exit code 3"),
        ("exit 0", "lost", "crashed", "without a result"),
    ],
)
def test_exceptions_of_a_task_are_classified(
    any_table: Table, what: str, end: str, kind: str, message: str
) -> None:
    outcome = any_table.run("raises", what)
    assert outcome.end == end
    assert outcome.result is None
    assert outcome.error is not None
    assert outcome.error.kind == kind
    assert message in outcome.error.message
    assert "\n" not in outcome.error.message
    if end == "error":
        assert "misbehave.py" in outcome.error.detail
    if what == "scan error":
        assert outcome.error.hint == "copy or scan the file again"
        assert outcome.error.detail.startswith("offset 12")


@pytest.mark.parametrize("task", ["wrong", "no_such_task"])
def test_an_invalid_task_is_an_error(any_table: Table, task: str) -> None:
    outcome = any_table.run(task)
    assert outcome.end == "error"
    assert outcome.error is not None
    assert outcome.error.kind == "internal"
    assert "the task tests.isolation.misbehave:" in outcome.error.message


def test_names_keep_bytes_that_are_no_text(any_table: Table) -> None:
    name = os.fsdecode(b"scan \xff\n[/red].tif")
    any_table.runner.start(replace(make_job(1, "good"), name=name), Limits())
    (outcome,) = any_table.wait_for(1)
    assert outcome.result is not None
    assert outcome.result.notes == (name,)
    assert any_table.events[0].input == name


def test_slots_are_counted_and_misuse_raises(any_table: Table) -> None:
    runner = any_table.runner
    assert runner.slots() == runner.info.jobs == 2
    any_table.start(1, "steps", "3600")
    with pytest.raises(RuntimeError, match="job 1 is in work"):
        any_table.start(1, "good")
    any_table.start(2, "steps", "3600")
    assert runner.slots() == 0
    with pytest.raises(RuntimeError, match="no slot"):
        any_table.start(3, "good")
    for number in (1, 2):
        runner.cancel(number)
    any_table.wait_for(1, 2)
    assert runner.slots() == 2


def test_wait_comes_back_in_time_and_at_once_when_idle(any_table: Table, tmp_path: Path) -> None:
    assert any_table.runner.wait() == []
    any_table.start(1, "waits", str(tmp_path / "go on"))
    assert any_table.runner.wait(0.05) == []
    assert any_table.runner.wait(0) == []
    (tmp_path / "go on").touch()
    assert any_table.wait_for(1)[0].end == "result"


def test_an_attempt_times_out(any_table: Table) -> None:
    outcome = any_table.run("steps", "3600", wall_seconds=0.3)
    assert outcome.end == "timeout"
    assert outcome.error is not None
    assert outcome.error.kind == "timeout"
    assert "longer than 0.3 s" in outcome.error.message


@pytest.mark.parametrize("end", ["cancelled", "out_of_memory"])
def test_cancel_ends_one_and_no_other(any_table: Table, end: str) -> None:
    any_table.start(1, "steps", "3600")
    any_table.start(2, "steps", "0.3")
    any_table.until(lambda: len({event.job_id for event in any_table.events}) == 2)
    any_table.runner.cancel(1, end)  # type: ignore[arg-type]
    any_table.runner.cancel(77)
    ended, other = any_table.wait_for(1, 2)
    assert ended.end == end
    assert ended.error is not None
    assert other.end == "result"


def test_close_returns_the_outcomes_of_running_attempts(any_table: Table) -> None:
    any_table.start(1, "steps", "3600")
    any_table.until(lambda: len(any_table.events) > 0)
    (outcome,) = any_table.runner.close(1.0)
    assert outcome.end == "cancelled"
    assert any_table.runner.close() == []
    assert any_table.runner.slots() == 0


def test_records_of_many_threads_arrive_whole(any_table: Table) -> None:
    any_table.run("threads")
    for name in ("t0", "t1", "t2", "t3"):
        mine = [message for message in any_table.messages() if message.startswith(f"{name} ")]
        assert mine == [f"{name} {number}" for number in range(50)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_info_says_how_scans_are_kept_apart(kind: str) -> None:
    with opened(kind, jobs=3, spares=0) as table:
        info = table.runner.info
        assert info.effective == ("thread" if kind == "thread" else "process")
        assert info.start_method == (None if kind == "thread" else kind)
        assert info.requested == ("never" if kind == "thread" else "always")
        assert info.jobs == 3
        assert info.fallback_reason is None


def test_many_attempts_in_a_row_leave_nothing_open(any_table: Table) -> None:
    count = 3 if any_table.runner.info.start_method == "spawn" else 10

    def run(first: int) -> None:
        for number in range(first, first + count):
            any_table.start(number, "good")
            assert any_table.wait_for(number)[0].end == "result"

    run(1)
    before = set(os.listdir("/proc/self/fd"))
    run(1 + count)
    assert len(os.listdir("/proc/self/fd")) <= len(before)


@pytest.mark.parametrize("kind", METHODS)
def test_a_worker_is_fresh_and_well_kept(kind: str) -> None:
    with opened(kind, spares=0) as table:
        outcome = table.run("about")
        assert outcome.result is not None
        facts = dict(note.split("=", 1) for note in outcome.result.notes)
        assert facts["main"] == "none"
        assert facts["group"] == "True"
        assert facts["interrupt"] == "True"
        assert facts["mask"] == "[]"
        assert int(facts["oom"]) >= 500
        assert facts["folder"] == os.getcwd()
        assert facts["blas"] == ("None" if kind == "fork" else "1")
        assert outcome.pid != os.getpid()
        again = table.run("about")
        assert again.pid != outcome.pid
