"""A batch in a process of its own, for tests that kill it: ``python -m tests.batch.driver IN OUT``.

Grades with the tasks of :mod:`tests.batch.tasks`; the runner is this machine's
(``process``, ``thread``) or the one of :mod:`tests.batch.lab` (``bench``).
Exits with the run's exit code; prints one line of JSON for the report.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys

from divere_cli.batch.journal import compaction
from divere_cli.batch.request import BatchRequest, Bounds, Inputs, Isolation, Outputs, ReportFile
from divere_cli.batch.run import run
from divere_cli.errors import DivereError
from divere_cli.records.events import Event
from tests.batch.lab import ENCODING, Bench, Chooser, render
from tests.batch.tasks import COPY


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("inputs")
    parser.add_argument("output")
    parser.add_argument("--runner", default="bench")
    parser.add_argument("--task", default=COPY)
    parser.add_argument("--start-method")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--variant", default="")
    parser.add_argument("--compact", action="store_true", help="write the journal anew")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr)
    if options.variant:
        importlib.import_module("tests.batch.variants").apply(options.variant)
    if options.compact:
        compaction.due = lambda state: True
    signal.signal(
        signal.SIGINT, lambda number, frame: None
    )  # when the run does not watch: after it
    try:
        report = run(_request(options), _tell)
    except DivereError as problem:
        _say(2, f"{problem.kind}: {problem.message}")
        return problem.exit_code
    _say(1, render(report))
    return report.exit_code


def _request(options: argparse.Namespace) -> BatchRequest:
    process = Isolation("always", options.start_method, sandbox="never")
    isolation = {"process": process, "thread": Isolation("never")}
    return BatchRequest(
        inputs=Inputs((options.inputs,)),
        outputs=Outputs(options.output, ENCODING, wait=options.wait),
        chooser=Chooser(),
        bounds=Bounds(
            jobs=options.jobs, memory_budget=8 << 30, grace_seconds=options.grace, retries=1
        ),
        isolation=isolation.get(options.runner, Isolation("never")),
        reports=(ReportFile(options.output + "/divere-report.json", render),),
        task=options.task,
        open_runner=Bench().open if options.runner == "bench" else None,
    )


def _tell(event: Event) -> None:
    _say(2, type(event).__name__)


def _say(fd: int, text: str) -> None:
    """Say a line; where even that fails, the exit code still speaks."""
    with contextlib.suppress(OSError):
        os.write(fd, text.encode() + b"\n")


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)
