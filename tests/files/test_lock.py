"""One run for each output folder."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from divere_cli.errors import OutputLocked, OutputUnusable
from divere_cli.files.lock import NAME, Lock
from divere_cli.files.output_folder import Folder
from tests.batch import processes
from tests.batch.lab import Lab


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    opened = Folder.open(str(tmp_path), create=False)
    assert opened is not None
    yield opened
    opened.close()


def take(folder: Folder) -> Lock:
    lock = Lock.take(folder, create=True, pause=None)
    assert lock is not None
    return lock


def test_a_second_lock_is_refused_until_the_first_is_released(folder: Folder) -> None:
    first = take(folder)
    with pytest.raises(OutputLocked) as caught:
        take(folder)
    assert caught.value.exit_code == 11
    first.release()
    take(folder).release()


def test_no_lock_file_is_created_before_the_plan_is_complete(
    folder: Folder, tmp_path: Path
) -> None:
    assert Lock.take(folder, create=False, pause=None) is None
    assert list(tmp_path.iterdir()) == []


def test_waiting_ends_when_the_lock_is_free(folder: Folder) -> None:
    first, looks = take(folder), []

    def pause(seconds: float) -> bool:
        looks.append(seconds)
        if len(looks) == 3:
            first.release()
        return True

    lock = Lock.take(folder, create=True, pause=pause)
    assert lock is not None
    assert len(looks) == 3
    lock.release()


def test_waiting_ends_with_a_signal(folder: Folder) -> None:
    first = take(folder)
    with pytest.raises(OutputLocked):
        Lock.take(folder, create=True, pause=lambda seconds: False)
    first.release()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_refused_with_a_hint(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(fd: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OutputUnusable) as caught:
        take(folder)
    assert caught.value.exit_code == 12
    assert "lock" in caught.value.message


def test_a_link_in_place_of_the_lock_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputUnusable):
        take(folder)
    assert not (tmp_path / "elsewhere").exists()


def test_the_lock_is_not_inherited(folder: Folder, tmp_path: Path) -> None:
    lock = take(folder)
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    lock.release()
    take(folder).release()
    child.kill()
    child.wait()


@pytest.mark.parametrize("alias", [False, True])
def test_a_second_run_ends_with_11_and_writes_nothing(lab: Lab, alias: bool) -> None:
    lab.scans("a.tif", "hangs-b.tif")
    task = ("--task", "tests.batch.tasks:misbehave", "--runner", "process")
    with processes.driver(lab, *task) as first:
        processes.until(lambda: (lab.inputs / "hangs-b.began").exists(), "never began")
        journal = lab.outputs / ".divere-journal.jsonl"
        processes.until(lambda: '"kind":"done"' in journal.read_text(), "a.tif was never done")
        (lab.root / "alias").symlink_to("out")
        before = sorted((p.name, p.stat().st_mtime_ns) for p in lab.outputs.iterdir())
        path = str(lab.root / "alias" if alias else lab.outputs)
        with pytest.raises(OutputLocked):
            lab.run(folder=path)
        assert sorted((p.name, p.stat().st_mtime_ns) for p in lab.outputs.iterdir()) == before
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert lab.run().exit_code == 0


def test_a_signal_ends_the_wait(lab: Lab) -> None:
    lab.scans("a.tif")
    folder = Folder.open(str(lab.outputs), create=True)
    assert folder is not None
    lock = take(folder)
    with processes.driver(lab, "--wait") as second:
        processes.until(lambda: processes.waits_for(second, lab.outputs / NAME), "no wait")
        second.send_signal(signal.SIGTERM)
        exit_code, report = processes.finish(second)
    lock.release()
    folder.close()
    assert (exit_code, report["exit_code"], report["stopped"]) == (143, 143, "SIGTERM received")
    assert [path.name for path in lab.outputs.iterdir()] == [NAME]


def test_a_run_that_waits_comes_after_and_finds_all_done(lab: Lab) -> None:
    lab.scans("a.tif", "b.tif")
    folder = Folder.open(str(lab.outputs), create=True)
    assert folder is not None
    lock = take(folder)
    with processes.driver(lab, "--wait") as second:
        processes.until(lambda: processes.waits_for(second, lab.outputs / NAME), "no wait")
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(0.5)
        lock.release()
        exit_code, report = processes.finish(second)
    folder.close()
    assert exit_code == 0
    assert set(processes.statuses(report).values()) == {"ok"}
