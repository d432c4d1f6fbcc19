"""The harness proves itself: publishing done wrongly makes a named test fail."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

from tests.batch import (
    processes,
    strace,
    test_grading,
    test_poison,
    test_publish,
    test_stop,
    variants,
)
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


def test_a_worker_that_outlives_its_batch_is_caught(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = processes.gone

    def hurried(workers: list[psutil.Process]) -> None:
        monkeypatch.setattr(processes, "DEADLINE", 1.0)
        gone(workers)

    monkeypatch.setattr(processes, "gone", hurried)
    with pytest.raises(AssertionError, match="still alive"):
        test_stop.test_a_killed_batch_leaves_no_worker_in_c_code(lab, "nopdeathsig")


def test_a_reader_that_follows_names_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    variants.apply("imread", monkeypatch.setattr)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        test_poison.test_a_scan_that_names_another_file_shows_only_itself(lab)
