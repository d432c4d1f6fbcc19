"""Every failure of a worker is classified and affects no other scan."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from divere_cli.isolation.supervisor import attempt, launch
from divere_cli.isolation.supervisor.process import WorkerProcess
from divere_cli.records.events import ScanProgress
from divere_cli.records.outcome import Outcome
from tests.isolation.conftest import BEST_FIRST, Table, eventually, opened

METHOD_DIGIT = {"forkserver": 1, "spawn": 2, "fork": 3}


@pytest.mark.parametrize(
    ("how", "end", "words"),
    [
        ("segv", "crashed", "crashed (SIGSEGV) while grading"),
        ("abort", "crashed", "crashed (SIGABRT) while grading"),
        ("term", "crashed", "crashed (SIGTERM) while grading"),
        ("kill", "crashed", "was killed (SIGKILL) while grading"),
        ("mid-frame", "crashed", "was killed (SIGKILL) while grading"),
        ("xcpu", "timeout", "used up its CPU time"),
        ("3", "crashed", "crashed (exit code 3) while grading"),
        ("255", "crashed", "crashed (exit code 255) while grading"),
        ("0", "lost", "ended while grading without a result"),
    ],
)
def test_a_crash_is_classified_and_its_last_output_arrives(
    each_table: Table, how: str, end: str, words: str
) -> None:
    each_table.start(1, "die", f"{how} 200")
    each_table.start(2, "good")
    dead, well = each_table.wait_for(1, 2)
    assert dead.end == end
    assert dead.error is not None
    assert words in dead.error.message
    assert [m for m in each_table.messages(1) if m.startswith("record")] == [
        f"record {n}" for n in range(200)
    ]
    assert well.end == "result"
    assert not psutil.pid_exists(dead.pid)


def test_a_crash_in_c_leaves_its_trace_in_the_detail(each_table: Table) -> None:
    outcome = each_table.run("die", "segv")
    assert outcome.error is not None
    assert "Segmentation fault" in outcome.error.detail
    assert "misbehave.py" in outcome.error.detail
    shown = [
        r for r in each_table.records if r.levelname == "WARNING" and "File " in r.getMessage()
    ]
    assert not shown, "a trace is for the detail, not for the terminal"


def test_death_after_the_result_is_a_result(each_table: Table) -> None:
    assert each_table.run("die", "after-result").end == "result"


def test_a_death_before_it_has_its_scan_is_not_the_fault_of_the_scan(
    each_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    each_table.run("good")  # uses up the worker that proved the start method
    monkeypatch.setattr(WorkerProcess, "send", lambda worker, order: True)  # it waits for ever
    each_table.start(2, "good")
    (work,) = each_table.runner.loop.attempts  # type: ignore[attr-defined]
    while not work.child.pid:  # as soon as its forkserver has told it
        each_table.runner.loop._read_status(work)  # type: ignore[attr-defined]
        time.sleep(0.001)
    os.kill(work.child.pid, signal.SIGKILL)
    (outcome,) = each_table.wait_for(2)
    assert outcome.end == "infrastructure"
    assert outcome.error is not None
    assert "ended before it could begin (SIGKILL)" in outcome.error.message


@pytest.mark.parametrize(
    "how", ["sleep", "c", "ignores term", "stopped", "stopped mid-frame", "spins"]
)
@pytest.mark.parametrize("method", BEST_FIRST)
def test_a_hang_is_ended_and_delays_no_other(method: str, how: str) -> None:
    with opened(method, spares=0, trace_seconds=3600.0) as table:
        hung = _hang_beside_a_sibling(table, how)
    assert hung.end == "timeout"
    assert hung.error is not None
    assert "longer than 600 s and was stopped while reading" in hung.error.message
    assert "misbehave.py" in hung.error.detail, "the trace is missing"
    assert hung.peak_source == "vmhwm>="
    assert hung.peak_rss_bytes > 1 << 20
    assert not psutil.pid_exists(hung.pid)


def _hang_beside_a_sibling(table: Table, how: str) -> Outcome:
    def ticks() -> list[str]:
        return [message for message in table.messages(2) if message.startswith("tick")]

    def goes_on() -> None:
        count = len(ticks())
        table.until(lambda: len(ticks()) >= count + 5)  # or the sibling is held up

    table.start(2, "ticks", "10000000")
    table.start(1, "hang", how, wall_seconds=600)
    table.until(lambda: any(isinstance(e, ScanProgress) and e.job_id == 1 for e in table.events))
    hanging = table.attempt(1)
    if "stopped" in how:
        table.until(lambda: psutil.Process(hanging.child.pid).status() == psutil.STATUS_STOPPED)
    goes_on()
    table.expire(1)
    table.until(lambda: any("misbehave.py" in line for line in hanging.child.lines.tail))
    goes_on()
    hanging.shift(-3600.0)  # it has left its trace: SIGTERM comes now
    (hung,) = table.wait_for(1)
    goes_on()
    table.runner.cancel(2)
    assert table.wait_for(2)[0].end == "cancelled"
    assert ticks() == [f"tick {number}" for number in range(len(ticks()))]
    return hung


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("huge header", "sent an invalid message (a message of 1073741824 bytes"),
        ("bad json", "sent an invalid message (not JSON"),
        ("no object", "sent an invalid message (not an object"),
        ("unknown kind", "sent an invalid message (a message 'attack' out of order)"),
        ("two results", "sent an invalid message (a message 'end' out of order)"),
        ("no peak", "sent an invalid message (without 'seconds')"),
        ("second hello", "sent an invalid message (a message 'hello' out of order)"),
        ("infinity", "sent an invalid message (not JSON: Infinity is not a number)"),
        ("many digits", "sent an invalid message (a number out of range)"),
        ("endless seconds", "sent an invalid message (a number out of range)"),
        ("great peak", "sent an invalid message (a number out of range)"),
        ("log of the year 1e300", "sent an invalid message (a number out of range)"),
        ("wide result", "sent an invalid result (a number out of range)"),
        ("wrong result", "sent an invalid result"),
        ("closed pipe", "closed its connection to divere"),
    ],
)
def test_an_invalid_message_is_refused_at_once(
    table: Table, what: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "closed pipe":
        monkeypatch.setattr(attempt, "EXIT_SECONDS", 0.1)
    table.start(1, "nonsense", what)
    table.start(2, "good")
    bad, well = table.wait_for(1, 2)
    assert bad.end == "lost"
    assert bad.error is not None
    assert words in bad.error.message
    assert bad.error.kind == "crashed"
    assert well.end == "result"


@pytest.mark.parametrize("then", ["return", "crash", "hang"])
@pytest.mark.parametrize("how", ["plain", "session", "pipe"])
def test_processes_started_by_a_worker_end_with_it(
    table: Table, request: pytest.FixtureRequest, how: str, then: str
) -> None:
    method = request.node.callspec.params["table"]
    seconds = f"6100.{os.getpid()}{METHOD_DIGIT[method]}"
    table.start(1, "grandchild", f"{how} {then} {seconds}")
    if then == "hang":
        table.until(lambda: any("started its own" in text for text in table.messages(1)))
        table.expire(1)
    (outcome,) = table.wait_for(1)
    assert outcome.end == {"return": "result", "crash": "crashed", "hang": "timeout"}[then]

    def alive() -> list[int]:
        return [
            process.pid
            for process in psutil.process_iter(["cmdline", "status"])
            if process.info["cmdline"] == ["sleep", seconds]
            and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    assert eventually(lambda: not alive()), alive()


def test_a_forkserver_that_is_slow_to_give_the_exit_status_is_waited_for(tmp_path: Path) -> None:
    """A busy machine may let it stand still: the crash is the scan's all the same."""
    go_on = tmp_path / "go on"
    with opened("forkserver", spares=0) as table:
        table.start(1, "crashes_later", str(go_on))
        table.until(lambda: len(table.events) > 1)
        crashing, server = table.attempt(1), launch.server_pid()
        assert server is not None
        os.kill(server, signal.SIGSTOP)
        go_on.touch()
        table.until(lambda: not crashing.alive)
        late = crashing.exited + 1.0
        table.until(lambda: time.monotonic() > late)
        os.kill(server, signal.SIGCONT)
        (outcome,) = table.wait_for(1)
        assert outcome.end == "crashed", outcome.error
        assert outcome.error is not None
        assert "crashed (SIGSEGV) while grading" in outcome.error.message
        assert table.runner.incidents == ()
