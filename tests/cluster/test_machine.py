"""The number of scans of a machine, and stations whose callers have ended."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from divere_cli.cluster import machine
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.system import cpus


def test_the_budget_of_a_machine_limits_its_scans() -> None:
    assert machine.jobs_here(8, 1) == 1
    assert machine.jobs_here(8, 1 << 40) == min(8, cpus.usable())
    assert machine.jobs_here(1, 1 << 40) == 1


@dataclass
class Left:
    """A station that was asked for nothing for as long as the test says."""

    idle: bool = False
    alive: bool = True
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


def test_the_next_run_ends_stations_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    left, busy, fresh = Left(idle=True), Left(), Left()
    stations = {"left": left, "busy": busy}
    monkeypatch.setattr(machine, "_stations", stations)
    monkeypatch.setattr(machine, "Station", lambda request: fresh)
    request = IsolationRequest("always")
    order = machine.Order("fresh", (), request, 0.7, (), "/out", "")
    assert machine._station(order, 1) is fresh
    assert (left.stopped, busy.stopped) == (True, False)
    assert stations == {"busy": busy, "fresh": fresh}
