"""A scan's way from the command to its bands is short enough to read in a debugger."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.batch.lab import Lab

MOST = 15
COUNT = """
import os, sys, traceback

def counted(call, name):
    def count(*args, **kwargs):
        frames = [f for f in traceback.extract_stack() if "/divere_cli/" in f.filename]
        with open(os.environ["COUNTED"], "a") as file:
            file.write(f"{name} {len(frames)}\\n")
        return call(*args, **kwargs)
    return count
"""
SITE = (
    COUNT
    + """
if os.environ.get("COUNTED"):
    from divere_cli.color.grade import Grade
    Grade.apply = counted(Grade.apply, "worker")
"""
)
PROGRAM = (
    COUNT
    + """
from divere_cli.cli import main
from divere_cli.isolation.supervisor.process_runner import ProcessRunner
ProcessRunner.start = counted(ProcessRunner.start, "parent")
if __name__ == "__main__":
    main()
"""
)


def test_command_to_band_is_few_frames(lab: Lab, tmp_path: Path) -> None:
    """Counted where a worker is started, and in the worker where a band is graded."""
    lab.scans("a.tif")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    (tmp_path / "program.py").write_text(PROGRAM)
    counted = tmp_path / "counted"
    command = [sys.executable, "program.py", "batch", "--isolation", "always", "-j", "1"]
    command += ["--start-method", "spawn", "--no-progress", str(lab.inputs), str(lab.outputs)]
    environment = {"COUNTED": str(counted), "PYTHONPATH": str(tmp_path / "site")}
    subprocess.run(command, cwd=tmp_path, check=True, env=_with(environment))
    depth = dict(line.split() for line in counted.read_text().splitlines())
    # the wrappers themselves are no frames of ours; Grade.apply and start would each be one
    assert int(depth["parent"]) + 1 + int(depth["worker"]) + 1 <= MOST, depth


def _with(more: dict[str, str]) -> dict[str, str]:
    import os

    return os.environ | more
