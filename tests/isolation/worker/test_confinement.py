"""A confined worker: its permissions, and the messages about forbidden attempts."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.isolation.runner import Progress
from divere_cli.isolation.worker import confinement, sandbox
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Job, Limits, Target
from divere_cli.records.outcome import TaskResult
from tests.isolation.conftest import make_job, opened
from tests.records.test_serialize import job as sample

here = pytest.mark.skipif(
    not sandbox.offer().complete, reason=f"no sandbox here: {sandbox.offer()}"
)


def reads(job: Job, progress: Progress) -> TaskResult:
    """Reads its scan and what else it was given, and writes its sidecar."""
    assert job.sidecar is not None
    data = b"".join(Path(path).read_bytes() for path in (job.input, *job.reads))
    with open(job.sidecar.temp, "r+b") as file:
        file.write(data)
    return TaskResult(notes=(data.decode(),))


def reaches_out(job: Job, progress: Progress) -> TaskResult:
    """Tries to open a socket and to make a folder, then goes on or dies, as it is told."""
    for tried in (socket.socket, lambda: os.mkdir("/tmp/made"), socket.socket):
        with contextlib.suppress(OSError):
            tried()
    if job.parameters == "crash":
        os.abort()
    if job.parameters == "raise":
        os.mkdir("/tmp/made")
    return TaskResult()


def made(folder: Path, task: str, parameters: str = "") -> Job:
    for name in ("scan.tif", "light.tif", "temp"):
        (folder / name).write_text(name)
    found = os.stat(folder / "temp")
    target = Target("a", str(folder / "a"), str(folder / "temp"), (found.st_dev, found.st_ino))
    job = make_job(1, task, str(folder / "scan.tif"))
    task = f"tests.isolation.worker.test_confinement:{task}"
    more = (str(folder / "light.tif"),)
    return replace(job, task=task, sidecar=target, reads=more, parameters=parameters)


@here
@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_a_worker_reads_what_its_job_names_and_writes_its_own(tmp_path: Path, method: str) -> None:
    with opened(method, spares=0, sandbox="always") as table:
        table.runner.start(made(tmp_path, "reads"), Limits(file_bytes=1 << 20))
        (outcome,) = table.wait_for(1)
    assert outcome.result is not None, outcome.error
    assert outcome.result.notes == ("scan.tiflight.tif",)
    assert outcome.sandbox == "landlock+seccomp"
    assert (tmp_path / "temp").read_text() == "scan.tiflight.tif"


@here
@pytest.mark.parametrize("end", ["crash", "raise", ""])
def test_the_forbidden_attempt_is_in_the_last_output(tmp_path: Path, end: str) -> None:
    with opened("forkserver", spares=0, sandbox="always") as table:
        table.runner.start(made(tmp_path, "reaches_out", end), Limits())
        (outcome,) = table.wait_for(1)
        said = [m for m in table.messages(1) if m.startswith("sandbox: ")]
    assert said == [
        "sandbox: the decoder tried to open a socket", "sandbox: the decoder tried to make a folder"
    ]  # fmt: skip
    assert "/tmp" not in "".join(said)
    if end == "crash":
        assert outcome.end == "crashed"
        assert outcome.error is not None
        assert "tried to open a socket" in outcome.error.detail
    elif end == "raise":
        assert outcome.error is not None
        assert "needs what the sandbox does not give" in outcome.error.message
        assert "--sandbox never" in outcome.error.hint
    else:
        assert outcome.end == "result"


@pytest.mark.parametrize("swap", ["another", "link", "folder", "fifo"])
@pytest.mark.parametrize("mode", ["never", pytest.param("always", marks=here)])
def test_a_file_that_was_swapped_costs_an_attempt_and_nothing_else(
    tmp_path: Path, swap: str, mode: str
) -> None:
    job = made(tmp_path, "reads")
    victim = tmp_path / "victim"
    victim.write_text("victim")
    temp = tmp_path / "temp"
    temp.rename(tmp_path / "moved")
    {
        "another": lambda: os.link(victim, temp),
        "link": lambda: temp.symlink_to(victim),
        "folder": temp.mkdir,
        "fifo": lambda: os.mkfifo(temp),
    }[swap]()
    with opened("forkserver", spares=0, sandbox=mode) as table:
        table.runner.start(job, Limits())
        (outcome,) = table.wait_for(1)
    assert outcome.end == "lost", "which is tried again"
    assert victim.read_text() == "victim"


def test_targets_are_found_wherever_they_stand_in_a_job() -> None:
    job = sample("a.tif")
    found = {target.temp for target in confinement.targets(job)}
    assert {frame.target.temp for frame in job.frames} <= found
    assert not any(isinstance(target, Recipe) for target in confinement.targets(job))
