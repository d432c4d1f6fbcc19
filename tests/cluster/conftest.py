"""A real cluster on loopback: one scheduler, two Dask workers, all processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile

DASK = str(Path(sys.executable).with_name("dask"))
DIVERE = str(Path(sys.executable).with_name("divere"))
PROFILE = "c41-endura-premier"


@dataclass
class Cluster:
    """Starts and stops the processes; ``file`` is the scheduler file."""

    folder: Path
    file: Path
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(
        self, *words: str, within: tuple[str, ...] = (), **environment: str
    ) -> subprocess.Popen[bytes]:
        """One more machine, with a single task thread; ``within`` is a command to start it by."""
        name = f"machine-{len(self.workers)}"
        started = _start(
            self.folder / f"{name}.log",
            *("worker", "--scheduler-file", str(self.file), "--nthreads", "1"),
            *("--no-dashboard", "--name", name, *words),
            within=within,
            **environment,
        )
        self.workers.append(started)
        return started

    def wait_for(self, count: int) -> None:
        """Until ``count`` workers have joined."""
        from distributed import Client

        with Client(scheduler_file=str(self.file), set_as_default=False) as client:
            client.wait_for_workers(count, timeout=200)

    def stop(self) -> None:
        """End everything at once; the stations end with their machines."""
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _start(
    log: Path, *words: str, within: tuple[str, ...] = (), **more: str
) -> subprocess.Popen[bytes]:
    environment = os.environ | {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"} | more
    with open(log, "wb") as out:
        return subprocess.Popen(
            [*within, DASK, *words], stdout=out, stderr=out, env=environment, start_new_session=True
        )


def _scheduler(folder: Path) -> Cluster:
    file = folder / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    started = _start(folder / "scheduler.log", "scheduler", *words)
    deadline = time.monotonic() + 200
    while not _complete(file):
        assert started.poll() is None, (folder / "scheduler.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return Cluster(folder, file, started)


def _complete(file: Path) -> bool:
    """Whether the scheduler has written its file to the end."""
    try:
        return bool(json.loads(file.read_text())["address"])
    except (OSError, ValueError):
        return False


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two machines for the tests that break nothing."""
    found = _scheduler(tmp_path_factory.mktemp("cluster"))
    try:
        found.add()
        found.add()
        found.wait_for(2)
        yield found
    finally:
        found.stop()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of one's own, without machines, to break."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = _scheduler(folder)
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def negatives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small negatives."""
    folder = tmp_path_factory.mktemp("negatives")
    random = np.random.default_rng(3)
    for number in range(6):
        picture = random.integers(2000, 40000, (60, 80, 3)).astype(np.uint16)
        tifffile.imwrite(folder / f"{number}.tif", picture, photometric="rgb")
    return folder


@dataclass(frozen=True)
class Ended:
    """How a batch ended."""

    code: int
    stderr: str
    report: dict[str, object]


def batch(source: Path, out: Path, *words: str) -> Ended:
    """Run ``divere batch`` as users do."""
    done = subprocess.run(
        [DIVERE, "batch", str(source), str(out), "-p", PROFILE, *words],
        capture_output=True,
        text=True,
        timeout=280,
    )
    return ended(done.returncode, done.stderr, out)


def ended(code: int, stderr: str, out: Path) -> Ended:
    """What a batch left behind."""
    file = out / "divere-report.json"
    return Ended(code, stderr, json.loads(file.read_text()) if file.exists() else {})


def positives(out: Path) -> dict[str, bytes]:
    """The outputs by name."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.tif"))}
