"""Starting a worker does not change the caller; system errors are not reported as bugs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from divere_cli.isolation.runner import LaunchError
from divere_cli.isolation.supervisor import launch, orphans
from divere_cli.isolation.supervisor.process import WorkerProcess
from divere_cli.isolation.worker import hardening
from tests.isolation.conftest import METHODS, eventually


@pytest.mark.parametrize("method", METHODS)
def test_the_caller_is_left_as_it_was(method: str) -> None:
    main, environment = sys.modules["__main__"], dict(os.environ)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    launcher = launch.Launcher(method, warm=())  # type: ignore[arg-type]
    child = WorkerProcess.of(launcher.start(), launcher.method)
    assert sys.modules["__main__"] is main
    assert dict(os.environ) == environment
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask
    assert eventually(lambda: child.read_status() or child.pid > 0)
    child.kill()
    assert eventually(child.has_ended)
    child.note_end()
    child.release()
    launcher.close()


def test_a_refusal_of_the_system_is_a_launch_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: launch.Launcher) -> launch.Launched:
        raise MemoryError("a bug is no refusal")

    launcher = launch.Launcher("spawn")
    monkeypatch.setattr(launch.Launcher, "_start", refuse)
    with pytest.raises(MemoryError):
        launcher.start()

    def no_process(self: launch.Launcher) -> launch.Launched:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(launch.Launcher, "_start", no_process)
    with pytest.raises(LaunchError, match="temporarily unavailable"):
        launcher.start()


def test_only_what_carries_our_mark_is_swept() -> None:
    marked = os.environ | {launch.TOKEN_NAME: launch.TOKEN}
    stranger = subprocess.Popen(["sleep", "6000"], start_new_session=True)
    ours = subprocess.Popen(["sleep", "6000"], start_new_session=True, env=marked)
    try:
        assert orphans.sweep(group=2**22 + 5) == [ours.pid]
        assert stranger.poll() is None
        assert not psutil.pid_exists(ours.pid)
    finally:
        stranger.kill()
        stranger.wait()
        ours.wait()


def test_descendants_are_found_at_any_depth() -> None:
    tree = subprocess.Popen(["sh", "-c", "sh -c 'sleep 6000; true' & wait"], start_new_session=True)
    try:
        assert eventually(lambda: len(hardening.descendants(tree.pid)) == 2)
        assert hardening.descendants(2**22 + 5) == []
    finally:
        os.killpg(tree.pid, signal.SIGKILL)
        tree.wait()
