"""Trace of one scan's way through the program: the functions from the command to a band of pixels.

Two places are watched: where the parent starts a worker, and where the worker grades a band.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from tests import venvs

_WATCHED = """
import traceback

def watched(call, name):
    def watch(*args, **kwargs):
        frames = [f for f in traceback.extract_stack() if "/divere_cli/" in f.filename]
        names = [f.filename.rsplit("/divere_cli/", 1)[1] + ":" + f.name for f in frames]
        with open({trace!r}, "a") as file:
            file.write(" ".join([name, *names]) + "\\n")
        return call(*args, **kwargs)
    return watch
"""
_WORKER = (
    _WATCHED
    + """
from divere_cli.color.grade import Grade
Grade.apply = watched(Grade.apply, "worker")
"""
)
_PARENT = (
    _WATCHED
    + """
import os
from divere_cli.cli import main
from divere_cli.isolation.supervisor.process_runner import ProcessRunner
ProcessRunner.start = watched(ProcessRunner.start, "parent")
if __name__ == "__main__":
    # one core: the worker grades on its main thread, below all that called it
    os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
    main()
"""
)


class Way(NamedTuple):
    """The functions that a scan passes, outermost first, each as ``path:name``."""

    parent: tuple[str, ...]
    worker: tuple[str, ...]


def trace(inputs: Path, outputs: Path, scratch: Path) -> Way:
    """Grade the one scan in ``inputs`` and return the functions that were on the stack."""
    lines = scratch / "trace"
    worker = {"watching": _WORKER.format(trace=str(lines))}
    python = venvs.make(scratch / "venv", worker, "watching")
    (scratch / "program.py").write_text(_PARENT.format(trace=str(lines)))
    command = [python, "program.py", "batch", "--isolation", "always", "-j", "1"]
    command += ["--auto", "off", "--sandbox", "never", "--start-method", "spawn"]
    command += ["--no-progress", "-q"]
    subprocess.run([*command, str(inputs), str(outputs)], cwd=scratch, check=True)
    stacks = {}
    for line in lines.read_text().splitlines():
        name, *functions = line.split()
        stacks[name] = functions
    parent = (*stacks["parent"], "isolation/supervisor/process_runner.py:start")
    return Way(parent, (*stacks["worker"], "color/grade.py:apply"))
