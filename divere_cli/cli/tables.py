"""Tables for a terminal; what is in them comes from ``report``."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from divere_cli.records.report import RunReport
from divere_cli.report import table_report


def show(report: RunReport, stdout: TextIO, *, stages: bool = False) -> None:
    """Print the table of a run, and with ``stages`` a second one of where its time went.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    stdout : TextIO
        Where to print.
    stages : bool, default False
        Whether the table of stages is printed.
    """
    if not report.files:
        return
    console = Console(file=stdout, highlight=False, emoji=False)
    console.print(table_report.render(report, console.width))
    if stages and (table := table_report.stages(report)) is not None:
        console.print(table)
