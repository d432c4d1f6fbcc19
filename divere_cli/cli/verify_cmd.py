"""``divere verify``: compare the positives in a folder with their records."""

from __future__ import annotations

import json
import sys
import time

import click

from divere_cli.cli.console import Console
from divere_cli.cli.options import json_option
from divere_cli.errors import ScanError
from divere_cli.text import format_bytes, quote

_EVERY = 0.2  # seconds between two lines of progress


@click.command()
@click.argument("output", metavar="OUTPUT", type=click.Path())
@click.option(
    "--inputs",
    is_flag=True,
    help="Also check the scans against what was read when they were graded.",
)
@click.option(
    "--anew",
    is_flag=True,
    help="Check all files again, also those that an interrupted check has done.",
)
@json_option
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Progress on stderr.  [default: on if stderr is a terminal]",
)
def verify(output: str, inputs: bool, anew: bool, json: bool, progress: bool | None) -> int:
    """Check that every positive in OUTPUT is as divere wrote it.

    Files are compared with the journal and the manifest of OUTPUT. The exit code is 3 if a
    file is missing, changed, unreadable or recorded nowhere. After an interruption, the same
    command continues where it stopped.
    """
    from divere_cli.archive import checking
    from divere_cli.batch import verifying

    console = Console(sys.stdout, sys.stderr)
    work = verifying.plan(output, inputs=inputs)
    visible = sys.stderr.isatty() if progress is None else progress
    meter = _Meter(len(work.expected) + len(work.extra), work.size, visible=visible)
    try:
        files = verifying.check(work, meter.add, anew=anew)
    finally:
        meter.close()
    document = checking.document(output, files)
    if json:
        click.echo(_text(document))
    else:
        for each in document["files"]:
            if each["status"] in checking.PROBLEMS:
                console.result(f"{each['status']}: {quote(each['path'])}: {each['why']}")
    summary = document["summary"]
    counted = ", ".join(f"{n} {word}" for word, n in summary.items() if _is_counted(word, n))
    failed = checking.has_problem(files)
    code = ScanError.exit_code if failed else 0
    console.message("", f"{counted or 'nothing'}; {format_bytes(summary['bytes'])}; exit {code}")
    return code


def _is_counted(word: str, count: int) -> bool:
    return bool(count) and word not in ("total", "bytes")


def _text(document: object) -> str:
    return json.dumps(document, indent=1)


class _Meter:
    """A line on stderr with the progress of the check."""

    def __init__(self, files: int, size: int, *, visible: bool) -> None:
        self._files, self._size, self._visible = files, size, visible
        self._done = self._read = 0
        self._last = 0.0

    def add(self, checked: object) -> None:
        """Count one file."""
        self._done += 1
        self._read += getattr(checked, "bytes", 0)
        now = time.monotonic()
        if self._visible and now - self._last >= _EVERY:
            self._last = now
            read, size = format_bytes(self._read), format_bytes(self._size)
            sys.stderr.write(f"\r{self._done} of {self._files} files, {read} of {size} \x1b[K")
            sys.stderr.flush()

    def close(self) -> None:
        """Clear the line."""
        if self._visible:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
