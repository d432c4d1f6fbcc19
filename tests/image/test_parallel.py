"""Parts run in parallel, results keep their order, errors are raised, no thread is left."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.image.parallel import Parallel, Serial, slices


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_results_come_in_order(threads: int) -> None:
    with Parallel(threads) as parallel:
        assert list(parallel.map(lambda n: n * n, range(50))) == [n * n for n in range(50)]


def test_parts_run_beside_each_other() -> None:
    """Two parts that wait for each other end only when both run."""
    barrier = threading.Barrier(2, timeout=240)
    with Parallel(2) as parallel:
        parallel.each(lambda _: barrier.wait(), zip(range(2)))


def test_one_thread_starts_no_further_thread() -> None:
    with Parallel(1) as parallel:
        assert set(parallel.map(lambda _: threading.get_ident(), range(3))) == {
            threading.get_ident()
        }
        assert parallel.later(lambda: None) is None


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_is_raised_after_all_parts_ended(threads: int) -> None:
    running = 0

    def work(part: int) -> None:
        nonlocal running
        running += 1
        try:
            if part % 2:
                raise ValueError(part)
        finally:
            running -= 1

    with Parallel(threads) as parallel:
        with pytest.raises(ValueError, match="1"):
            parallel.each(work, zip(range(9)))
        assert running == 0


def test_an_error_of_background_work_is_raised() -> None:
    def fails() -> None:
        raise ValueError("later")

    with Parallel(2) as parallel:
        running = parallel.later(fails)
        assert running is not None
        with pytest.raises(ValueError, match="later"):
            running.result()


@given(st.integers(1, 1000), st.integers(1, 50))
def test_slices_cover_everything_evenly(length: int, parts: int) -> None:
    found = slices(length, parts)
    assert [n for part in found for n in range(part.start, part.stop)] == list(range(length))
    sizes = [part.stop - part.start for part in found]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("threads", [1, 2])
def test_serial_steps_keep_their_order(threads: int) -> None:
    done: list[int] = []
    with Parallel(threads) as parallel, Serial(parallel) as serial:
        for n in range(20):
            serial.put(lambda n=n: done.append(n))
        serial.settle()
    assert done == list(range(20))


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_of_a_serial_step_is_raised_once(threads: int) -> None:
    def fails() -> None:
        raise ValueError("in the lane")

    def two() -> None:
        serial.put(fails)
        serial.put(lambda: None)

    with Parallel(threads) as parallel, Serial(parallel) as serial:
        with pytest.raises(ValueError, match="in the lane"):
            two()
        serial.settle()


def test_a_serial_step_runs_beside_the_caller() -> None:
    met = threading.Event()
    with Parallel(2) as parallel, Serial(parallel) as serial:
        serial.put(lambda: bool(met.wait(240)))
        met.set()
        serial.settle()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_two_steps_are_both_done_when_both_returns(threads: int) -> None:
    done: list[str] = []
    with Parallel(threads) as parallel:
        assert parallel.both(lambda: "made", lambda: done.append("beside")) == "made"
        assert done == ["beside"]


def test_three_threads_run_two_steps_at_the_same_time() -> None:
    barrier = threading.Barrier(2, timeout=240)
    with Parallel(3) as parallel:
        parallel.both(barrier.wait, barrier.wait)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("failing", ["first", "second"])
def test_an_error_of_either_step_is_raised(threads: int, failing: str) -> None:
    def step(name: str) -> None:
        if name == failing:
            raise ValueError(name)

    with Parallel(threads) as parallel, pytest.raises(ValueError, match=failing):
        parallel.both(lambda: step("first"), lambda: step("second"))
