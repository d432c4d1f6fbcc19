"""Tables for a terminal; what is in them comes from ``report``."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from divere_cli.records.report import RunReport
from divere_cli.report import table_report


def show(report: RunReport, stdout: TextIO) -> None:
    """Print the table of a run."""
    if report.files:
        console = Console(file=stdout, highlight=False, emoji=False)
        console.print(table_report.render(report, console.width))
