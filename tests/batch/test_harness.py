"""The harness proves itself: publishing done wrongly makes a named test fail."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch import processes, strace, test_grading, test_publish, variants
from tests.batch.lab import Lab


@pytest.mark.parametrize(
    ("variant", "test"),
    [
        ("direct", test_grading.test_an_output_is_absent_or_old_while_a_worker_writes),
        ("nofsync", test_publish.test_the_order_of_publishing),
        ("journalfirst", test_publish.test_the_order_of_publishing),
    ],
)
def test_a_wrong_order_is_caught(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    variant: str,
    test: Callable[[Lab, pytest.MonkeyPatch], None],
) -> None:
    variants.apply(variant, monkeypatch.setattr)
    with pytest.raises(AssertionError):
        test(lab, monkeypatch)


def test_following_a_link_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    variants.apply("follow", monkeypatch.setattr)
    with pytest.raises(AssertionError):
        test_grading.test_a_link_in_the_way_is_replaced_never_followed(lab)


@pytest.mark.slow
@pytest.mark.skipif(strace.STRACE is None, reason="needs strace")
@pytest.mark.parametrize("variant", ["direct", "nofsync", "journalfirst", "follow"])
def test_the_order_lint_catches(lab: Lab, variant: str) -> None:
    lab.scans("a.tif", "b.tif")
    _, calls = strace.trace(lab, "--variant", variant)
    with pytest.raises(AssertionError):
        assert strace.lint(lab, calls) == 3


@pytest.mark.slow
@pytest.mark.skipif(strace.STRACE is None, reason="needs strace")
def test_the_kill_loop_catches_direct_writing(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    expected = processes.undisturbed(lab)
    _, calls = strace.trace(lab, "--variant", "direct")
    write = next(c for c in calls if c.name == "write" and c.path.endswith("out/a.tif"))
    again = Lab(lab.root / "again")
    again.root.mkdir()
    again.inputs.symlink_to(lab.inputs)
    strace.inject(again, f"write:signal=SIGKILL:when={write.number}", "--variant", "direct")
    with pytest.raises(AssertionError):
        processes.settled(again, expected)


def test_a_worker_that_outlives_its_batch_is_caught(lab: Lab) -> None:
    """A worker that took off its guards and holds the interpreter's lock lives on, and is seen."""
    lab.scans("deaf-a.tif")
    task = ("--task", "tests.batch.test_harness:deaf", "--runner", "process")
    with processes.driver(lab, *task) as process:
        processes.until(lambda: (lab.inputs / "deaf-a.began").exists(), "never began")
        workers = processes.descendants(process)
        process.kill()
        process.wait()
        with pytest.raises(AssertionError):
            processes.gone(workers, seconds=1.0)
        for worker in processes.alive(workers):
            worker.kill()


def deaf(job, progress):  # type: ignore[no-untyped-def]
    """A task without PR_SET_PDEATHSIG that holds the interpreter's lock for a minute."""
    ctypes.CDLL(None).prctl(1, 0)
    Path(job.input).with_suffix(".began").touch()
    ctypes.PyDLL(None).sleep(60)
