"""Features of the thread runner only: tasks that cannot be killed."""

from __future__ import annotations

import threading

import pytest

from divere_cli.isolation import thread_runner
from divere_cli.system import memory
from tests.isolation import misbehave
from tests.isolation.conftest import opened


def test_a_task_that_never_steps_is_left_behind_when_its_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thread_runner, "STEP_SECONDS", 0.1)
    with opened("thread", jobs=1) as table:
        misbehave.wakes.clear()
        outcome = table.run("naps", wall_seconds=0.1)
        assert outcome.end == "timeout"
        assert outcome.error is not None
        assert "its thread goes on in the background" in outcome.error.message
        assert table.runner.slots() == 1
        (napping,) = (thread for thread in threading.enumerate() if thread.name == "scan-1")
        misbehave.wakes.set()
        napping.join()
        after = table.run("good")
        assert after.end == "result"
        assert [o.job_id for o in table.outcomes] == [1, 2], "its late result is not heard"


def test_a_task_cannot_swallow_its_end() -> None:
    with opened("thread") as table:
        outcome = table.run("stubborn", "", wall_seconds=0.1)
    assert outcome.end == "timeout"


@pytest.mark.parametrize(("jobs", "count"), [(1, 3), (2, 1)])
def test_freed_memory_goes_back_after_each_scan_or_now_and_then(
    jobs: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trimmed: list[str] = []
    monkeypatch.setattr(thread_runner, "TRIM_SECONDS", 1e9)
    monkeypatch.setattr(memory, "trim_heap", lambda: trimmed.append("trim"))
    with opened("thread", jobs=jobs) as table:
        for _ in range(3):
            table.run("good")
    assert len(trimmed) == count


def test_the_outcome_reports_that_no_thread_could_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    with opened("thread") as table:
        monkeypatch.setattr(thread_runner.threading.Thread, "start", refuse)
        outcome = table.run("good")
        monkeypatch.undo()
    assert outcome.end == "infrastructure"
    assert outcome.error is not None
    assert "can't start new thread" in outcome.error.message
