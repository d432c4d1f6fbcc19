"""What the journal keeps of each run: figures by which runs are compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The figures of one run that ended in order.

    ``scans`` counts scans by their status; a status that no scan had is left out.
    ``megapixels`` is of the scans that were graded, millions of pixels.
    ``scan_seconds`` are the wall clock seconds of their workers, all together,
    ``median_seconds`` those of the scan in the middle; ``seconds_by_stage`` are sums over
    all graded scans. ``peak_rss_bytes`` is the largest worker's,
    ``parent_peak_rss_bytes`` that of divere itself.
    """

    seconds: float
    exit_code: int
    version: str
    jobs: int
    scans: dict[str, int] = field(default_factory=dict)
    megapixels: float = 0.0
    scan_seconds: float = 0.0
    median_seconds: float = 0.0
    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    peak_rss_bytes: int = 0
    parent_peak_rss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that is in the journal.

    ``started`` is ISO 8601, UTC; empty where an earlier divere wrote it down.
    ``figures`` is None where the run did not end in order, is still at work, or was
    written down by an earlier divere; ``ended`` tells these apart.
    """

    run: str
    started: str = ""
    ended: bool = False
    figures: RunFigures | None = None
