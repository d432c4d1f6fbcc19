"""Batches in processes of their own: started, watched, killed, and what must hold afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.batch.lab import Lab

ROOT = Path(__file__).parents[2]
DEADLINE = 200.0
DRIVER = (sys.executable, "-m", "tests.batch.driver")


def command(lab: Lab, *options: str) -> list[str]:
    return [*DRIVER, str(lab.inputs), str(lab.outputs), *options]


def until(what: Callable[[], object], why: str) -> None:
    """Wait until something holds, or fail with ``why``."""
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.01)


@contextlib.contextmanager
def driver(lab: Lab, *options: str, **how: Any) -> Iterator[subprocess.Popen[str]]:
    """A batch under way; whatever is left of it is killed in the end."""
    log = lab.root / "stderr"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command(lab, *options),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
            **how,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def waits_for(process: subprocess.Popen[str], file: Path) -> bool:
    """Whether a process has a file open, by now."""
    folder = Path(f"/proc/{process.pid}/fd")
    with contextlib.suppress(OSError):
        return any(os.readlink(entry) == str(file) for entry in folder.iterdir())
    return False


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    """Exit code and report of a batch that ends by itself."""
    out, _ = process.communicate(timeout=DEADLINE)
    return process.returncode, json.loads(out) if out else {}


def run(lab: Lab, *options: str, **how: Any) -> tuple[int, dict[str, Any]]:
    """A whole batch; exit code and report."""
    with driver(lab, *options, **how) as process:
        return finish(process)


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {file["input"]: file["status"] for file in report["files"]}


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two
        return False


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if _runs(process)]


def gone(processes: list[psutil.Process]) -> None:
    """Assert that no process of a killed batch outlives it."""
    end = time.monotonic() + DEADLINE
    while alive(processes):
        assert time.monotonic() < end, f"still alive: {alive(processes)}"
        time.sleep(0.01)


def settled(lab: Lab, expected: dict[str, bytes]) -> None:
    """Outputs are absent or whole, and the next run ends like an undisturbed one."""
    for name, data in lab.positives().items():
        if not Path(name).name.startswith(".divere-tmp-"):
            assert data == expected[name], f"{name} is torn"
    report = lab.run()
    assert report.exit_code == 0, report
    assert lab.positives() == expected
    assert set(lab.statuses(lab.run()).values()) <= {"up_to_date"}


def undisturbed(lab: Lab) -> dict[str, bytes]:
    """What a run makes of the lab's scans when nobody disturbs it."""
    other = Lab(lab.root / "undisturbed")
    other.root.mkdir()
    report = other.run(paths=(str(lab.inputs),))
    assert report.exit_code == 0
    return other.positives()
