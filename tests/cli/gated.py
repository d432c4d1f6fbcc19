"""``divere`` whose batch waits at a gate, for tests that send it signals.

``python -m tests.cli.gated``. Everything is the program's own, but a scan whose name begins
with ``gated`` is in work until a file with its name and the suffix ``.open`` lies beside it;
``.began`` shows that it is in work.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from divere_cli.batch import run as batch
from divere_cli.cli import app
from divere_cli.develop.scan import develop
from divere_cli.isolation.runner import Progress
from divere_cli.records.job import Job
from divere_cli.records.outcome import TaskResult
from divere_cli.records.report import RunReport

TASK = "tests.cli.gated:work"
GATED = (sys.executable, "-m", "tests.cli.gated")


def work(job: Job, progress: Progress) -> TaskResult:
    """Wait at the gate, and grade."""
    path = Path(job.input)
    if path.stem.startswith("gated"):
        path.with_suffix(".began").touch()
        while not path.with_suffix(".open").exists():
            time.sleep(0.02)
    return develop(job, progress)


def main() -> int:
    run = batch.run

    def gated(request: Any, *more: Any) -> RunReport:
        isolation = replace(request.isolation, sandbox="never")  # the gate is a file by name
        return run(replace(request, task=TASK, isolation=isolation), *more)

    batch.run = gated
    return app.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
