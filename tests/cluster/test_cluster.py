"""The batch on a real Dask cluster: same bytes, clear refusals, machines that die."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import DIVERE, PROFILE, Cluster, batch, ended, positives


def on(cluster: Cluster, *words: str) -> tuple[str, ...]:
    return ("--engine", "dask", "--scheduler", str(cluster.file), *words)


def leftovers(out: Path) -> list[str]:
    return [path.name for path in out.glob(".divere-tmp-*")]


def test_the_bytes_are_those_of_a_local_run(
    shared_cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    local = batch(negatives, tmp_path / "local")
    far = batch(negatives, tmp_path / "far", *on(shared_cluster))
    assert (local.code, far.code) == (0, 0), far.stderr
    assert positives(tmp_path / "far") == positives(tmp_path / "local")
    assert len(positives(tmp_path / "far")) == 6
    assert leftovers(tmp_path / "far") == []
    for entry in far.report["files"]:
        assert entry["host"]
        assert entry["peak_rss_source"] == "vmhwm"
        assert entry["worker_pid"] > 0
    again = batch(negatives, tmp_path / "far", *on(shared_cluster))
    assert again.report["summary"]["up_to_date"] == 6


def test_a_roll_is_measured_and_graded_as_here(
    shared_cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    local = batch(negatives, tmp_path / "local", "--auto", "roll")
    far = batch(negatives, tmp_path / "far", "--auto", "roll", *on(shared_cluster, "--jobs", "1"))
    assert (local.code, far.code) == (0, 0), far.stderr
    assert positives(tmp_path / "far") == positives(tmp_path / "local")
    assert far.report["isolation"]["jobs"] == 1
    assert leftovers(tmp_path / "far") == []


def test_a_machine_with_other_versions_is_named_before_the_first_scan(
    cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    older = tmp_path / "older" / "pillow-0.1.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 0.1\n")
    cluster.add("--no-nanny", PYTHONPATH=str(older.parent))
    cluster.wait_for(1)
    done = batch(negatives, tmp_path / "out", *on(cluster))
    assert done.code == 16
    error, hint = done.stderr.splitlines()
    assert "has pillow 0.1, here is pillow " in error
    assert hint.startswith("divere: hint: every machine needs the same divere")
    assert (done.report, positives(tmp_path / "out")) == ({}, {})
    assert leftovers(tmp_path / "out") == []


def test_a_bad_scan_fails_alone(shared_cluster: Cluster, negatives: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for path in negatives.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    (source / "3.tif").write_bytes((negatives / "3.tif").read_bytes()[:5000])
    done = batch(source, tmp_path / "out", *on(shared_cluster))
    assert done.code == 3
    assert len(positives(tmp_path / "out")) == 5
    (failed,) = [f for f in done.report["files"] if f["status"] == "failed"]
    assert failed["error"]["kind"] == "corrupt_input"


def test_a_mapped_folder_is_used_by_all_machines(
    shared_cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (there / "out").mkdir(parents=True)
    (there / "in").symlink_to(negatives)
    here.symlink_to(there)
    words = on(shared_cluster, "--map", f"{here}={there}")
    done = batch(here / "in", here / "out", *words)
    assert done.code == 0, done.stderr
    assert len(positives(there / "out")) == 6


def test_a_machine_that_cannot_see_the_folders_is_named_before_the_first_scan(
    shared_cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    words = on(shared_cluster, "--map", f"{tmp_path}={nowhere}")
    done = batch(negatives, tmp_path / "out", *words)
    assert done.code == 16
    assert "machine" in done.stderr
    assert str(nowhere) in done.stderr
    assert positives(tmp_path / "out") == {}
    assert leftovers(tmp_path / "out") == []


@pytest.mark.slow
def test_no_scheduler_is_one_clear_error(negatives: Path, tmp_path: Path) -> None:
    words = ("--engine", "dask", "--scheduler", "tcp://127.0.0.1:9")
    done = batch(negatives, tmp_path / "out", *words)
    assert done.code == 16
    assert "no Dask scheduler answers" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", [("--engine", "dask"), ("--scheduler", "x"), ("--map", "/a=/b")], ids=str
)
def test_cluster_options_without_their_partner_are_refused(
    words: tuple[str, ...], negatives: Path, tmp_path: Path
) -> None:
    done = batch(negatives, tmp_path / "out", *words)
    assert done.code == 2
    assert not (tmp_path / "out").exists()


def start(negatives: Path, out: Path, cluster: Cluster, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [DIVERE, "batch", str(negatives), str(out), "-p", PROFILE, *on(cluster), *more],
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_output(out: Path, running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while not list(out.glob("*.tif")):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def many(negatives: Path, folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        source = negatives / f"{number % 6}.tif"
        (folder / f"{number:03}.tif").write_bytes(source.read_bytes())
    return folder


def watch_tasks(dask_scheduler: object) -> None:
    """Note in the scheduler the most tasks that ever wait or run at once."""
    from distributed import SchedulerPlugin

    class Watch(SchedulerPlugin):  # type: ignore[misc]
        name = "watch-tasks"
        most = 0

        def transition(self, *_: object, **__: object) -> None:
            states = [task.state for task in dask_scheduler.tasks.values()]  # type: ignore[attr-defined]
            held = [state for state in states if state not in ("memory", "released", "forgotten")]
            self.most = max(self.most, len(held))

    dask_scheduler.add_plugin(Watch())  # type: ignore[attr-defined]


def most_tasks(dask_scheduler: object) -> int:
    return int(dask_scheduler.plugins["watch-tasks"].most)  # type: ignore[attr-defined]


def test_only_a_window_of_tasks_is_in_flight(
    shared_cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    from distributed import Client

    source = many(negatives, tmp_path / "in", 24)
    with Client(scheduler_file=str(shared_cluster.file), set_as_default=False) as client:
        client.run_on_scheduler(watch_tasks)
        done = batch(source, tmp_path / "out", *on(shared_cluster))
        most = client.run_on_scheduler(most_tasks)
    assert done.code == 0, done.stderr
    machines, threads = 2, 2
    assert 0 < most <= threads + machines


def test_a_machine_killed_in_the_middle_costs_no_scan(
    cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    source = many(negatives, tmp_path / "in", 12)
    cluster.add("--no-nanny")
    cluster.add("--no-nanny")
    cluster.wait_for(2)
    running = start(source, tmp_path / "out", cluster)
    wait_for_output(tmp_path / "out", running)
    victim = psutil.Process(cluster.workers[0].pid)
    family = [victim, *victim.children(recursive=True)]
    victim.kill()
    _, stderr = running.communicate(timeout=280)
    done = ended(running.returncode, stderr, tmp_path / "out")
    assert done.code == 0, stderr
    assert len(positives(tmp_path / "out")) == 12
    again = batch(source, tmp_path / "out", "--dry-run")
    assert again.code == 0
    _, alive = psutil.wait_procs(family, timeout=120)
    assert alive == []


@pytest.mark.slow
def test_a_lost_scheduler_ends_the_run_in_order_and_the_next_run_goes_on(
    cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    source = many(negatives, tmp_path / "in", 60)
    cluster.add()
    cluster.wait_for(1)
    running = start(source, tmp_path / "out", cluster)
    wait_for_output(tmp_path / "out", running)
    os.killpg(cluster.scheduler.pid, signal.SIGKILL)
    _, stderr = running.communicate(timeout=280)
    done = ended(running.returncode, stderr, tmp_path / "out")
    assert done.code == 16, stderr
    assert "Traceback" not in stderr
    finished = len(positives(tmp_path / "out"))
    assert 0 < finished < 60
    assert {file["status"] for file in done.report["files"]} == {"ok", "interrupted"}
    again = batch(source, tmp_path / "out")
    assert again.code == 0
    assert again.report["summary"]["up_to_date"] == finished
    assert again.report["summary"]["ok"] == 60 - finished
    assert leftovers(tmp_path / "out") == []


@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["scheduler", "machine"])
def test_a_scheduler_or_machine_that_does_not_respond_ends_the_run(
    cluster: Cluster, negatives: Path, tmp_path: Path, stopped: str
) -> None:
    source = many(negatives, tmp_path / "in", 60)
    worker = cluster.add()
    cluster.wait_for(1)
    running = start(source, tmp_path / "out", cluster, "--timeout", "2")
    wait_for_output(tmp_path / "out", running)
    group = cluster.scheduler.pid if stopped == "scheduler" else worker.pid
    os.killpg(group, signal.SIGSTOP)
    try:
        _, stderr = running.communicate(timeout=150)
    finally:
        os.killpg(group, signal.SIGCONT)
    done = ended(running.returncode, stderr, tmp_path / "out")
    assert done.code == 16, stderr
    assert "Traceback" not in stderr
    assert {file["status"] for file in done.report["files"]} == {"ok", "interrupted"}


@pytest.mark.slow
def test_ctrl_c_cancels_what_is_queued_everywhere(
    cluster: Cluster, negatives: Path, tmp_path: Path
) -> None:
    source = many(negatives, tmp_path / "in", 60)
    worker = cluster.add("--no-nanny")
    cluster.wait_for(1)
    running = start(source, tmp_path / "out", cluster)
    wait_for_output(tmp_path / "out", running)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert len(positives(tmp_path / "out")) < 60
    deadline = time.monotonic() + 120
    while psutil.Process(worker.pid).children(recursive=True):
        assert time.monotonic() < deadline
        time.sleep(0.05)
