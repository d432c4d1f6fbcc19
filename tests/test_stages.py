"""Seconds are counted by stage, also when the work inside fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from divere_cli import stages
from divere_cli.records.job import Stage
from divere_cli.records.outcome import Stages


class Heard:
    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        self.names.append(name)
        yield

    def advance(self, done: float) -> None: ...


def test_seconds_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0, 1, 10, 12, 20, 24, 30, 38])
    monkeypatch.setattr(stages.time, "perf_counter", lambda: next(ticks))
    heard = Heard()
    clock = stages.Clock(heard)
    for name in ("read", "grade", "read"):
        with clock.stage(name):
            pass
    with pytest.raises(ValueError, match="inside"), clock.stage("write"):
        raise ValueError("inside")
    assert clock.stages() == Stages(read=5, grade=2, write=8)
    assert heard.names == ["read", "grade", "read", "write"]
