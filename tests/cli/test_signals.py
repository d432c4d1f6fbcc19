"""A run that is stopped: exit code, report, complete outputs; the next run continues."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Scans
from tests.cli.program import DIVERE, divere

COUNT = 40


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_run_in_order(
    number: int, code: int, scans: Scans, tmp_path: Path
) -> None:
    place, out = scans(*(f"{n:02}.tif" for n in range(COUNT))), tmp_path / "out"
    with subprocess.Popen(
        [*DIVERE, "batch", "-j", "1", place, out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ok: ")
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert said.splitlines()[-1].endswith(f"exit {code}")
    assert "Traceback" not in said
    report = json.loads((out / "divere-report.json").read_bytes())
    summary = report["summary"]
    assert report["exit_code"] == code
    assert report["stopped"]
    assert summary["ok"] >= 1
    assert summary["ok"] + summary["interrupted"] == summary["total"] == COUNT
    outputs = {path.name for path in out.glob("*.tif")}
    assert outputs == {file["input"] for file in report["files"] if file["status"] == "ok"}
    assert not list(out.glob(".divere-tmp-*"))
    rest = divere("batch", place, out)
    assert rest.returncode == 0
    assert len(list(out.glob("*.tif"))) == COUNT
    assert rest.stdout.count("up to date: ") == summary["ok"]


def test_a_hangup_under_nohup_is_ignored(scans: Scans, tmp_path: Path) -> None:
    place, out = scans(*(f"{n}.tif" for n in range(6))), tmp_path / "out"
    with subprocess.Popen(
        ["nohup", *DIVERE, "batch", "-j", "1", place, out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ok: ")
        process.send_signal(signal.SIGHUP)
        rest = process.stdout.read()  # communicate() does not see what a buffer holds
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert rest.count("ok: ") == 5
