"""What the service tells of itself: a frozen snapshot, and figures as Prometheus reads them.

Covers counting what batches report and the text form of metrics (version
0.0.4). No file name becomes a label. What it does not: who may read it.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from divere_cli.records.outcome import ScanResult
from divere_cli.text import safe

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
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
    _by_status: Counter[str] = field(default_factory=Counter)
    _buckets: list[int] = field(default_factory=lambda: [0] * len(SECONDS))
    _seconds: float = 0.0
    _graded: int = 0
    _peak: int = 0
    _recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    _failures: dict[str, str] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=Snapshot)

    def count(self, result: ScanResult) -> None:
        """Take the last word on a scan."""
        with self._turn:
            self._by_status[result.status] += 1
            self._peak = max(self._peak, result.peak_rss_bytes)
            if result.status == "ok":
                self._graded += 1
                self._seconds += result.seconds
                for index, bound in enumerate(SECONDS):
                    self._buckets[index] += result.seconds <= bound
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

    def metrics(self) -> str:
        """All figures in Prometheus' text form."""
        with self._turn:
            return "\n".join(self._lines()) + "\n"

    def _lines(self) -> list[str]:
        found = _head("divere_scans_total", "counter", "Scans by how they ended.")
        found += [
            f'divere_scans_total{{status="{status}"}} {count}'
            for status, count in sorted(self._by_status.items())
        ]
        found += _head("divere_scan_seconds", "histogram", "Seconds that a graded scan took.")
        found += [
            f'divere_scan_seconds_bucket{{le="{bound}"}} {count}'
            for bound, count in zip(SECONDS, self._buckets, strict=True)
        ]
        found.append(f'divere_scan_seconds_bucket{{le="+Inf"}} {self._graded}')
        found.append(f"divere_scan_seconds_sum {self._seconds:.6f}")
        found.append(f"divere_scan_seconds_count {self._graded}")
        snapshot = self.snapshot
        for name, value, what in (
            ("divere_queue_scans", snapshot.waiting + snapshot.in_work, "Scans not done yet."),
            ("divere_worker_peak_rss_bytes", self._peak, "The most that one worker has used."),
        ):
            found += [*_head(name, "gauge", what), f"{name} {value}"]
        found += _head("divere_restarts_total", "counter", "Runs that ended by their own trouble.")
        return [*found, f"divere_restarts_total {self.restarts}"]


def _head(name: str, kind: str, what: str) -> list[str]:
    return [f"# HELP {name} {what}", f"# TYPE {name} {kind}"]


def _recent(result: ScanResult) -> dict[str, Any]:
    pictures = [one.jpeg for one in result.thumbnails if one.of]
    return {
        "input": safe(result.input),
        "outputs": [safe(name) for name in result.outputs],
        "seconds": round(result.seconds, 3),
        "picture": pictures[0] if pictures else "",
    }
