"""The report as a table for a terminal.

Covers the choice of rows: all scans of a small run; of a large run, those that failed and those
that took longest. Not covered: printing.
"""

from __future__ import annotations

from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from divere_cli.records.outcome import ScanResult
from divere_cli.records.report import RunReport
from divere_cli.report.summary import digits, megapixels, summarize
from divere_cli.text import format_bytes, safe, tail

ROWS = 50
_STYLES = {"ok": "green", "failed": "bold red", "interrupted": "yellow"}
_HEADINGS = ("status", "profile", "MP", "seconds", "peak memory", "")
# Columns by width of the terminal; the others are on the line of each scan or in the report.
_SHOWN = ((110, (0, 1, 2, 3, 4, 5)), (80, (0, 1, 3, 4)), (60, (0, 1, 4)), (0, (0, 3)))
_RIGHT = ("MP", "seconds", "peak memory")
_NAME = 80
_PROFILE = 20  # enough for most shipped profiles
_GAP = 3  # between two columns of the box


def render(report: RunReport, width: int = 100) -> Table:
    """Return the table, at most ``width`` characters wide; cells are text, never markup.

    Long names keep their end, which distinguishes scans in a path.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    width : int, default 100
        Most characters in a line.
    """
    summary, files = summarize(report), selected(report.files)
    hidden = len(report.files) - len(files)
    caption = f"and {hidden} more, in the report" if hidden else None
    speed = f"{summary.megapixels_per_second:.1f} MP/s" if summary.ok else ""
    sums = ("", speed, "", f"{report.seconds:.2f}", memory(summary.peak_rss_bytes), "")
    places = next(places for least, places in _SHOWN if width >= least)
    headings, footer, *rows = (
        tuple(line[position] for position in places)
        for line in (_HEADINGS, sums, *(_row(file) for file in files))
    )
    columns = list(zip(headings, footer, *rows, strict=True))
    used = sum(max(map(len, column)) + _GAP for column in columns)
    room = min(max(width - used - 2, 12), _NAME)
    table = Table(box=box.SIMPLE, show_footer=True, pad_edge=False, caption=caption)
    table.add_column("scan", f"{summary.total} scans", no_wrap=True, max_width=room)
    for heading, total in zip(headings, footer, strict=True):
        side: Literal["left", "right"] = "right" if heading in _RIGHT else "left"
        table.add_column(heading, total, justify=side, no_wrap=True)
    for file, row in zip(files, rows, strict=True):
        style = _STYLES.get(file.status, "dim")
        name = tail(safe(file.input), room)
        table.add_row(Text(name), Text(row[0], style=style), *map(Text, row[1:]))
    return table


def stages(report: RunReport) -> Table | None:
    """Return mean, median and 95th percentile of each stage; None if nothing was graded.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    figures = summarize(report).seconds_by_stage
    if not figures:
        return None
    table = Table(box=box.SIMPLE, pad_edge=False)
    for heading in ("stage", "mean", "median", "95 %"):
        side: Literal["left", "right"] = "left" if heading == "stage" else "right"
        table.add_column(heading, justify=side, no_wrap=True)
    for name, each in figures.items():
        table.add_row(name, *(f"{value:.3f} s" for value in (each.mean, each.p50, each.p95)))
    return table


def medians(report: RunReport) -> str:
    """Return the median of each stage in one line; empty if nothing was graded.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    stages = summarize(report).seconds_by_stage.items()
    text = ", ".join(f"{name} {figures.p50:.2f}" for name, figures in stages)
    return f"median of a scan: {text} s" if text else ""


def selected(files: tuple[ScanResult, ...]) -> list[ScanResult]:
    """Return the scans that get a row, in the order of the run.

    Parameters
    ----------
    files : tuple of ScanResult
        The results of all scans.
    """
    if len(files) <= ROWS:
        return list(files)
    failed = [file for file in files if file.status == "failed"][:ROWS]
    worked = [file for file in files if file.status == "ok"]
    slowest = sorted(worked, key=lambda file: file.seconds, reverse=True)[: ROWS - len(failed)]
    chosen = {id(file) for file in (*failed, *slowest)}
    return [file for file in files if id(file) in chosen]


def memory(size: int) -> str:
    """Return memory as text; empty if unknown.

    Parameters
    ----------
    size : int
        Bytes.
    """
    return format_bytes(size) if size else ""


def _row(file: ScanResult) -> tuple[str, ...]:
    """Return all cells except the name; the message of an error has its own line."""
    source = ">= " if file.peak_rss_source == "vmhwm>=" else ""
    peak = memory(file.peak_rss_bytes)
    warnings = len(file.warnings)
    note = f"{warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    return (
        file.status.replace("_", " "),
        tail(safe(file.profile.name), _PROFILE) if file.profile and file.status == "ok" else "",
        digits(megapixels(file)) if file.width else "",
        f"{file.seconds:.2f}" if file.attempts else "",
        f"{source}{peak}" if peak else "",
        safe(file.error.kind) if file.error else note,
    )
