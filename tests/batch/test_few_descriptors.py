"""A process that may open few files grades with fewer jobs, and says so once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from divere_cli.system import descriptors
from tests.batch.tiffs import tiff

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")


def limited(folder: Path, most: int, jobs: int) -> tuple[int, str]:
    (folder / "in").mkdir()
    for index in range(12):
        (folder / "in" / f"{index:02}.tif").write_bytes(tiff(64, 48, index))
    program = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({most}, {most})); "
    program += "from divere_cli.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "batch", folder / "in", folder / "out", "-j", str(jobs),
         "-p", "c41-endura-premier", "--isolation", "always"],
        capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(("most", "jobs"), [(64, 8), (256, 64)])
def test_fewer_jobs_and_every_scan_is_graded(tmp_path: Path, most: int, jobs: int) -> None:
    code, said = limited(tmp_path, most, jobs)
    assert code == 0, said
    report = json.loads((tmp_path / "out" / "divere-report.json").read_text())
    assert report["summary"]["ok"] == 12
    (incident,) = report["incidents"]
    assert incident["kind"] == "descriptors"
    assert said.count("(ulimit -n)") == 1
    assert 0 < report["isolation"]["jobs"] < jobs
    assert "; 1 incident; " in said


def test_too_few_descriptors_for_one_scan_are_reported_first(tmp_path: Path) -> None:
    code, said = limited(tmp_path, 20, 2)
    assert code == 15, said
    assert "too few for one scan" in said
    assert "ulimit -n 256" in said
    assert not list((tmp_path / "out").glob("*.tif"))


def test_free_descriptors_are_the_limit_minus_the_open_ones() -> None:
    before = descriptors.free()
    with open(sys.executable, "rb"):
        assert descriptors.free() == before - 1
