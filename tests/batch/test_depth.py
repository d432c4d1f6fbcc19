"""A scan's way from the command to its bands is short enough to read in a debugger."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import venvs
from tests.batch.lab import Lab

MOST = 15
COUNT = """
import os, sys, traceback

def counted(call, name):
    def count(*args, **kwargs):
        frames = [f for f in traceback.extract_stack() if "/divere_cli/" in f.filename]
        with open({counted!r}, "a") as file:
            file.write(f"{{name}} {{len(frames)}}\\n")
        return call(*args, **kwargs)
    return count
"""
SITE = (
    COUNT
    + """
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
    counted = tmp_path / "counted"
    site = SITE.format(counted=str(counted))
    python = venvs.make(tmp_path / "venv", {"counting": site}, "counting")
    (tmp_path / "program.py").write_text(PROGRAM.format(counted=str(counted)))
    command = [python, "program.py", "batch", "--isolation", "always", "-j", "1"]
    command += ["--sandbox", "never", "--start-method", "spawn", "--no-progress"]
    command += [str(lab.inputs), str(lab.outputs)]
    subprocess.run(command, cwd=tmp_path, check=True)
    depth = dict(line.split() for line in counted.read_text().splitlines())
    # the wrappers themselves are no frames of ours; Grade.apply and start would each be one
    assert int(depth["parent"]) + 1 + int(depth["worker"]) + 1 <= MOST, depth
