"""How a run as a whole is ended from outside: killed, interrupted, suspended."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.isolation.conftest import BEST_FIRST, METHODS, eventually

SHARED_MEMORY = ("psm_", "sem.", "mp-", "pym", "divere")  # names as multiprocessing gives them
PROGRAM = Path(__file__).with_name("supervisor.py")


class Supervisor:
    """The program of supervisor.py under test."""

    def __init__(self, kind: str, task: str, what: str = "", jobs: int = 2, count: int = 2) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), kind, str(jobs), task, what],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # communicate() does not see what a buffer holds
            env=os.environ | {"DIVERE_TEST_COUNT": str(count)},
            process_group=0,
        )
        self.said: list[dict[str, object]] = []

    def read_until(self, **facts: object) -> dict[str, object]:
        assert self.process.stdout is not None
        for said in self.said:  # two workers begin in any order
            if all(said.get(name) == value for name, value in facts.items()):
                return said
        for line in self.process.stdout:
            self.said.append(json.loads(line))
            if all(self.said[-1].get(name) == value for name, value in facts.items()):
                return self.said[-1]
        raise AssertionError(f"never said {facts}: {self.said} {self.process.stderr.read()}")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=200)
        self.said += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode, err.decode()


@contextlib.contextmanager
def supervisor(*arguments: str, jobs: int = 2, count: int = 2) -> Iterator[Supervisor]:
    running = Supervisor(*arguments, jobs=jobs, count=count)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        with contextlib.suppress(ValueError):
            running.process.communicate()


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two
        return False


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in family if runs(process)]


def shared_memory() -> set[str]:
    """Blocks of shared memory; other tests that run now have some for a moment, browsers longer."""
    return {name for name in os.listdir("/dev/shm") if name.startswith(SHARED_MEMORY)}


@pytest.mark.parametrize("how", ["sleep", "c", "stopped", "ignores term"])
@pytest.mark.parametrize("method", BEST_FIRST)
def test_a_killed_supervisor_leaves_no_process(method: str, how: str) -> None:
    before = shared_memory()
    with supervisor(method, "hang", how) as running:
        for number in (1, 2):
            running.read_until(event="ScanStarted", job=number)
        family = running.family()
        assert len(family) >= 2
        if how == "stopped":
            assert eventually(lambda: [p.status() for p in family].count("stopped") == 2)
        running.process.kill()
        assert eventually(lambda: not alive(family)), alive(family)
    assert eventually(lambda: shared_memory() <= before), shared_memory() - before


@pytest.mark.parametrize("method", METHODS)
def test_a_supervisor_killed_while_it_starts_workers_leaves_no_process(method: str) -> None:
    with supervisor(method, "good", count=1000) as running:
        running.read_until(event="ScanStarted")
        for _ in range(5):
            running.read_until(end="result")
        family = running.family()
        running.process.kill()
        assert eventually(lambda: not alive(family)), alive(family)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("method", [*BEST_FIRST, "thread"])
def test_a_signal_to_the_group_ends_in_order(method: str, number: signal.Signals) -> None:
    with supervisor(method, "steps", "3600") as running:
        running.read_until(event="ScanStarted", job=2)
        family = running.family()
        os.killpg(running.process.pid, number)
        code, err = running.end()
        assert code == 128 + number
        assert err == ""
        assert running.said[-1] == {"report": 2, "received": [number]}
        ends = {said["job"]: said["end"] for said in running.said if "end" in said}
        assert ends == {1: "cancelled", 2: "cancelled"}
        assert eventually(lambda: not alive(family)), alive(family)


def interrupt_at(method: str, after: float) -> None:
    with supervisor(method, "good", count=100_000) as running:
        running.read_until(supervisor=running.process.pid)
        time.sleep(after)
        family = running.family()
        os.killpg(running.process.pid, signal.SIGINT)
        code, err = running.end()
        assert (code, err) == (130, ""), f"{method} after {after:.3f} s"
        assert running.said[-1]["received"] == [signal.SIGINT], "Ctrl-C was lost"
        assert eventually(lambda: not alive(family)), alive(family)


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_at_any_moment_is_quiet(method: str) -> None:
    for after in (0.0, 0.03, 0.2):
        interrupt_at(method, after)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_thirty_interrupts_are_quiet(method: str) -> None:
    dice = random.Random(5)
    for _ in range(30):
        interrupt_at(method, dice.uniform(0.0, 0.45))


@pytest.mark.parametrize("method", [*METHODS, "thread"])
def test_suspend_and_continue(method: str, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with supervisor(method, "waits", str(go_on)) as running:
        running.read_until(event="ScanStarted", job=2)
        own = psutil.Process(running.process.pid)
        workers = [p for p in running.family() if os.getpgid(p.pid) == p.pid]
        workers = [p for p in workers if p.pid != running.said[1]["server"]]
        os.killpg(running.process.pid, signal.SIGTSTP)
        assert eventually(lambda: own.status() == "stopped")
        if method != "thread":
            assert len(workers) >= 2
            assert eventually(lambda: all(p.status() == "stopped" for p in workers))
        os.killpg(running.process.pid, signal.SIGCONT)
        go_on.touch()
        code, err = running.end()
        assert (code, err) == (0, "")
        assert running.said[-1] == {"report": 2, "received": []}
        assert all(said["end"] == "result" for said in running.said if "end" in said)


def test_the_machinery_is_killed_and_the_run_goes_on(tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    with supervisor("forkserver", "waits_from_the_fifth", str(go_on), count=30) as running:
        running.read_until(event="ScanStarted", job=5)
        os.kill(int(str(running.said[1]["server"])), signal.SIGKILL)
        go_on.touch()
        code, err = running.end()
        assert (code, err) == (0, "")
        ends = [said["end"] for said in running.said if "end" in said]
        assert len(ends) == 30
        assert set(ends) <= {"result", "infrastructure"}
        assert ends.count("infrastructure") <= 2
        pids = {said["pid"] for said in running.said if "end" in said}
        assert eventually(lambda: not any(psutil.pid_exists(int(str(pid))) for pid in pids))
