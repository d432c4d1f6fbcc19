"""Seconds by stage, progress, and errors of a task."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace

import pytest

from divere_cli.errors import CorruptInput, Internal, NoSpaceLeft, OutOfMemory
from divere_cli.isolation import task
from divere_cli.isolation.task import StageClock


def spin(seconds: float) -> None:
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        pass


def test_stages_may_interleave_and_are_added_up() -> None:
    clock = StageClock(lambda stage, done: None)
    for _ in range(3):
        with clock.stage("read"):
            spin(0.004)
        with clock.stage("write"):
            spin(0.008)
    stages = clock.stages(0.5)
    assert stages.start == 0.5
    assert stages.read >= 0.012
    assert stages.write >= 0.024
    assert stages.grade == 0.0
    assert clock.stages(0.7) == replace(stages, start=0.7)


def test_a_stage_that_raises_is_counted_too() -> None:
    clock = StageClock(lambda stage, done: None)

    def fail() -> None:
        with clock.stage("read"):
            spin(0.002)
            raise CorruptInput("x")

    with pytest.raises(CorruptInput):
        fail()
    assert clock.stages(0).read >= 0.002


def test_progress_never_goes_back_nor_out_of_bounds() -> None:
    said: list[tuple[str, float]] = []
    clock = StageClock(lambda stage, done: said.append((stage, done)))
    with clock.stage("read"):
        for done in (0.2, 0.1, 7.0):
            clock.advance(done)
    assert said == [("read", 0.0), ("read", 0.2), ("read", 0.2), ("read", 1.0)]


def test_steps_that_follow_closely_are_kept_back() -> None:
    said: list[float] = []
    clock = StageClock(lambda stage, done: said.append(done), quiet_seconds=60)
    for number in range(1000):
        clock.advance(number / 1000)
    assert said == [0.0]


@pytest.mark.parametrize("name", ["no colon", "no.such.module:x", "json:no_such", ":x", ""])
def test_a_missing_task_is_an_error(name: str) -> None:
    with pytest.raises(Internal, match="cannot be loaded"):
        task.find(name)


def chained(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("problem", "end", "kind"),
    [
        (CorruptInput("cut"), "error", "corrupt_input"),
        (NoSpaceLeft("full"), "error", "no_space"),
        (KeyError("x"), "error", "internal"),
        (MemoryError(), "out_of_memory", "out_of_memory"),
        (OutOfMemory("x"), "out_of_memory", "out_of_memory"),
        (RuntimeError("can't start new thread"), "out_of_memory", "out_of_memory"),
        (RuntimeError("AlignedMalloc failed"), "out_of_memory", "out_of_memory"),
        (chained(ValueError("x"), MemoryError()), "out_of_memory", "out_of_memory"),
        (CorruptInput("the comment says bad_alloc"), "error", "corrupt_input"),
    ],
)
def test_raised_errors_are_classified(problem: Exception, end: str, kind: str) -> None:
    found, error = task.failure(problem, "scan.tif")
    assert (found, error.kind) == (end, kind)
    assert error.message
    assert type(problem).__name__ in error.detail


def test_a_chain_in_a_ring_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert task.failure(first, "x")[0] == "error"


def test_all_that_is_kept_warm_can_be_imported() -> None:
    for name in task.WARM:
        importlib.import_module(name)
