"""Signals that come to the service at any moment of its life: none is lost, none ends too much.

Each test sends a signal to this process at a place in the code, not at a time.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from divere_cli.batch import run as batch
from divere_cli.cli import watch_cmd
from divere_cli.records.job import Job
from divere_cli.records.outcome import ScanResult
from divere_cli.service import loop
from divere_cli.service.commands import Commands, Hooks
from divere_cli.service.options import Timing
from divere_cli.system import signals
from tests.batch.lab import Lab
from tests.batch.processes import until
from tests.service.rig import Clock, Rig

QUICK = Timing(interval=0.01, settle=0.0, grace=30.0)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture
def quick(lab: Lab) -> Rig:
    """A service that looks again at once; ``run`` begins it."""
    return Rig(lab, QUICK, clock=Clock(runs=True))


def run(rig: Rig) -> int:
    with signals.watch() as asked:
        return rig.watch.run(asked)


def at_begin(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = rig.watch.begin

    def begun() -> None:
        begin()
        send(signal.SIGTERM)

    monkeypatch.setattr(rig.watch, "begin", begun)


def at_look(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the look that finds the scan settled, before the batch."""
    ripe = rig.settling.ripe

    def found(now: float, most: int) -> list[str]:
        paths = ripe(now, most)
        if paths:
            send(signal.SIGTERM)
        return paths

    monkeypatch.setattr(type(rig.settling), "ripe", lambda _, now, most: found(now, most))


def at_options(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the options are read for the batch."""
    rig.before_batch = lambda: send(signal.SIGTERM)


@pytest.mark.parametrize("place", [at_begin, at_look, at_options])
def test_a_term_before_a_batch_grades_nothing(
    quick: Rig,
    place: Callable[[Rig, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick.lab.scans("a.tif", "b.tif")
    place(quick, monkeypatch)
    assert run(quick) == 143
    assert quick.lab.positives() == {}


def test_a_term_before_ready_begins_nothing(quick: Rig) -> None:
    with signals.watch() as asked:
        send(signal.SIGTERM)
        assert quick.watch.run(asked) == 143
    assert not quick.lab.outputs.exists()


def test_a_hup_before_ready_reads_the_options_and_goes_on(quick: Rig) -> None:
    quick.lab.scan("a.tif")
    quick.after_batch = lambda report: send(signal.SIGTERM)
    with signals.watch() as asked:
        send(signal.SIGHUP)
        assert quick.watch.run(asked) == 143
    assert quick.reloads == 1
    assert set(quick.lab.positives()) == {"a.tif"}


def test_a_term_during_a_batch_lets_scans_in_work_end(quick: Rig) -> None:
    quick.lab.scans("a.tif", "b.tif", "c.tif")
    quick.lab.bench.before = lambda job: send(signal.SIGTERM)
    assert run(quick) == 143
    assert set(quick.lab.positives()) == {"a.tif"}
    assert quick.statuses() == [{"a.tif": "ok", "b.tif": "interrupted", "c.tif": "interrupted"}]


def test_a_term_when_a_batch_has_looked_for_the_last_time_ends_the_service(quick: Rig) -> None:
    quick.lab.scan("a.tif")
    quick.after_batch = lambda report: send(signal.SIGTERM)
    assert run(quick) == 143
    assert set(quick.lab.positives()) == {"a.tif"}


def test_a_term_while_it_rests_ends_it(quick: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = select.select

    def rests(*words: object) -> object:
        send(signal.SIGTERM)
        return wait(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(loop.select, "select", rests)
    assert run(quick) == 143


def test_a_second_signal_during_a_batch_ends_scans_in_work_at_once(quick: Rig) -> None:
    quick.lab.scans("a.tif", "b.tif")
    quick.lab.bench.jobs = 2

    def twice(job: Job) -> None:
        send(signal.SIGTERM)
        send(signal.SIGTERM)

    quick.lab.bench.before = twice
    assert run(quick) == 143
    assert quick.lab.bench.closed[0] == 0.0, "no time between asking workers and killing them"


def test_a_hup_during_a_batch_ends_no_scan_in_work(quick: Rig) -> None:
    """Those in work end, the others are graded after the options were read again."""
    quick.lab.scans("a.tif", "b.tif", "c.tif")
    sent: list[str] = []

    def hup(job: Job) -> None:
        if not sent:
            send(signal.SIGHUP)
            send(signal.SIGHUP)  # twice is no hurry
        sent.append(job.name)

    quick.lab.bench.before = hup
    quick.after_batch = lambda report: send(signal.SIGTERM) if len(quick.reports) == 2 else None
    assert run(quick) == 143
    first, second = quick.statuses()
    assert first == {"a.tif": "ok", "b.tif": "interrupted", "c.tif": "interrupted"}
    assert second == {"b.tif": "ok", "c.tif": "ok"}
    assert quick.reloads == 2
    assert quick.reports[0].exit_code != 129, "it is no end of the service"


def test_a_hup_while_a_batch_plans_loses_no_scan(
    quick: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.lab.scans("a.tif", "b.tif")
    choose, asked = quick.lab.chooser.choose, []

    def chooses(path: str, header: object) -> object:
        if not asked:
            send(signal.SIGHUP)
        asked.append(path)
        return choose(path, header)  # type: ignore[arg-type]

    monkeypatch.setattr(quick.lab.chooser, "choose", chooses)
    quick.after_batch = lambda _: send(signal.SIGTERM) if quick.lab.positives() else None
    assert run(quick) == 143
    assert set(quick.lab.positives()) == {"a.tif", "b.tif"}


def test_a_term_after_a_hup_has_its_time_of_grace(quick: Rig) -> None:
    quick.lab.scans("a.tif", "b.tif")

    def both(job: Job) -> None:
        send(signal.SIGHUP)
        send(signal.SIGTERM)

    quick.lab.bench.before = both
    assert run(quick) == 143
    assert set(quick.lab.positives()) == {"a.tif"}, "the scan in work ended by itself"


def test_a_signal_while_a_batch_looks_at_scans_is_no_crash(
    quick: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks before planning (frames, film edges) raise KeyboardInterrupt when a signal comes."""
    quick.lab.scan("a.tif")

    def looks(*_: object) -> None:
        send(signal.SIGTERM)
        raise KeyboardInterrupt

    monkeypatch.setattr(batch.found_frames, "planned", looks)
    assert run(quick) == 143


def test_a_signal_to_another_thread_wakes_the_rest(lab: Lab) -> None:
    rig = Rig(lab, Timing(interval=3600.0, settle=0.0), clock=Clock(runs=True))
    sender = threading.Timer(0.2, send, (signal.SIGTERM,))
    with signals.watch() as asked:
        sender.start()
        assert rig.watch.run(asked) == 143
    sender.join()


# ------------------------------------------------------------ commands, at the end

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")


def test_commands_have_what_is_left_of_the_grace_and_are_ended_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks = Hooks(Commands(done=SLEEP))
    for name in ("a.tif", "b.tif", "c.tif"):
        hooks.enqueue(ScanResult(name, status="ok"))
    until(lambda: hooks._process is not None, "the first command runs")
    hooks.close(0.2)
    assert "commands that were not run, because the service ends: 2" in caplog.text


def test_a_second_signal_ends_commands_at_once() -> None:
    hooks = Hooks(Commands(done=SLEEP))
    hooks.enqueue(ScanResult("a.tif", status="ok"))
    with signals.watch() as asked:
        send(signal.SIGTERM)
        hooks.close(600.0, lambda: asked.received)


def test_a_command_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """A shell that waits for another program: both go."""
    pid = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {pid}.new; mv {pid}.new {pid}; wait"
    hooks = Hooks(Commands(done=("sh", "-c", script)))
    hooks.enqueue(ScanResult("a.tif", status="ok"))
    until(pid.exists, "the command has started another program")
    hooks.close(0.0)
    child = int(pid.read_text())
    until(lambda: not _runs(child), "the other program is ended")


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_the_grace_counts_from_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = watch_cmd._Reader.__new__(watch_cmd._Reader)
    reader._grace = 30.0
    monkeypatch.setattr(watch_cmd.time, "monotonic", lambda: 110.0)
    asked = signals.StopRequest(arrived={signal.SIGHUP: 5.0, signal.SIGTERM: 100.0})
    assert reader.grace_left(asked) == 20.0
    asked.arrived[signal.SIGTERM] = 50.0
    assert reader.grace_left(asked) == 0.0
