"""Tables for a terminal; what is in them comes from ``report``."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from divere_cli.records.report import RunReport
from divere_cli.report import table_report


def show(report: RunReport, stdout: TextIO, *, stages: bool = False) -> None:
    """Print the table of a run, and where its time went: in a line, or in a table of stages.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    stdout : TextIO
        Where to print.
    stages : bool, default False
        Whether the time of each stage has a table; else the medians have a line.
    """
    if not report.files:
        return
    console = Console(file=stdout, highlight=False, emoji=False)
    console.print(table_report.render(report, console.width))
    if stages and (table := table_report.stages(report)) is not None:
        console.print(table)
    elif line := table_report.medians(report):
        console.print(line, style="dim")
