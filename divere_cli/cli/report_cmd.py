"""``divere report``: a saved JSON report in other forms."""

from __future__ import annotations

import os
import sys

import click

from divere_cli.cli import output_checks, text_output
from divere_cli.cli.console import Console
from divere_cli.errors import InputMissing, JournalFailed, UsageError
from divere_cli.records.report import RunReport
from divere_cli.report import formats
from divere_cli.report.summary import summarize, tally
from divere_cli.text import quote

_SUFFIXES = {"html": ".html", "csv": ".csv", "junit": ".xml"}
_LARGEST = 1 << 30  # ten thousand scans with thumbnails are 200 MB


@click.command()
@click.argument("file", metavar="FILE.json", type=click.Path())
@click.option("--html", type=click.Path(dir_okay=False), help="Write the page.")
@click.option("--csv", type=click.Path(dir_okay=False), help="Write the table.")
@click.option("--junit", type=click.Path(dir_okay=False), help="Write JUnit XML.")
def report(file: str, html: str | None, csv: str | None, junit: str | None) -> None:
    """Render a saved report again; without options, print it."""
    asked = {"html": html, "csv": csv, "junit": junit}
    wanted = {form: path for form, path in asked.items() if path is not None}
    for form, path in wanted.items():
        output_checks.check(f"--{form}", path, [file])
    saved = load(file)
    for form, path in wanted.items():
        write(path, formats.by_suffix(_SUFFIXES[form])(saved))
    if not wanted:
        show(saved)


def load(path: str) -> RunReport:
    """Read a saved report, strictly.

    Raises
    ------
    InputMissing
        The file cannot be read.
    UsageError
        It is no report.
    """
    from divere_cli.report import json_report

    try:
        with open(path, "rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InputMissing(f"{quote(path)}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise UsageError(f"{quote(path)}: larger than any report")
    try:
        return json_report.parse(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise UsageError(f"{quote(path)}: no UTF-8 text at byte {error.start}") from error


def write(path: str, text: str) -> None:
    """Write a rendered report, whole or not at all."""
    from divere_cli.batch import report_files

    try:
        report_files.save(path, text)
    except OSError as error:
        raise JournalFailed(f"{quote(os.fspath(path))}: {error.strerror}") from error


def show(saved: RunReport) -> None:
    """Print the report: a table on a terminal, else a line a scan."""
    say = Console(sys.stdout, sys.stderr)
    if sys.stdout.isatty():
        from divere_cli.cli import tables

        tables.show(saved, sys.stdout)
        for file in saved.files:
            if file.error is not None:
                say.result(text_output.any_line(file))
    else:
        for file in saved.files:
            say.result(text_output.any_line(file))
    say.message("", f"{tally(summarize(saved))}; the run ended with exit {saved.exit_code}")
