"""Features of the process runner only: spares, failed starts, a daemonic parent."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import resource
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from divere_cli.errors import IsolationUnavailable
from divere_cli.isolation.factory import open_runner
from divere_cli.isolation.runner import IsolationRequest, LaunchError
from divere_cli.isolation.supervisor import (
    attempt,
    event_loop,
    launch,
    process,
    process_runner,
    recovery,
)
from divere_cli.isolation.worker import birth
from divere_cli.records.job import Limits
from tests.isolation.conftest import METHODS, ROOT, eventually, make_job, opened


@pytest.fixture(autouse=True)
def memory_for_spares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares are started however little memory the machine has left."""
    monkeypatch.setattr(process_runner, "SPARE_MEMORY", 0)


@pytest.mark.parametrize("kind", METHODS)
def test_a_ready_spare_takes_the_job(kind: str) -> None:
    with opened(kind, jobs=1, spares=1) as table:
        first = table.run("good")
        (spare,) = table.runner.loop.attempts  # type: ignore[attr-defined]
        assert spare.greeted or select.select([spare.child.frames], [], [], 200)[0], "no hello"
        second = table.run("good")
        assert second.pid == spare.child.pid != first.pid
        assert second.end == "result"


def test_spares_are_booted_when_one_is_taken_and_age_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(event_loop, "SPARE_SECONDS", 0.1)
    with opened("spawn", jobs=2) as table:
        table.run("good")
        table.start(2, "waits", str(tmp_path / "go on"))
        assert len(table.runner.loop.attempts) > 1, "no spare"  # type: ignore[attr-defined]
        table.until(lambda: len(table.runner.loop.attempts) <= 1)  # type: ignore[attr-defined]
        (tmp_path / "go on").touch()
        assert table.wait_for(2)[0].end == "result"


def test_a_spare_that_dies_is_nobodys_fault(caplog: pytest.LogCaptureFixture) -> None:
    with opened("spawn", jobs=1, spares=1) as table:
        table.run("good")
        (spare,) = table.runner.loop.attempts  # type: ignore[attr-defined]
        os.kill(spare.child.pid, signal.SIGKILL)
        outcome = table.run("good")
        assert outcome.end in ("result", "infrastructure")
        assert table.run("good").end == "result"


def test_a_large_job_reaches_a_worker_that_is_slow_to_read() -> None:
    with opened("spawn", jobs=2, spares=0) as table:
        job = make_job(1, "good")
        large = replace(job, frames=(), input="x" * 900_000)
        table.runner.start(large, Limits())
        table.start(2, "good")
        assert [o.end for o in table.wait_for(1, 2)] == ["result", "result"]


@pytest.mark.parametrize("kind", METHODS)
def test_no_descriptors_left_is_an_outcome_not_a_crash(kind: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with opened(kind, spares=0) as table:
        table.run("good")
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 2, hard))
        try:
            outcome = table.run("good")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert outcome.end == "infrastructure"
        assert outcome.error is not None
        assert os.strerror(errno.EMFILE) in outcome.error.message
        assert table.run("good").end == "result"
        assert len(os.listdir("/proc/self/fd")) <= used + 1


@pytest.mark.parametrize("kind", METHODS)
def test_a_process_that_cannot_be_started_is_an_outcome(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(kind, spares=0) as table:
        table.run("good")

        def refuse(*args: object) -> None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        monkeypatch.setattr(launch.Launcher, "_start", refuse)
        outcome = table.run("good")
        assert outcome.end == "infrastructure"
        monkeypatch.undo()
        assert table.run("good").end == "result"


def _open_in_a_daemon(answers: object) -> None:
    with opened("spawn", jobs=1, spares=0) as table:
        answers.send(table.run("good").end)  # type: ignore[attr-defined]


def test_a_daemonic_process_may_supervise_too() -> None:
    reading, writing = multiprocessing.Pipe(duplex=False)
    daemon = multiprocessing.get_context("spawn").Process(
        target=_open_in_a_daemon, args=(writing,), daemon=True
    )
    daemon.start()
    assert reading.poll(250)
    assert reading.recv() == "result"
    daemon.join()
    daemon.close()
    reading.close()
    writing.close()


def test_a_worker_that_never_says_hello_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened("spawn", spares=0) as table:
        table.run("good")
        mute = [sys.executable, "-c", "import time; time.sleep(3600)"]
        monkeypatch.setattr(birth, "command", lambda role, argument: mute)
        table.start(2, "good")
        table.attempt(2).deadline = time.monotonic() + 0.1
        (outcome,) = table.wait_for(2)
        assert outcome.end == "infrastructure"
        assert outcome.error is not None
        assert "did not start within" in outcome.error.message


def test_a_worker_whose_server_died_is_ended_before_its_scan_is_given_back() -> None:
    with opened("forkserver", spares=0) as table:
        table.start(1, "hang", "without guard")
        table.until(lambda: len(table.events) > 1)
        (worker,) = {event.pid for event in table.events if hasattr(event, "pid")}
        server = launch.server_pid()
        assert server is not None
        logging.getLogger().debug("kill the server")
        os.kill(server, signal.SIGKILL)
        (outcome,) = table.wait_for(1)
        assert outcome.end == "infrastructure"
        assert not psutil.pid_exists(worker)
        assert table.run("good").end == "result"


def test_a_method_that_fails_under_way_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    request = IsolationRequest("always", jobs=1, spares=0)
    runner = open_runner(request, lambda event: None, warm=())
    start = launch.Launcher.start

    def refuse(self: launch.Launcher) -> launch.Launched:
        if self.method == "forkserver":
            raise LaunchError("no more")
        return start(self)

    ends = []
    monkeypatch.setattr(recovery, "REPEATED_SECONDS", 0.0)
    monkeypatch.setattr(launch.Launcher, "start", refuse)
    for number in range(recovery.REPEATED + 2):
        runner.start(make_job(number, "good"), Limits())
        ends += [outcome.end for outcome in runner.wait(200)]
    info = runner.info
    runner.close()
    assert ends == ["result", *["infrastructure"] * recovery.REPEATED, "result"]
    assert info.start_method == "spawn"
    assert "forkserver: " in str(info.fallback_reason)
    assert "no more" in str(info.fallback_reason)
    assert "trying spawn" in caplog.text


@pytest.mark.parametrize(("kills", "ends"), [(6, "proven"), (12, "the signal")])
def test_a_forkserver_that_others_kill_while_it_is_proven_tells_nothing_of_the_method(
    kills: int, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = launch.Launcher.start
    killed: list[int] = []

    def start_and_kill(self: launch.Launcher) -> launch.Launched:
        launched = start(self)
        if len(killed) < kills and self.server is not None:
            killed.append(self.server.pid)
            os.kill(self.server.pid, signal.SIGKILL)
        return launched

    monkeypatch.setattr(launch.Launcher, "start", start_and_kill)
    request = IsolationRequest("always", start_method="forkserver", jobs=1, spares=0)
    if ends == "proven":
        runner = open_runner(request, lambda event: None, warm=())
        incidents = runner.incidents
        runner.close()
        assert len(incidents) == kills
        assert {incident.kind for incident in incidents} == {"forkserver"}
    else:
        with pytest.raises(IsolationUnavailable, match="signal 9"):
            open_runner(request, lambda event: None, warm=())


def test_a_process_that_cannot_be_killed_is_abandoned_and_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt, "KILL_SECONDS", 0.1)
    with opened("spawn", spares=0) as table:
        table.start(1, "hang", "ignores term")
        table.until(lambda: len(table.events) > 1)
        table.expire(1)
        with monkeypatch.context() as patch:
            patch.setattr(process.WorkerProcess, "kill", lambda self: None)  # a dead network mount
            (outcome,) = table.wait_for(1)
        assert outcome.end == "timeout"
        assert outcome.error is not None
        assert outcome.error.message.endswith("was left behind")
        assert table.run("good").end == "result"
        os.kill(outcome.pid, signal.SIGKILL)
        os.waitpid(outcome.pid, 0)


def test_a_fault_of_the_listener_is_not_the_workers() -> None:
    def complain(event: object) -> None:
        raise ValueError("the display fell over")

    runner = open_runner(IsolationRequest("always", jobs=1), complain, warm=())
    runner.start(make_job(1, "good"), Limits())
    with pytest.raises(ValueError, match="display"):
        runner.wait(200)
    ends = [outcome.end for outcome in runner.close()]
    assert ends in (["result"], ["cancelled"])


def test_a_listener_that_fails_at_the_end_leaves_no_worker_behind() -> None:
    def complain(event: object) -> None:
        raise ValueError("the display fell over")

    runner = open_runner(IsolationRequest("always", jobs=1), complain, warm=())
    runner.start(make_job(1, "good"), Limits())
    (busy,) = runner.loop.busy()  # type: ignore[attr-defined]
    assert eventually(lambda: select.select([busy.child.frames], [], [], 0)[0])
    ends = [outcome.end for outcome in runner.close()]  # its first events are read here
    assert ends in (["result"], ["cancelled"])


def test_a_program_that_forgets_to_close_takes_its_workers_along() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from divere_cli.isolation.runner import IsolationRequest\n"
        "from divere_cli.isolation.factory import open_runner\n"
        "from divere_cli.records.job import Limits\n"
        "from tests.isolation.conftest import make_job\n"
        "pids = []\n"
        "runner = open_runner(IsolationRequest('always'), lambda e: pids.append(e), ())\n"
        "runner.start(make_job(1, 'hang', 'ignores term'), Limits())\n"
        "while not pids: runner.wait(0.1)\n"
        "print(pids[0].pid)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=250)
    assert done.returncode == 0
    assert done.stderr == b""
    assert eventually(lambda: not psutil.pid_exists(int(done.stdout)))
