"""Signals are recorded and wake the loop; handlers are restored afterwards."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from pathlib import Path

import pytest

from divere_cli.isolation.supervisor import launch
from divere_cli.system import signals
from tests.isolation.conftest import KINDS, opened


def test_signals_are_noted_in_order_and_handlers_come_back() -> None:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP)}
    with signals.watch() as stop:
        assert signals.active() is stop
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert stop.received == [signal.SIGTERM, signal.SIGINT, signal.SIGINT]
        assert select.select([stop], [], [], 0)[0] == [stop]
        stop.drain()
        assert select.select([stop], [], [], 0)[0] == []
    assert signals.active() is None
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_signal_that_an_inner_watch_no_longer_looks_at_reaches_the_outer_one() -> None:
    with signals.watch() as service:
        with signals.watch() as batch:
            os.kill(os.getpid(), signal.SIGTERM)
            assert batch.received == [signal.SIGTERM]
        assert signals.active() is service
        assert service.received == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGHUP)
    assert service.received == [signal.SIGTERM, signal.SIGHUP]
    assert signals.active() is None


def test_a_signal_that_comes_before_an_inner_watch_begins_is_seen_by_it() -> None:
    """A TERM while the service looks for scans ends the batch that it begins next."""
    with signals.watch():
        before = time.monotonic()
        os.kill(os.getpid(), signal.SIGTERM)
        with signals.watch() as batch:
            assert batch.received == [signal.SIGTERM]
            assert before <= batch.arrived[signal.SIGTERM] <= time.monotonic()


def test_signals_ignored_by_nohup_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.watch() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.received == []
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_noted() -> None:
    found: list[int] = []

    def look() -> None:
        with signals.watch() as stop:
            found.append(stop.fileno())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signal_ends_a_wait_and_no_job(kind: str, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with signals.watch() as stop, opened(kind, spares=0) as table:
        table.start(1, "waits", str(go_on))
        table.until(lambda: len(table.events) > 0)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        assert table.runner.wait(250) == []
        timer.join()
        go_on.touch()
        assert stop.received == [signal.SIGINT]
        assert table.wait_for(1)[0].end == "result", "it is not for the runner to end anything"


def test_a_loop_opened_before_and_after_the_watch_is_woken_alike(tmp_path: Path) -> None:
    with opened("forkserver", spares=0) as table:
        for number in (1, 2, 3, 4):
            with signals.watch() as stop:
                table.start(number, "waits", str(tmp_path / str(number)))
                os.kill(os.getpid(), signal.SIGTERM)
                assert table.runner.wait(250) == []
                assert stop.received == [signal.SIGTERM]
            (tmp_path / str(number)).touch()
            assert table.wait_for(number)[0].end == "result"


def test_ctrl_z_while_a_worker_is_born_stops_this_program_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pid of such a worker is 0, which means this program's own group to the system."""
    stopped: list[list[int]] = []
    monkeypatch.setattr(signals, "suspend", lambda request, groups: stopped.append(groups) or 0.0)
    with signals.watch() as stop, opened("forkserver", spares=0) as table:
        table.run("good")  # uses up the worker that proved the start method
        server = launch.server_pid()
        assert server is not None
        os.kill(server, signal.SIGSTOP)
        try:
            table.start(2, "good")
            os.kill(os.getpid(), signal.SIGTSTP)
            table.until(lambda: bool(stopped))
        finally:
            os.kill(server, signal.SIGCONT)
        assert stopped == [[]]
        stop.suspended = False
        assert table.wait_for(2)[0].end == "result"


def test_a_signal_while_the_first_worker_starts_ends_the_wait_for_it() -> None:
    """It is no fault of the start method: no second try, no incident."""
    with signals.watch() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        with opened("forkserver", spares=0) as table:
            assert table.runner.incidents == ()
            assert table.runner.info.start_method == "forkserver"
            assert table.runner.info.fallback_reason is None
        assert stop.received == [signal.SIGTERM]
