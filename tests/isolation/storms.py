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

SECONDS = 240.0


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
) -> Storm:
    """Run a batch and signal a random victim about each ``every`` seconds.

    ``gated``: nothing is killed before the first positive, and no forkserver twice without
    a positive between, so that the run can get on however slow the machine is.
    """
    inputs, outputs = folder / "in", folder / "out"
    inputs.mkdir(exist_ok=True)
    for index in range(scans):
        (inputs / f"scan-{index:03}.tif").write_bytes(tiff(96, 64, index))
    dice = random.Random(seed)
    began = time.monotonic()
    batch = subprocess.Popen(
        [sys.executable, "-m", "divere_cli", "batch", inputs, outputs, "-j", str(jobs), "-q",
         "-p", "c41-endura-premier", "--isolation", "always", "--retries", "9", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    killed = dict.fromkeys(victims, 0)
    seen: set[int] = set()
    stood = 0  # positives at the last kill of a forkserver: each of them may make one scan whole
    while batch.poll() is None and time.monotonic() < began + SECONDS:
        first = gated and killed.get("server") == 0  # the first as soon as it may: on a fast
        time.sleep(0.01 if first else every * dice.uniform(0.3, 1.7))  # machine the run is short
        kind = "server" if first else dice.choice(victims)
        with contextlib.suppress(psutil.Error, IndexError, ProcessLookupError):
            children = psutil.Process(batch.pid).children()
            servers = [child for child in children if _is_server(child)]
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
    if batch.poll() is None:
        batch.kill()
    _, stderr = batch.communicate()
    seconds = time.monotonic() - began
    saved = outputs / "divere-report.json"
    assert saved.exists(), stderr
    report = json.loads(saved.read_text())
    left = [pid for pid in seen if psutil.pid_exists(pid)]
    return Storm(jobs, seconds, batch.returncode, killed, report, left, stderr)


def _is_server(process: psutil.Process) -> bool:
    return any("forkserver" in word for word in process.cmdline())


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
