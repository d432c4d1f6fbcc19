"""Compares the runs on one OUTPUT: time and memory from run to run.

Covers the trend, the JSON document and the lines for people. Not covered: where the runs are
written down (``batch.journal.history``).

The trend compares the median of the last five runs with the median of all before them:
one slow night does not make a trend, and no run is compared with itself. Time is seconds
of the workers per megapixel, so that a night of few or small scans is no faster one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from divere_cli.records.history import PastRun, RunFigures
from divere_cli.records.serialize import to_plain
from divere_cli.report.json_report import valid
from divere_cli.text import format_bytes, safe

SCHEMA = "divere-history/1"
RECENT = 5
SHOWN = 20
_HEADINGS = ("started", "exit", "ok", "failed", "seconds", "s/MP", "a scan", "worker", "divere")


@dataclass(frozen=True, slots=True)
class Trend:
    """Median of the last runs and of those before; ``change`` is their ratio minus one.

    ``before`` and ``change`` are None without earlier runs; ``recent`` is None if no run graded
    anything.
    """

    recent: float | None = None
    before: float | None = None
    change: float | None = None
    runs: int = 0


def document(output: str, runs: Sequence[PastRun]) -> dict[str, Any]:
    """Return all runs and the trends as JSON-ready data.

    Parameters
    ----------
    output : str
        The output folder.
    runs : sequence of PastRun
        The runs, oldest first.
    """
    data = {
        "schema": SCHEMA,
        "output": output,
        "runs": [_entry(run) for run in runs],
        "trend": to_plain(trends(runs)),
    }
    checked: dict[str, Any] = valid(data)
    return checked


def _entry(run: PastRun) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(run)
    figures = plain.pop("figures") or {}
    if run.figures is not None:
        figures["seconds_per_megapixel"] = per_megapixel(run.figures)
    return plain | figures


def trends(runs: Sequence[PastRun]) -> dict[str, Trend]:
    """Return the trends of time and memory, by their names in the document.

    Parameters
    ----------
    runs : sequence of PastRun
        The runs, oldest first.
    """
    graded = [run.figures for run in runs if run.figures and run.figures.megapixels]
    return {
        "seconds_per_megapixel": _trend(graded, lambda each: per_megapixel(each) or 0.0),
        "peak_rss_bytes": _trend(graded, lambda each: each.peak_rss_bytes),
        "parent_peak_rss_bytes": _trend(graded, lambda each: each.parent_peak_rss_bytes),
    }


def per_megapixel(figures: RunFigures) -> float | None:
    """Return the workers' seconds per megapixel; None if nothing was graded.

    Parameters
    ----------
    figures : RunFigures
        The figures of a run.
    """
    if not figures.megapixels:
        return None
    return round(figures.scan_seconds / figures.megapixels, 5)


def _trend(graded: Sequence[RunFigures], figure: Callable[[RunFigures], float]) -> Trend:
    values = [figure(each) for each in graded]
    if not values:
        return Trend()
    recent, earlier = values[-RECENT:], values[:-RECENT]
    now = median(recent)
    if not earlier:
        return Trend(now, runs=len(recent))
    before = median(earlier)
    change = round(now / before - 1, 4) if before else None
    return Trend(now, before, change, len(recent))


def lines(runs: Sequence[PastRun]) -> list[str]:
    """Return a line for each of the last runs, and the trends.

    Parameters
    ----------
    runs : sequence of PastRun
        The runs, oldest first.
    """
    rows = [_HEADINGS, *(_row(run) for run in runs[-SHOWN:])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    made = ["  ".join(_cells(row, widths)).rstrip() for row in rows]
    if more := len(runs) - SHOWN:
        made += [f"{more} runs before these: --json has them all"] if more > 0 else []
    old = sum(run.ended and run.figures is None for run in runs)
    if old:
        made.append(f"runs of an earlier divere, which recorded no figures: {old}")
    return made + _trend_lines(trends(runs))


def _cells(row: tuple[str, ...], widths: list[int]) -> list[str]:
    first, *figures = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(text.rjust(width) for text, width in figures)]


def _row(run: PastRun) -> tuple[str, ...]:
    started, figures = safe(run.started) or "unknown", run.figures
    if figures is None:
        return (started, "?" if run.ended else "none", *("" for _ in _HEADINGS[2:]))
    each = per_megapixel(figures)
    return (
        started,
        str(figures.exit_code),
        str(figures.scans.get("ok", 0)),
        str(figures.scans.get("failed", 0)),
        f"{figures.seconds:.1f}",
        f"{each:.3f}" if each is not None else "",
        f"{figures.median_seconds:.2f} s" if figures.megapixels else "",
        _memory(figures.peak_rss_bytes),
        _memory(figures.parent_peak_rss_bytes),
    )


def _memory(size: int) -> str:
    return format_bytes(size) if size else ""


def _trend_lines(by_name: dict[str, Trend]) -> list[str]:
    time, worker, parent = by_name.values()
    if time.recent is None:
        return ["no trend: no run has graded a scan and recorded its figures"]
    if time.before is None:
        return [f"no trend yet: it compares the last {RECENT} runs with those before them"]
    over = f"median of the last {time.runs} runs that graded, against those before"
    return [
        f"time: {time.recent:.3f} s of work per megapixel{_change(time)} ({over})",
        f"memory: a worker's peak {_memory(int(worker.recent or 0))}{_change(worker)}, "
        f"divere's own {_memory(int(parent.recent or 0))}{_change(parent)}",
    ]


def _change(trend: Trend) -> str:
    return "" if trend.change is None else f", {round(trend.change, 2) + 0.0:+.0%}"  # never -0%
