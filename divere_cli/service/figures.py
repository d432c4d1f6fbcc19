"""What the service tells of itself: a frozen snapshot, the latest positives and failures.

Covers counting what batches report. What it does not: the form of metrics
(:mod:`.metrics`), and who may read it.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from divere_cli.records.outcome import ScanResult
from divere_cli.service import metrics
from divere_cli.service.metrics import Metrics
from divere_cli.text import safe

RECENT = 24


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The service at the last turn of its loop."""

    state: str = "starting"  # starting, watching, grading, waiting, ending
    problem: str = ""
    waiting: int = 0
    in_work: int = 0
    done: int = 0
    failed: int = 0
    known_failures: tuple[dict[str, str], ...] = ()
    last_run: dict[str, Any] | None = None

    @property
    def ready(self) -> bool:
        """Whether new scans would be graded."""
        return self.state in ("watching", "grading")


@dataclass
class Figures:
    """Counts since the service began; any thread may read."""

    restarts: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)
    peak_rss_bytes: int = 0
    metrics: Metrics | None = field(default_factory=metrics.of_this_service)
    _recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    _failures: dict[str, str] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=Snapshot)

    def count(self, result: ScanResult) -> None:
        """Take the last word on a scan."""
        with self._turn:
            self.peak_rss_bytes = max(self.peak_rss_bytes, result.peak_rss_bytes)
            if self.metrics is not None:
                self.metrics.count(result)
            if result.status == "ok":
                self._recent.appendleft(_recent(result))
            if result.error is not None:
                self._failures[result.input] = safe(result.error.message)
            else:
                self._failures.pop(result.input, None)

    def failures(self) -> tuple[dict[str, str], ...]:
        """Scans that failed and were not graded since."""
        with self._turn:
            return tuple({"input": safe(n), "error": e} for n, e in self._failures.items())

    def recent(self) -> list[dict[str, Any]]:
        """The latest positives, the last one first."""
        with self._turn:
            return list(self._recent)


def _recent(result: ScanResult) -> dict[str, Any]:
    pictures = [one.jpeg for one in result.thumbnails if one.of]
    return {
        "input": safe(result.input),
        "outputs": [safe(name) for name in result.outputs],
        "seconds": round(result.seconds, 3),
        "picture": pictures[0] if pictures else "",
    }
