"""The report as CSV: one row per scan, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula gets a ``'`` in front. Names
are shown harmless; the JSON report has them byte for byte.
"""

from __future__ import annotations

import csv
import io

from divere_cli.records.outcome import ErrorRecord, FilmEdge, ScanResult
from divere_cli.records.report import RunReport
from divere_cli.text import safe

COLUMNS = (
    "input", "status", "outputs", "profile", "width", "height", "seconds", "seconds_start",
    "seconds_read", "seconds_grade", "seconds_write", "peak_rss_bytes", "peak_rss_source",
    "attempts", "error_kind", "error_message", "error_hint", "warnings",
    "notes", "input_transfer", "orientation", "page", "pages", "clipped_top", "clipped_bottom",
    "film", "film_dx", "frames",
)  # fmt: skip

# Excel and LibreOffice also take the full-width forms of East Asian input methods.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def render(report: RunReport) -> str:
    """Return the table with a line of headings, starting with a byte order mark.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    text = io.StringIO()
    text.write("\ufeff")  # without it Excel reads UTF-8 as the system's code page
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in report.files:
        writer.writerow(cell(value) for value in _row(file))
    return text.getvalue()


def cell(value: str | int | float) -> str:
    """Return ``value`` as a cell that is never a formula.

    Parameters
    ----------
    value : str or int or float
        The value.
    """
    if isinstance(value, int | float):
        return str(value)
    text = safe(value)
    return "'" + text if text.lstrip().startswith(_FORMULA) else text


def _row(file: ScanResult) -> tuple[str | int | float, ...]:
    stages, error = file.seconds_by_stage, file.error or ErrorRecord("", "")
    seconds = (file.seconds, stages.start, stages.read, stages.grade, stages.write)
    return (
        file.input,
        file.status,
        "; ".join(file.outputs),
        file.profile.name if file.profile else "",
        file.width,
        file.height,
        *(round(value, 4) for value in seconds),
        file.peak_rss_bytes,
        file.peak_rss_source,
        file.attempts,
        error.kind,
        error.message,
        error.hint,
        "; ".join(file.warnings),
        "; ".join(file.notes),
        file.input_transfer,
        file.orientation,
        file.pages.picture if file.pages else "",
        file.pages.pictures if file.pages else "",
        _shares(file.clipped.top) if file.clipped else "",
        _shares(file.clipped.bottom) if file.clipped else "",
        *_film(file.film_edge),
    )


def _film(edge: FilmEdge | None) -> tuple[str, str, str]:
    """Return film, DX number and frame numbers as read at the film's edge."""
    return ("", "", "") if edge is None else (edge.film or "", edge.dx, " ".join(edge.frames))


def _shares(channels: tuple[float, ...]) -> str:
    """Return the share of each channel as text, ``0.0012 0 0``."""
    return " ".join(f"{share:.4g}" for share in channels)
