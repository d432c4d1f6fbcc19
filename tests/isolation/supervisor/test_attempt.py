"""The steps that end a worker, and its deadlines, with a simulated clock."""

from __future__ import annotations

import math
import signal
from typing import Any

import pytest

from divere_cli.isolation.supervisor.attempt import KILL_SECONDS, Assignment, Attempt
from divere_cli.isolation.wire import FrameReader
from divere_cli.records.job import Limits
from divere_cli.system.memory import Usage
from tests.isolation.conftest import make_job


class Sent:
    """A child that only notes what it is sent."""

    pid = 2**22 + 7
    server_lost = False
    refused = ""
    status = None

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.reader = FrameReader()

    def signal(self, number: int) -> None:
        self.heard.append(signal.Signals(number).name)

    def signal_group(self, number: int) -> None:
        self.heard.append("group " + signal.Signals(number).name)

    def kill(self) -> None:
        self.heard.append("kill")


@pytest.fixture
def child() -> Sent:
    return Sent()


@pytest.fixture
def work(child: Sent) -> Attempt:
    """A worker that runs since 100 s, with 10 s of time."""
    stand_in: Any = child
    work = Attempt(stand_in, deadline=math.inf)
    work.assign(Assignment(make_job(1, "good"), Limits(2, 10.0, 1000), 99.0), 30.0)
    work.note_start({"boot": 0.5, "rss": 7, "sandbox": ""}, 100.0)
    return work


def test_a_worker_is_ended_step_by_step(work: Attempt, child: Sent) -> None:
    assert (work.deadline, work.deadline_reason, work.deadline_text) == (110.0, "timeout", "10 s")
    work.begin_end("timeout", "10 s", 110.0, trace=0.2, term=2.0)
    heard = {}
    for now in (110.0, 110.1, 110.2, 112.1, 112.2, 112.2 + KILL_SECONDS):
        child.heard.clear()
        work.take_due_steps(now)
        heard[now] = list(child.heard)
    assert list(heard.values()) == [
        ["SIGCONT", "SIGUSR1"],
        [],
        ["group SIGTERM", "group SIGCONT"],
        [],
        ["kill"],
        [],
    ]
    assert work.abandoned


@pytest.mark.parametrize("term", [0.0, 2.0])
def test_a_worker_whose_pid_arrives_late_is_still_ended(
    work: Attempt, child: Sent, term: float
) -> None:
    """A forkserver tells the pid of a worker only after it was to be ended: nobody to signal."""
    work.begin_end("cancelled", "", 110.0, trace=0, term=term)
    work.take_due_steps(110.0)
    told = list(child.heard)
    child.heard.clear()
    work.born(110.1)
    assert child.heard == told == (["group SIGTERM", "group SIGCONT"] if term else ["kill"])


def test_a_worker_that_is_not_ended_gets_no_signal_when_its_pid_arrives(
    work: Attempt, child: Sent
) -> None:
    work.born(100.5)
    assert child.heard == []


def test_a_second_reason_restarts_the_steps_but_not_after_the_kill(work: Attempt) -> None:
    work.begin_end("timeout", "10 s", 110.0, trace=0.2, term=2.0)
    work.begin_end("cancelled", "", 110.1, trace=0, term=0)
    assert work.reason == "cancelled"
    work.take_due_steps(110.1)
    work.begin_end("timeout", "10 s", 110.2, trace=0.2, term=2.0)
    assert work.reason == "cancelled"


def test_suspended_time_does_not_count(work: Attempt) -> None:
    work.begin_end("cancelled", "", 101.0, trace=0, term=1.0)
    work.take_due_steps(101.0)
    due = work.due()
    work.shift(50.0)
    assert work.due() in (due + 50.0, work.next_sample)
    assert work.steps[0][0] == 152.0


def test_a_result_gives_it_a_moment_to_leave(work: Attempt) -> None:
    work.note_end({"seconds": 1, "cpu": 1, "peak": 5, "peak_source": "vmhwm"}, 105.0)
    assert 105.0 < work.deadline < 120.0
    with pytest.raises(KeyError):
        work.note_end({"seconds": 1}, 105.0)


def test_memory_limits_are_compared_with_the_last_sample(work: Attempt) -> None:
    assert not work.near_cap()
    assert work.over_cap() == ""
    work.last = Usage(rss=950, peak=950, peak_source="vmhwm", anonymous=900)
    assert work.near_cap()
    assert work.over_cap() == ""
    work.last = Usage(rss=1300, peak=1300, peak_source="vmhwm", anonymous=1200)
    assert work.over_cap().startswith("its limit of")


def test_the_outcome_of_a_killed_worker_has_its_last_sample(work: Attempt, child: Sent) -> None:
    work.last = Usage(rss=500, peak=800, peak_source="vmhwm")
    stand_in: Any = child
    stand_in.lines = type("Lines", (), {"tail": ["a", "b"]})
    stand_in.status = -9
    outcome = work.outcome(103.0, memory_was_short=False)
    assert (outcome.end, outcome.seconds, outcome.attempt) == ("crashed", 3.0, 2)
    assert (outcome.peak_rss_bytes, outcome.peak_source) == (800, "vmhwm>=")
    assert (outcome.boot_seconds, outcome.rss_bytes_start) == (0.5, 7)
    assert outcome.error is not None
    assert outcome.error.detail == "a\nb"


def test_the_error_message_of_a_worker_is_one_line(work: Attempt) -> None:
    said = {"seconds": 1.0, "cpu": 1.0, "peak": 1, "peak_source": "vmhwm\n", "end": "error"}
    error = {
        "kind": "corrupt_input",
        "message": "one\ntwo\x1b[31m",
        "hint": "a\rb",
        "detail": "a\nb",
    }
    work.note_end(said | {"error": error}, 105.0)
    outcome = work.outcome(106.0, memory_was_short=False)
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.hint) == ("one\\x0atwo\\x1b[31m", "a\\x0db")
    assert outcome.error.detail == "a\nb"
    assert outcome.peak_source == "vmhwm\\x0a"
