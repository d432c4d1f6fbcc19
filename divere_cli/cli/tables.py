"""Print the tables of a report on a terminal."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from divere_cli.records.report import RunReport
from divere_cli.report import table_report


def show(report: RunReport, stdout: TextIO, *, stages: bool = False) -> None:
    """Print the table of a run, and the time of its stages as a line or a table.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    stdout : TextIO
        The stream to print to.
    stages : bool, default False
        Whether to print a table of all stages; else one line with medians.
    """
    if not report.files:
        return
    console = Console(file=stdout, highlight=False, emoji=False)
    console.print(table_report.render(report, console.width))
    if stages and (table := table_report.stages(report)) is not None:
        console.print(table)
    elif line := table_report.medians(report):
        console.print(line, style="dim")
