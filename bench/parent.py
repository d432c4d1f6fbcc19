"""The parent's share of a small scan: a batch whose workers write a file that is ready.

Run as a program by :mod:`bench.many`: ``python -m bench.parent INPUT OUTPUT`` prints the CPU
seconds of the parent alone, from the plan to the report.
"""

from __future__ import annotations

import base64
import hashlib
import resource
import sys
from dataclasses import replace

from divere_cli.batch.request import BatchRequest
from divere_cli.cli import app
from divere_cli.records.events import Event
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult, Written
from divere_cli.records.report import RunReport

# a gray PNG of one pixel
READY = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


def task(job: Job, progress: Progress) -> TaskResult:
    """Write the ready file to each target."""
    digest = hashlib.sha256(READY).hexdigest()
    written = []
    for frame in job.frames:
        with open(frame.target.temp, "r+b") as file:
            file.write(READY)
        written.append(Written(frame.target.name, len(READY), 1, 1, 1, digest))
    return TaskResult(1, 1, tuple(written), input_sha256=digest)


def main() -> int:
    """Grade a folder by the ready file; print the CPU seconds."""
    from divere_cli.batch import run as batch

    real = batch.run

    def run(request: BatchRequest, emit: object) -> RunReport:
        def heard(event: Event) -> None:
            emit(event)  # type: ignore[operator]

        report = real(replace(request, task="bench.parent:task"), heard)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime)
        return report

    batch.run = run  # type: ignore[assignment]
    began = resource.getrusage(resource.RUSAGE_SELF)
    words = ("--format", "png", "--auto", "off", "--isolation", "always", "-q")
    return app.run(["batch", *sys.argv[1:], *words])


if __name__ == "__main__":
    sys.exit(main())
