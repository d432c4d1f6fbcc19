"""A run that is stopped: exit code, report, complete outputs; the next run continues."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.processes import until
from tests.cli.conftest import Scans
from tests.cli.gated import GATED
from tests.cli.program import divere

SECONDS = 240.0  # a guard, not a figure
NAMES = ("a.tif", "gated.tif", *(f"z{n}.tif" for n in range(4)))
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def begun(command: list[str | Path], place: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in which one scan is done and another one is held in work."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        cwd=ROOT,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ok: 'a.tif'")
            until((place / "gated.began").exists, "the second scan is in work")
            yield process
        finally:
            process.kill()  # nothing where it has ended


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_run_in_order(
    number: int, code: int, scans: Scans, tmp_path: Path
) -> None:
    place, out = scans(*NAMES), tmp_path / "out"
    with begun([*GATED, "batch", "-j", "1", place, out], place) as process:
        process.send_signal(number)
        (place / "gated.open").touch()
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == code, said
    assert said.splitlines()[-1].endswith(f"exit {code}")
    assert "Traceback" not in said
    report = json.loads((out / "divere-report.json").read_bytes())
    summary = report["summary"]
    assert report["exit_code"] == code
    assert report["stopped"]
    assert summary["ok"] in (1, 2)
    assert summary["ok"] + summary["interrupted"] == summary["total"] == len(NAMES)
    outputs = {path.name for path in out.glob("*.tif")}
    assert outputs == {file["input"] for file in report["files"] if file["status"] == "ok"}
    assert not list(out.glob(".divere-tmp-*"))
    rest = divere("batch", place, out)
    assert rest.returncode == 0
    assert len(list(out.glob("*.tif"))) == len(NAMES)
    assert rest.stdout.count("up to date: ") == summary["ok"]


def test_a_hangup_under_nohup_is_ignored(scans: Scans, tmp_path: Path) -> None:
    place, out = scans(*NAMES[:3]), tmp_path / "out"
    with begun(["nohup", *GATED, "batch", "-j", "1", place, out], place) as process:
        process.send_signal(signal.SIGHUP)
        (place / "gated.open").touch()
        assert process.stdout is not None
        rest = process.stdout.read()  # communicate() does not see what a buffer holds
        process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert rest.count("ok: ") == 2
