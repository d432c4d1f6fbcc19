"""When the process machinery is killed, every scan still ends and each incident is reported."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.batch.tiffs import tiff
from tests.isolation import storms

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a forkserver is Linux's")


def weathered(storm: storms.Storm) -> None:
    """What holds after any storm."""
    assert storm.exit_code == 0, (storm.report["error"], storm.report["stopped"])
    assert storm.ok == storm.report["summary"]["total"]
    assert storm.left == []
    incidents = storm.report["incidents"]
    assert storm.killed["server"] > 0
    assert "forkserver" in {incident["kind"] for incident in incidents}
    kinds = {incident["kind"] for incident in incidents}
    assert kinds <= {"forkserver", "start", "fallback"}
    assert "Traceback" not in storm.stderr


def test_a_small_storm(tmp_path: Path) -> None:
    weathered(storms.blow(tmp_path, 4, 20, every=0.2, most=9))


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2, 8, 16, 32])
def test_a_storm_of_two_hundred_scans(jobs: int, tmp_path: Path) -> None:
    weathered(storms.blow(tmp_path, jobs, 200))


def run(folder: Path, hold: str, *words: str, scans: int = 6) -> subprocess.Popen[str]:
    """A batch that is held somewhere until there is a file ``go``: see :mod:`.held`."""
    (folder / "in").mkdir()
    for index in range(scans):
        (folder / "in" / f"scan-{index}.tif").write_bytes(tiff(96, 64, index))
    return subprocess.Popen(
        [sys.executable, "-m", "tests.isolation.held", hold, folder / "go",
         "batch", folder / "in", folder / "out",
         "-p", "c41-endura-premier", "--isolation", "always", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=storms.ROOT,
    )  # fmt: skip


def server_of(batch: subprocess.Popen[str]) -> psutil.Process:
    while batch.poll() is None:
        found = [p for p in psutil.Process(batch.pid).children() if storms.is_server(p)]
        if found:
            return found[0]
        time.sleep(0.005)
    raise AssertionError(f"the run ended: {batch.communicate()}")


def stopped(process: psutil.Process) -> psutil.Process:
    while process.status() != psutil.STATUS_STOPPED:
        time.sleep(0.005)
    return process


def first_positive(folder: Path, batch: subprocess.Popen[str]) -> None:
    while not list((folder / "out").glob("*.tif")):
        assert batch.poll() is None, batch.communicate()
        time.sleep(0.005)


def report_of(folder: Path) -> dict[str, object]:
    report: dict[str, object] = json.loads((folder / "out" / "divere-report.json").read_text())
    return report


def test_a_kill_while_the_start_method_is_proven_changes_nothing(tmp_path: Path) -> None:
    batch = run(tmp_path, "proof", "--start-method", "forkserver")
    stopped(server_of(batch)).kill()
    _, said = batch.communicate(timeout=200)
    assert batch.returncode == 0, said
    report = report_of(tmp_path)
    assert report["isolation"]["start_method"] == "forkserver"  # type: ignore[index]
    assert report["isolation"]["fallback_reason"] is None  # type: ignore[index]
    assert [incident["scans"] for incident in report["incidents"]] == [0]  # type: ignore[attr-defined]
    assert "; 1 incident; report" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_start_method_is_proven_is_no_incident(
    tmp_path: Path, number: int
) -> None:
    """As Ctrl-C does it: the program, its forkserver and its workers all get the signal."""
    batch = run(tmp_path, "proof", scans=20)
    server = stopped(server_of(batch))
    for process in (batch, server):
        process.send_signal(number)
    server.send_signal(signal.SIGCONT)
    _, said = batch.communicate(timeout=200)
    assert batch.returncode == 128 + number, said
    report = report_of(tmp_path)
    assert report["incidents"] == []
    assert report["isolation"]["fallback_reason"] is None  # type: ignore[index]
    assert "incident" not in said
    assert "workers do not start" not in said
    assert "threads" not in said


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_ends_a_run_whose_forkserver_stands_still(tmp_path: Path, number: int) -> None:
    batch = run(tmp_path, "start", "-j", "2", scans=60)
    server = server_of(batch)
    first_positive(tmp_path, batch)
    server.suspend()
    stopped(server)
    (tmp_path / "go").touch()
    time.sleep(0.2)  # a moment in which it waits for workers that do not come
    batch.send_signal(number)
    batch.communicate(timeout=200)
    assert batch.returncode == 128 + number
    assert report_of(tmp_path)["exit_code"] == 128 + number
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_a_server_that_stands_still_is_replaced_and_no_scan_fails(tmp_path: Path) -> None:
    """In mid-run; a worker that never comes is waited for as long as a boot may take."""
    batch = run(tmp_path, "expire", "-j", "3", scans=40)
    server = server_of(batch)
    first_positive(tmp_path, batch)
    server.suspend()
    stopped(server)
    (tmp_path / "go").touch()
    _, said = batch.communicate(timeout=200)
    assert batch.returncode == 0, said
    report = report_of(tmp_path)
    assert report["summary"]["ok"] == 40  # type: ignore[index]
    (incident,) = report["incidents"]  # type: ignore[misc]
    assert incident["kind"] == "forkserver"
    assert "did not answer within 30 s" in incident["message"]
