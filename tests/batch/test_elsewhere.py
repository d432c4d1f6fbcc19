"""Whole batches on a system without ``fcntl`` and descriptors of folders (:mod:`elsewhere`)."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

ROOT = Path(__file__).parents[2]
HERE, ELSEWHERE = "divere_cli", "tests.batch.elsewhere"


def divere(module: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(os.fspath, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder, rng = tmp_path / "in", np.random.default_rng(7)
    for name in ("a.tif", "r/b.tif"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(8000, 40000, (30, 40, 3), dtype=np.uint16)
        picture[:4] = 0x0A0D  # what a newline would be made of, whatever the byte order
        tifffile.imwrite(folder / name, picture, photometric="rgb")
    return folder


@pytest.fixture
def held(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Lock a file in this process, as the simulated ``msvcrt`` does."""

    def hold(path: Path) -> None:
        file = path.open("rb+")
        request.addfinalizer(file.close)
        fcntl.flock(file, fcntl.LOCK_EX)

    return hold


def positives(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("[ab].*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("options", [(), ("--format", "jpeg", "--auto", "roll")])
def test_a_batch_gives_the_same_bytes(
    scans: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    run = ("--isolation", "never", *options)
    assert divere(HERE, "batch", scans, tmp_path / "here", *run).returncode == 0
    done = divere(ELSEWHERE, "batch", scans, tmp_path / "there", *run)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    made = positives(tmp_path / "there")
    assert len(made) == 2
    assert made == positives(tmp_path / "here")
    assert not list((tmp_path / "there").rglob(".divere-tmp-*"))


def test_a_second_run_and_one_that_replaces(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert divere(ELSEWHERE, "batch", scans, out).returncode == 0  # auto: threads there
    made = positives(out)
    again = divere(ELSEWHERE, "batch", scans, out)
    assert (again.returncode, again.stdout.count("up to date: ")) == (0, 2), again.stderr
    (out / "a.tif").write_bytes(b"retouched")
    (out / ".divere-tmp-0badc0de-7").write_bytes(b"left")
    refused = divere(ELSEWHERE, "batch", scans, out)
    assert (refused.returncode, "1 kept" in refused.stderr) == (0, True), refused.stderr
    replaced = divere(ELSEWHERE, "batch", scans, out, "--overwrite")
    assert replaced.returncode == 0, replaced.stderr
    assert positives(out) == made


def test_processes_are_refused_with_a_message(scans: Path, tmp_path: Path) -> None:
    done = divere(ELSEWHERE, "batch", scans, tmp_path / "out", "--isolation", "always")
    assert done.returncode == 15
    assert "worker processes are not supported on this system" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_run_for_each_folder(scans: Path, tmp_path: Path, held: Callable[[Path], None]) -> None:
    out = tmp_path / "out"
    assert divere(ELSEWHERE, "batch", scans, out).returncode == 0
    held(out / ".divere-lock")
    done = divere(ELSEWHERE, "batch", scans, out)
    assert (done.returncode, "another run holds OUTPUT" in done.stderr) == (11, True), done.stderr


@pytest.mark.parametrize("command", [("doctor",), ("profiles", "list"), ("--version",)])
def test_other_commands_begin(command: tuple[str, ...]) -> None:
    done = divere(ELSEWHERE, *command)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
