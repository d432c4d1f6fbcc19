"""The figures of a run, computed once for all report formats and for the last line.

Covers counting and rates over a finished :class:`RunReport`. Not covered:
choosing the exit code (``batch``) and any rendering.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from divere_cli.records.outcome import ScanResult
from divere_cli.records.report import RunReport

STAGES = ("start", "read", "measure", "grade", "write")


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Seconds of one stage over the scans with it: mean, median, 95th percentile."""

    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and rates of the selected scans.

    ``megapixels_per_second`` is of the scans graded in this run, over the wall
    clock of the whole run; ``slowest`` is the input that took longest, empty
    when nothing was graded; ``peak_rss_bytes`` is the largest worker's.
    ``seconds_by_stage`` is of the scans that were graded in this run; a stage that none
    of them had (``measure`` without ``--auto``) is left out.
    """

    ok: int = 0
    up_to_date: int = 0
    kept: int = 0
    known_failure: int = 0
    deferred: int = 0
    failed: int = 0
    interrupted: int = 0
    total: int = 0
    megapixels_per_second: float = 0.0
    slowest: str = ""
    peak_rss_bytes: int = 0
    seconds_by_stage: dict[str, StageFigures] = field(default_factory=dict)


def summarize(report: RunReport) -> Summary:
    """Return the figures of ``report``.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    counts = Counter(file.status for file in report.files)
    worked = [file for file in report.files if file.attempts]
    slowest = max(worked, key=lambda file: file.seconds, default=None)
    return Summary(
        ok=counts["ok"],
        up_to_date=counts["up_to_date"],
        kept=counts["kept"],
        known_failure=counts["known_failure"],
        deferred=counts["deferred"],
        failed=counts["failed"],
        interrupted=counts["interrupted"],
        total=len(report.files),
        megapixels_per_second=round(_speed(report), 3),
        slowest=slowest.input if slowest else "",
        peak_rss_bytes=max((file.peak_rss_bytes for file in report.files), default=0),
        seconds_by_stage=stage_figures(report.files),
    )


def stage_figures(files: Iterable[ScanResult]) -> dict[str, StageFigures]:
    """Return mean, median and 95th percentile of each stage over the scans that were graded.

    Percentiles use the nearest rank, so each is the time of a real scan.

    Parameters
    ----------
    files : iterable of ScanResult
        The results of the scans.
    """
    stages = [file.seconds_by_stage for file in files if file.status == "ok"]
    by_stage: dict[str, StageFigures] = {}
    for name in STAGES:
        seconds = sorted(getattr(each, name) for each in stages)
        if name == "measure":  # only scans of --auto have one
            seconds = [each for each in seconds if each]
        if seconds:
            mean = math.fsum(seconds) / len(seconds)
            figures = (mean, percentile(seconds, 50), percentile(seconds, 95))
            by_stage[name] = StageFigures(*(round(each, 6) for each in figures))
    return by_stage


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the percentile by nearest rank of ``ordered``, which is sorted and not empty.

    Parameters
    ----------
    ordered : sequence of float
        The values, sorted.
    percent : int
        1 to 100.
    """
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def seconds_by_stage(report: RunReport) -> dict[str, float]:
    """Return the workers' seconds by stage for all scans; ``other`` is time outside of stages.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    totals = dict.fromkeys(("start", "read", "grade", "write", "other"), 0.0)
    for file in report.files:
        stages = file.seconds_by_stage
        named = {name: getattr(stages, name) for name in ("start", "read", "grade", "write")}
        named["other"] = max(0.0, file.seconds - sum(named.values()))
        for name, seconds in named.items():
            totals[name] += seconds
    return totals


def digits(megapixels: float) -> str:
    """Return a size for people: ``0.0235``, ``24.2``, ``1392``.

    Parameters
    ----------
    megapixels : float
        The size.
    """
    return f"{megapixels:.0f}" if megapixels >= 100 else f"{megapixels:.3g}"


def megapixels(file: ScanResult) -> float:
    """Return the size of the scan in millions of pixels.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    """
    return file.width * file.height / 1e6


def tally(summary: Summary) -> str:
    """Return the counts for the last line: ``41 ok, 2 failed``.

    Parameters
    ----------
    summary : Summary
        The figures of the run.
    """
    parts = [
        (summary.ok, "ok"),
        (summary.up_to_date, "up to date"),
        (summary.kept, "kept"),
        (summary.known_failure, "known failures"),
        (summary.deferred, "deferred"),
        (summary.failed, "failed"),
        (summary.interrupted, "interrupted"),
    ]
    return ", ".join(f"{count} {word}" for count, word in parts if count) or "0 files"


def _speed(report: RunReport) -> float:
    graded = sum(megapixels(file) for file in report.files if file.status == "ok")
    return graded / report.seconds if report.seconds > 0 else 0.0
