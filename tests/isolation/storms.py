"""Storms: a real batch whose workers and forkserver are killed at random moments.

``python -m tests.isolation.storms JOBS... [--scans N]`` prints a line for each number of jobs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.batch.tiffs import tiff

SECONDS = 1200.0
ROOT = Path(__file__).parents[2]


@dataclass
class Storm:
    """What a storm did, and what came of the run."""

    jobs: int
    seconds: float
    exit_code: int
    killed: dict[str, int]
    report: dict[str, Any]
    left: list[int]
    stderr: str

    @property
    def ok(self) -> int:
        """Scans that came out well."""
        return int(self.report["summary"]["ok"])

    def line(self) -> str:
        """The figures of one storm."""
        incidents = self.report["incidents"]
        taken = sum(incident["scans"] for incident in incidents)
        return (
            f"{self.jobs:2} jobs: {self.ok} of {self.report['summary']['total']} ok in "
            f"{self.seconds:.1f} s, exit {self.exit_code}; killed {self.killed}; "
            f"{len(incidents)} incidents took {taken} scans along; "
            f"{self.report['isolation']['start_method']}, "
            f"fallback {self.report['isolation']['fallback_reason']}; {len(self.left)} left"
        )


def blow(
    folder: Path,
    jobs: int,
    scans: int,
    *,
    every: float = 0.15,
    victims: tuple[str, ...] = ("worker", "worker", "worker", "server"),
    number: int = signal.SIGKILL,
    more: tuple[str, ...] = (),
    seed: int = 1,
    gated: bool = True,
    most: int = 10_000,
) -> Storm:
    """Run a batch and signal a random victim about each ``every`` seconds.

    ``gated``: nothing is killed before the first positive, and no forkserver twice without
    a positive between, so that the run can get on however slow the machine is; and the run waits
    for the first kill of its forkserver, however fast the machine is. No more than ``most``
    kills: with at most as many as there are retries, no scan can use up its own.
    """
    inputs, outputs = folder / "in", folder / "out"
    inputs.mkdir(exist_ok=True)
    for index in range(scans):
        (inputs / f"scan-{index:03}.tif").write_bytes(tiff(96, 64, index))
    dice = random.Random(seed)
    began = time.monotonic()
    go = folder / "go"
    gate = ("tests.isolation.held", "start", go) if gated else ("divere_cli",)
    batch = subprocess.Popen(
        [sys.executable, "-m", *gate, "batch", inputs, outputs, "-j", str(jobs), "-q",
         "-p", "c41-endura-premier", "--isolation", "always", "--retries", "9", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    killed = dict.fromkeys(victims, 0)
    seen: set[int] = set()
    stood = 0  # positives at the last kill of a forkserver: each of them may make one scan whole
    while (
        batch.poll() is None and sum(killed.values()) < most and time.monotonic() < began + SECONDS
    ):
        first = gated and killed.get("server") == 0  # the run waits for it
        time.sleep(0.01 if first else every * dice.uniform(0.3, 1.7))
        kind = "server" if first else dice.choice(victims)
        with contextlib.suppress(psutil.Error, IndexError, ProcessLookupError):
            children = psutil.Process(batch.pid).children()
            servers = [child for child in children if is_server(child)]
            workers = [child for parent in servers for child in parent.children()]
            workers += [child for child in children if child not in servers]
            seen |= {process.pid for process in (*servers, *workers)}
            standing = sum(1 for _ in outputs.glob("*.tif"))
            if gated and (not standing or (kind == "server" and standing <= stood)):
                continue
            victim = dice.choice(workers if kind == "worker" else servers)
            os.kill(victim.pid, number)
            killed[kind] += 1
            stood = standing if kind == "server" else stood
            if kind == "server":
                go.touch()
    try:
        _, stderr = batch.communicate(timeout=max(1.0, began + SECONDS - time.monotonic()))
    except subprocess.TimeoutExpired:
        batch.kill()
        _, stderr = batch.communicate()
    seconds = time.monotonic() - began
    saved = outputs / "divere-report.json"
    assert saved.exists(), stderr
    report = json.loads(saved.read_text())
    left = still_there(seen)
    return Storm(jobs, seconds, batch.returncode, killed, report, left, stderr)


def still_there(pids: set[int]) -> list[int]:
    """Those that do not end by themselves; the last may take a moment to be reaped."""
    deadline = time.monotonic() + 60.0
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [pid for pid in pids if psutil.pid_exists(pid)]


def is_server(process: psutil.Process) -> bool:
    """Whether this is a forkserver of divere; False where it has just ended."""
    try:
        return any("forkserver" in word for word in process.cmdline())
    except psutil.Error:
        return False


def main() -> None:
    """Print the figures of one storm for each number of jobs."""
    words = argparse.ArgumentParser()
    words.add_argument("jobs", type=int, nargs="+")
    words.add_argument("--scans", type=int, default=200)
    words.add_argument("--every", type=float, default=0.15)
    words.add_argument("--ungated", action="store_true")
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    for jobs in asked.jobs:
        with tempfile.TemporaryDirectory() as folder:
            path, gated = Path(folder), not asked.ungated
            storm = blow(path, jobs, asked.scans, every=asked.every, seed=asked.seed, gated=gated)
            print(storm.line(), flush=True)  # noqa: T201
            odd = [file for file in storm.report["files"] if file["status"] != "ok"]
            if odd:
                print(storm.report["error"], storm.report["stopped"], *odd[:3], sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
