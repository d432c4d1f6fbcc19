"""One retry budget for each kind of failure."""

from __future__ import annotations

import errno

import pytest

from divere_cli.batch.retries import MOST_LOST, Again, Policy, Tally, is_shortage
from divere_cli.errors import OutputError


def ends(policy: Policy, end: str, count: int) -> list[Again | None]:
    tally = Tally()
    return [policy.after(end, tally) for _ in range(count)]  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["crashed", "lost"])
def test_a_crash_gets_three_more_after_growing_pauses(end: str) -> None:
    assert ends(Policy(), end, 4) == [Again(0.0), Again(1.0), Again(4.0), None]


def test_a_timeout_is_not_retried_unless_requested() -> None:
    assert ends(Policy(), "timeout", 1) == [None]
    assert ends(Policy(2), "timeout", 3) == [Again(), Again(), None]


def test_out_of_memory_gets_two_alone() -> None:
    assert ends(Policy(0), "out_of_memory", 3) == [Again(alone=True), Again(alone=True), None]


@pytest.mark.parametrize("end", ["error", "cancelled"])
def test_an_error_is_not_retried(end: str) -> None:
    assert ends(Policy(9), end, 1) == [None]


def test_budgets_are_separate() -> None:
    policy, tally = Policy(), Tally()
    mixed = ["crashed", "out_of_memory", "crashed", "out_of_memory", "crashed"]
    assert all(policy.after(end, tally) for end in mixed)  # type: ignore[arg-type]
    assert policy.after("crashed", tally) is None


def test_a_failed_start_is_not_an_attempt_of_the_scan() -> None:
    policy, tally = Policy(0), Tally()
    assert all(policy.after("infrastructure", tally, begun=False) == Again() for _ in range(99))
    assert tally == Tally()


def test_attempts_lost_with_the_runner_are_free_until_there_are_many() -> None:
    assert ends(Policy(0), "infrastructure", MOST_LOST + 1) == [*[Again()] * MOST_LOST, None]
    assert ends(Policy(), "infrastructure", MOST_LOST + 4)[MOST_LOST:] == [
        Again(0.0), Again(1.0), Again(4.0), None
    ]  # fmt: skip


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_few_descriptors_are_not_an_error_of_the_scan(number: int) -> None:
    error = OutputError("cannot be written")
    error.__cause__ = OSError(number, "Too many open files")
    assert is_shortage(error)
    error.__cause__ = OSError(errno.EACCES, "no")
    assert not is_shortage(error)


def test_three_different_scans_in_a_row_are_too_many() -> None:
    policy = Policy()
    said = [policy.finished(scan, "crashed") for scan in ("a", "a", "b", "c")]
    assert said == [False, False, False, True]


@pytest.mark.parametrize("between", ["result", "error", "timeout"])
def test_another_end_between_starts_the_count_again(between: str) -> None:
    policy = Policy()
    policy.finished("a", "crashed")
    policy.finished("b", "crashed")
    policy.finished("x", between)  # type: ignore[arg-type]
    assert not policy.finished("c", "crashed")
