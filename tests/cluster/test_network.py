"""Two hosts in network namespaces, one cut off in the middle (root and iproute2 needed)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import DASK, DIVERE, PROFILE, batch, ended, positives
from tests.cluster.test_cluster import leftovers, many, wait_for_output

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("ip") is None,
        reason="needs root and iproute2",
    ),
]

NAMES = ("dvcaller", "dvone", "dvtwo")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[None]:
    """Three namespaces on a bridge of their own: 10.83.0.1 calls, .2 and .3 work."""
    ip("link", "add", "dvbridge", "type", "bridge")
    ip("link", "set", "dvbridge", "up")
    try:
        for number, name in enumerate(NAMES, 1):
            ip("netns", "add", name)
            ip("link", "add", f"{name}-h", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}-h", "master", "dvbridge", "up")
            ip("-n", name, "addr", "add", f"10.83.0.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", "dvbridge"], capture_output=True)


def within(name: str, log: Path, *words: str) -> subprocess.Popen[bytes]:
    with open(log, "wb") as out:
        return subprocess.Popen(
            ["ip", "netns", "exec", name, *words],
            stdout=out,
            stderr=out,
            env=os.environ | {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "6s"},
            start_new_session=True,
        )


@pytest.mark.usefixtures("hosts")
def test_a_host_that_is_cut_off_costs_no_scan_and_touches_no_output(
    negatives: Path, tmp_path: Path
) -> None:
    source = many(negatives, tmp_path / "in", 120)
    address = "tcp://10.83.0.1:8786"
    started = [
        within("dvcaller", tmp_path / "s.log", DASK, "scheduler", "--host", "10.83.0.1",
               "--port", "8786", "--no-dashboard"),
        *(
            within(name, tmp_path / f"{name}.log", DASK, "worker", address, "--nthreads", "1",
                   "--no-nanny", "--no-dashboard", "--name", name)
            for name in NAMES[1:]
        ),
    ]  # fmt: skip
    out = tmp_path / "out"
    try:
        ready = "from distributed import Client; Client('%s').wait_for_workers(2, timeout=60)"
        subprocess.run(
            ["ip", "netns", "exec", "dvcaller", sys.executable, "-c",
             ready % address],
            check=True, capture_output=True,
        )  # fmt: skip
        running = subprocess.Popen(
            ["ip", "netns", "exec", "dvcaller", DIVERE, "batch", str(source), str(out), "-p",
             PROFILE, "--engine", "dask", "--scheduler", address],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for_output(out, running)
        ip("link", "set", "dvtwo-h", "down")
        _, stderr = running.communicate(timeout=150)
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    done = ended(running.returncode, stderr, out)
    assert done.code == 0, stderr
    assert len(positives(out)) == 120
    assert len(leftovers(out)) <= 2  # of the host that is away; the next run sweeps them
    again = batch(source, out)
    assert again.report["summary"]["up_to_date"] == 120
    assert leftovers(out) == []
