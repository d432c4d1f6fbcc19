"""Choosing the runner: the best that works for `auto`, processes or an error for `always`."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from divere_cli.errors import IsolationUnavailable
from divere_cli.isolation import factory
from divere_cli.isolation.runner import DEPTH, IsolationRequest, LaunchError, Runner
from divere_cli.isolation.supervisor import launch
from tests.isolation.conftest import ROOT


def opened_info(request: IsolationRequest) -> tuple[str, str | None, str | None]:
    runner: Runner = factory.open_runner(request, lambda event: None, warm=("numpy",))
    try:
        info = runner.info
        return info.effective, info.start_method, info.fallback_reason
    finally:
        runner.close(0)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Start methods that fail here."""
    names: set[str] = set()
    start = launch.Launcher.start

    def refuse(self: launch.Launcher) -> launch.Launched:
        if self.method in names:
            raise LaunchError("the system says no")
        return start(self)

    monkeypatch.setattr(launch.Launcher, "start", refuse)
    return names


def test_auto_is_processes_by_forkserver() -> None:
    assert opened_info(IsolationRequest("auto")) == ("process", "forkserver", None)


def test_auto_is_threads_in_a_frozen_program() -> None:
    assert opened_info(IsolationRequest("auto", frozen=True)) == ("thread", None, None)
    assert opened_info(IsolationRequest("always", frozen=True))[0] == "process"


def test_never_is_threads() -> None:
    assert opened_info(IsolationRequest("never")) == ("thread", None, None)


@pytest.mark.parametrize("requested", ["auto", "always"])
def test_a_method_that_fails_gives_way_to_the_next(broken: set[str], requested: str) -> None:
    broken.add("forkserver")
    info = opened_info(IsolationRequest(requested))  # type: ignore[arg-type]
    assert info == ("process", "spawn", "forkserver: the system says no")


def test_auto_falls_back_to_threads_with_one_warning(
    broken: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken.update(("forkserver", "spawn", "fork"))
    with caplog.at_level(logging.WARNING):
        effective, method, reason = opened_info(IsolationRequest("auto"))
    assert (effective, method) == ("thread", None)
    assert reason is not None
    assert "forkserver: the system says no; spawn: the system says no" in reason
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "scans run on threads instead" in caplog.text


def test_always_never_degrades(broken: set[str]) -> None:
    broken.update(("forkserver", "spawn", "fork"))
    with pytest.raises(IsolationUnavailable, match="no worker process can be started") as caught:
        opened_info(IsolationRequest("always"))
    assert caught.value.exit_code == 15


def test_a_method_that_was_asked_for_comes_alone(broken: set[str]) -> None:
    broken.add("spawn")
    with pytest.raises(IsolationUnavailable, match="spawn: the system says no"):
        opened_info(IsolationRequest("always", "spawn"))
    assert opened_info(IsolationRequest("auto", "spawn"))[0] == "thread"


def test_a_worker_does_not_start_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEPTH, "1")
    with pytest.raises(IsolationUnavailable, match="as a worker of itself"):
        opened_info(IsolationRequest("auto"))
    assert opened_info(IsolationRequest("never"))[0] == "thread"


def test_fork_is_not_used_in_a_program_with_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory.threading, "active_count", lambda: 1)
    assert factory.methods(IsolationRequest("auto")) == ["forkserver", "spawn", "fork"]
    monkeypatch.setattr(factory.threading, "active_count", lambda: 2)
    assert factory.methods(IsolationRequest("auto")) == ["forkserver", "spawn"]


def test_an_unsupported_start_method_is_reported() -> None:
    assert factory._why_no_method(IsolationRequest("always", "fork")).endswith("method fork")


PROGRAM = """
import json, logging, sys, time
import asyncio, urllib.request, numpy  # a heavy __main__, which no worker may import again
MARK = "imported"
sys.path.insert(0, {root!r})
from divere_cli.isolation.runner import IsolationRequest
from divere_cli.isolation.factory import open_runner
from divere_cli.records.job import Limits
from tests.isolation.conftest import make_job
logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
if __name__ == "__main__":
    request = IsolationRequest("always", {method!r}, sandbox="never")
    runner = open_runner(request, lambda e: None, {warm!r})
    runner.start(make_job(1, "about"), Limits())
    (outcome,) = runner.wait(200)
    info = runner.info
    runner.close()
    print(json.dumps([info.start_method, info.fallback_reason, outcome.end, outcome.result.notes]))
"""


def run_program(method: str | None, *warm: str) -> tuple[str, str]:
    program = PROGRAM.format(root=str(ROOT), method=method, warm=warm)
    done = subprocess.run(
        [sys.executable, "-"], input=program, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_heavy_main_module_is_not_imported_by_workers(method: str, tmp_path: object) -> None:
    script = f"{tmp_path}/heavy.py"
    with open(script, "w") as file:
        file.write(PROGRAM.format(root=str(ROOT), method=method, warm=("numpy",)))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    assert '"main=none"' in done.stdout


def test_a_worker_of_a_warm_forkserver_imports_nothing() -> None:
    out, _ = run_program("forkserver", "tests.isolation.misbehave")
    assert '"imported=[]"' in out


def test_a_failed_preload_is_logged_and_the_run_goes_on() -> None:
    out, err = run_program("forkserver", "numpy", "tests.isolation.no_such_module")
    assert '"forkserver", null, "result"' in out
    assert err.count("the preload failed: ModuleNotFoundError") == 1


def test_a_preload_that_starts_a_thread_is_found_and_the_next_method_taken() -> None:
    out, _ = run_program(None, "tests.isolation.threaded_module")
    assert '["spawn", "forkserver: the preload left 2 threads running' in out
