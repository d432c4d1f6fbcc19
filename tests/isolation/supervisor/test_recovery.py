"""Incidents, pauses and changes of the start method, with a simulated clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from divere_cli.isolation.supervisor import recovery
from divere_cli.isolation.supervisor.launch import Launcher
from divere_cli.isolation.supervisor.recovery import Methods, Recovery


@dataclass
class Clock:
    """Seconds as the test has them."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_cause_is_one_incident_for_any_number_of_workers(clock: Clock) -> None:
    recover, server = Recovery(clock), object()
    assert recover.note("forkserver", "died", server, 1)
    for _ in range(15):
        assert not recover.note("forkserver", "died", server, 1)
    (incident,) = recover.incidents
    assert (incident.at, incident.kind, incident.scans) == (100.0, "forkserver", 16)
    assert recover.in_a_row == 1
    assert recover.note("forkserver", "died", object(), 1)
    assert len(recover.incidents) == 2


def test_pauses_grow_and_a_worker_that_begins_ends_them(clock: Clock) -> None:
    recover = Recovery(clock)
    pauses = []
    for _ in range(7):
        recover.note("start", "no", None, 1)
        pauses.append(recover.pause())
    assert pauses == pytest.approx([*recovery.PAUSES, *[recovery.PAUSES[-1]] * 2])
    clock.now += recovery.PAUSES[-1]
    assert recover.pause() == 0.0
    assert recover.troubled
    recover.over()
    assert not recover.troubled
    assert recover.pause() == 0.0


def test_only_incidents_in_a_row_and_over_time_mean_another_method(clock: Clock) -> None:
    recover = Recovery(clock)
    for _ in range(recovery.REPEATED * 3):
        recover.note("start", "no", None, 1)
        recover.over()
    assert not recover.repeated
    for _ in range(recovery.REPEATED):
        recover.note("start", "no", None, 1)
    assert not recover.repeated, "that was a moment"
    clock.now += recovery.REPEATED_SECONDS
    assert recover.repeated
    assert recover.lost == ""
    for _ in range(recovery.GIVE_UP):
        recover.note("start", "no process to be had", None, 1)
    clock.now += recovery.GIVE_UP_SECONDS
    assert recover.lost == "no process to be had"


def test_an_incident_message_is_one_short_line() -> None:
    recover = Recovery()
    recover.note("start", "one\ntwo" + "x" * 1000, None, 0)
    (incident,) = recover.incidents
    assert "\n" not in incident.message
    assert len(incident.message) < 400


def test_the_better_method_is_tried_again_later_and_comes_back() -> None:
    methods = Methods([Launcher("forkserver"), Launcher("spawn")])
    assert methods.better(0.0, troubled=False) is None, "it is in use"
    assert methods.leave("it died", 0.0)
    assert methods.now.method == "spawn"
    assert methods.reason == "forkserver: it died"
    assert not methods.leave("no", 1.0), "there is no other"
    assert methods.better(recovery.BETTER_SECONDS - 1, troubled=False) is None
    assert methods.better(recovery.SOONER_SECONDS, troubled=True) is methods.launchers[0]
    assert methods.better(recovery.BETTER_SECONDS, troubled=False) is None, "it was just tried"
    assert not methods.back_to("spawn")
    assert methods.back_to("forkserver")
    assert methods.now.method == "forkserver"


def test_a_method_that_is_left_ends_what_it_started() -> None:
    class Watched(Launcher):
        closed: ClassVar[list[str]] = []

        def close(self) -> None:
            self.closed.append(self.method)

    methods = Methods([Watched("forkserver"), Watched("spawn")])
    assert methods.leave("it died", 0.0)
    assert Watched.closed == ["forkserver"]
    assert methods.now.method == "spawn"
    assert not methods.leave("it died, too", 0.0)
    assert Watched.closed == ["forkserver"]
