"""``divere report``: show or convert a saved report, and show the history of an output folder."""

from __future__ import annotations

import os
import sys

import click

from divere_cli.batch.request import ReportFile
from divere_cli.cli import output_checks, text_output
from divere_cli.cli.console import Console
from divere_cli.cli.options import json_option
from divere_cli.errors import InputMissing, JournalFailed, UsageError
from divere_cli.files import regular
from divere_cli.records.report import RunReport
from divere_cli.report import formats
from divere_cli.report.summary import summarize, tally
from divere_cli.text import quote, safe

_SUFFIXES = {"html": ".html", "csv": ".csv", "junit": ".xml", "prom": ".prom"}
_LARGEST = 1 << 30  # ten thousand scans with thumbnails are 200 MB


@click.command()
@click.argument("file", metavar="FILE.json|OUTPUT", type=click.Path())
@click.option(
    "--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write it as an HTML page."
)
@click.option(
    "--csv", type=click.Path(dir_okay=False), metavar="FILE", help="Write it as a CSV table."
)
@click.option(
    "--junit", type=click.Path(dir_okay=False), metavar="FILE", help="Write it as JUnit XML."
)
@click.option(
    "--prom",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write its figures for the textfile collector of Prometheus.",
)
@click.option(
    "--report-inline",
    is_flag=True,
    help="Put the pictures into the page itself, not into a folder beside it.",
)
@click.option(
    "--history", is_flag=True, help="Print the runs on the folder OUTPUT and how they changed."
)
@json_option
def report(
    file: str,
    html: str | None,
    csv: str | None,
    junit: str | None,
    prom: str | None,
    report_inline: bool,
    history: bool,
    json: bool,
) -> None:
    """Print a saved report (OUTPUT/divere-report.json), or convert it to other formats.

    With --history: print the runs on the folder OUTPUT that its journal knows, and how their
    time and memory changed.
    """
    options = {"html": html, "csv": csv, "junit": junit, "prom": prom}
    outputs = {form: path for form, path in options.items() if path is not None}
    if history:
        if outputs or report_inline:
            raise UsageError(
                "--history cannot be used with --html, --csv, --junit, --prom or --report-inline"
            )
        show_history(file, as_json=json)
        return
    if json:
        raise UsageError("--json needs --history: FILE.json is the report as JSON already")
    for form, path in outputs.items():
        output_checks.check(f"--{form}", path, [file])
    if prom is not None:
        formats.check_prometheus("--prom", prom)
    saved = load(file)
    if report_inline and html is None:
        raise UsageError("--report-inline needs --html")
    for form, path in outputs.items():
        write(path, saved, form, inline=report_inline)
    if not outputs:
        show(saved)


def load(path: str) -> RunReport:
    """Read a saved report, strictly.

    Parameters
    ----------
    path : str
        Path of the report, a JSON file.

    Raises
    ------
    InputMissing
        The file cannot be read.
    UsageError
        The file is not a report.
    """
    from divere_cli.report import json_report

    try:
        with open(path, "rb", opener=regular.opener) as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        hint = "give a report such as OUTPUT/divere-report.json, or use --history"
        raise InputMissing(f"{quote(path)}: {error.strerror}", hint=hint) from error
    if len(data) > _LARGEST:
        raise UsageError(f"{quote(path)}: too large for a report")
    try:
        return json_report.parse(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise UsageError(f"{quote(path)}: not UTF-8 text at byte {error.start}") from error


def write(path: str, saved: RunReport, form: str, *, inline: bool = False) -> None:
    """Write a report in another format, completely or not at all.

    Pictures of an earlier run beside a page are shown, and none is removed.

    Parameters
    ----------
    path : str
        Path of the new file.
    saved : RunReport
        The report.
    form : str
        ``html``, ``csv``, ``junit`` or ``prom``.
    inline : bool, default False
        Whether an HTML page contains its pictures.
    """
    from divere_cli.batch import report_files

    page = form == "html"
    beside = formats.html_beside if page and not inline else None
    file = ReportFile(
        path, formats.by_suffix(_SUFFIXES[form]), beside=beside, inline=page and inline
    )
    try:
        report_files.write_one(file, saved, remove=False)
    except OSError as error:
        raise JournalFailed(f"{quote(os.fspath(path))}: {error.strerror}") from error


def show(saved: RunReport) -> None:
    """Print the report: a table on a terminal, else one line per scan; then all warnings.

    Parameters
    ----------
    saved : RunReport
        The report.
    """
    console = Console(sys.stdout, sys.stderr)
    on_terminal = sys.stdout.isatty()
    if on_terminal:
        from divere_cli.cli import tables

        tables.show(saved, sys.stdout)
        for line in text_output.note_lines(saved):
            console.message("note", line)
    for file in saved.files:
        if file.error is not None or not on_terminal:
            console.result(text_output.any_line(file))
    for file in saved.files:
        for warning in file.warnings:
            console.message("warning", f"{quote(file.input)}: {safe(warning)}")
    for warning in saved.warnings:
        console.message("warning", warning)
    for incident in saved.incidents:
        console.message("incident", f"after {incident.at:.1f} s: {safe(incident.message)}")
    if saved.error is not None:
        console.message("error", f"{saved.error.kind}: {saved.error.message}")
    for hint in text_output.hints(saved):
        console.message("hint", hint)
    console.message("", f"{tally(summarize(saved))}; the run ended with exit {saved.exit_code}")


def show_history(output: str, *, as_json: bool) -> None:
    """Print the runs on an output folder and their trends.

    Parameters
    ----------
    output : str
        The output folder.
    as_json : bool
        Whether JSON is printed.

    Raises
    ------
    InputMissing, UsageError, JournalFailed
    """
    import json

    from divere_cli.batch.journal import history as journal_history
    from divere_cli.report import history

    runs = journal_history.load(output)
    if as_json:
        click.echo(json.dumps(history.document(output, runs), indent=1, allow_nan=False))
        return
    console = Console(sys.stdout, sys.stderr)
    for line in history.lines(runs):
        console.result(line)
