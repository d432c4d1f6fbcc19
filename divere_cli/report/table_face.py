"""The report as a table for a terminal.

Covers what is worth a row: all scans of a small run; of a large one those that
failed and those that took most. What it does not: printing.
"""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from divere_cli.records import FileResult, RunReport
from divere_cli.report.summary import megapixels, summarize, tally
from divere_cli.text import safe

ROWS = 50
_STYLES = {"ok": "green", "failed": "bold red", "interrupted": "yellow"}


def render(report: RunReport) -> Table:
    """Return the table; every cell is text, never markup."""
    summary = summarize(report)
    shown = selected(report.files)
    rest = len(report.files) - len(shown)
    caption = f"and {rest} more, in the report" if rest else None
    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=False, caption=caption)
    speed = f"{summary.megapixels_per_second:.1f} MP/s" if summary.ok else ""
    table.add_column("scan", Text(tally(summary)), overflow="ellipsis", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("MP", justify="right", no_wrap=True)
    table.add_column("seconds", f"{report.seconds:.2f}", justify="right", no_wrap=True)
    peak = memory(summary.peak_rss_bytes)
    table.add_column("peak memory", peak, justify="right", no_wrap=True)
    table.add_column("", speed, overflow="fold")
    for file in shown:
        table.add_row(*_row(file))
    return table


def selected(files: tuple[FileResult, ...]) -> list[FileResult]:
    """Return the scans that get a row, in the order of the run."""
    if len(files) <= ROWS:
        return list(files)
    failed = [file for file in files if file.status == "failed"][:ROWS]
    worked = [file for file in files if file.status == "ok"]
    slowest = sorted(worked, key=lambda file: file.seconds, reverse=True)[: ROWS - len(failed)]
    chosen = {id(file) for file in (*failed, *slowest)}
    return [file for file in files if id(file) in chosen]


def memory(size: int) -> str:
    """Return megabytes, or nothing where nothing is known."""
    return f"{size / 1e6:,.0f} MB" if size else ""


def _row(file: FileResult) -> tuple[Text, ...]:
    about = f"{file.error.kind}: {file.error.message}" if file.error else "; ".join(file.warnings)
    source = ">= " if file.peak_rss_source == "vmhwm>=" else ""
    peak = memory(file.peak_rss_bytes)
    return (
        Text(safe(file.input)),
        Text(file.status.replace("_", " "), style=_STYLES.get(file.status, "dim")),
        Text(f"{megapixels(file):.1f}" if file.width else ""),
        Text(f"{file.seconds:.2f}" if file.attempts else ""),
        Text(f"{source}{peak}" if peak else ""),
        Text(safe(about), style="red" if file.error else "yellow"),
    )
