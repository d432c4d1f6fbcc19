"""``divere watch`` whose workers do what a scan's name says: ``python -m tests.service.driver``.

Everything but the task is the program's own: options, signals, loop, workers. The tasks are
those of :mod:`tests.batch.tasks` (``hangs-1.tif`` hangs, ``killed-1.tif`` kills its worker);
``gated-1.tif`` is in work until a file ``gated-1.open`` lies beside it.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

from divere_cli.cli import app, watch_cmd
from divere_cli.isolation.runner import Progress
from divere_cli.records.job import Job
from divere_cli.records.outcome import TaskResult
from tests.batch import tasks
from tests.batch.lab import Chooser

TASK = "tests.service.driver:work"


def work(job: Job, progress: Progress) -> TaskResult:
    """Wait at a gate, or do what the scan's name says."""
    path = Path(job.input)
    if not path.stem.startswith("gated"):
        return tasks.misbehave(job, progress)
    path.with_suffix(".began").touch()
    while not path.with_suffix(".open").exists():
        time.sleep(0.02)
    return tasks.copy(job, progress)


def main() -> int:
    whole = watch_cmd._options

    def options(*given: Any) -> Any:
        found = whole(*given)
        isolation = dataclasses.replace(found.request.isolation, sandbox="never")
        request = dataclasses.replace(
            found.request, task=TASK, chooser=Chooser(), isolation=isolation, thumbnails=False
        )
        return dataclasses.replace(found, request=request)

    watch_cmd._options = options
    return app.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
