"""What threads and other programs may do between any two steps of the review service."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from divere_cli.review import presets_file, programs
from divere_cli.review.presets_file import PresetsFile
from divere_cli.review.renderer import Renderer


def test_a_change_within_one_step_of_the_clock_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program writes as many bytes in place, so soon that times and sizes are the same."""
    now = time.time_ns()
    monkeypatch.setattr(presets_file, "_stamp", lambda path: (now, 15, 7, now))
    monkeypatch.setattr(presets_file.time, "time_ns", lambda: now)
    path = tmp_path / "divere_presets.json"
    path.write_text('{"a": {"b": 1}}')
    file = PresetsFile(str(path))
    assert file.read().version == 1
    path.write_text('{"a": {"b": 2}}')
    assert file.read().document == {"a": {"b": 2}}


def test_a_change_right_after_our_own_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "divere_presets.json"
    file = PresetsFile(str(path))
    put = presets_file._put

    def put_and_lose(name: str, data: bytes) -> None:
        put(name, data)
        path.write_text('{"theirs": {}}')

    with monkeypatch.context() as during:
        during.setattr(presets_file, "_put", put_and_lose)
        during.setattr(presets_file, "_at_rest", lambda stamp: True)
        file.write(1, presets_file.Change(marks={"a.tif": "done"}))
        assert file.read().document == {"theirs": {}}
    assert file.read().foreign == 3


def test_who_sees_that_a_command_ended_can_start_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    command = programs.Command("test")
    running: list[bool] = []

    class Progress(programs.Progress):
        def __setattr__(self, name: str, value: Any) -> None:
            if (name, value) == ("state", "ended"):
                running.append(command._process is not None)
            super().__setattr__(name, value)

    monkeypatch.setattr(programs, "Progress", Progress)
    assert command.start(["--version"])
    assert command._thread is not None
    command._thread.join()
    assert command.progress.state == "ended"
    assert running == [False]


class Vanishing:
    """A scan whose worker is gone when it is looked at again, as another thread may do it."""

    def __init__(self, worker: Any, thread: threading.Thread, stem: str) -> None:
        self._workers = [worker]
        self.queue = SimpleNamespace(close=lambda: None, thread=thread)
        self.stem = stem
        self.closed = False

    @property
    def worker(self) -> Any:
        return self._workers.pop() if self._workers else None


def test_a_worker_that_is_let_go_twice_at_once_is_no_error(tmp_path: Path) -> None:
    killed: list[str] = []
    worker = SimpleNamespace(kill=lambda: killed.append("worker"))
    workers: Any = SimpleNamespace(folder=str(tmp_path), small=str(tmp_path))
    made = Renderer(workers)
    scan: Any = Vanishing(worker, made._grid.thread, str(tmp_path / "scan"))
    made._let_go(scan)
    made.close()
    assert killed == ["worker"]
