"""Figures of the service for its pages: a frozen snapshot, the latest positives, failures.

Covers counting the results of batches. Not covered: the form of metrics (:mod:`.metrics`), and
who may read them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from divere_cli.records.outcome import ScanResult
from divere_cli.service import metrics
from divere_cli.service.metrics import Metrics
from divere_cli.text import safe

RECENT = 24


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the service at the last turn of its loop.

    ``waiting``, ``in_work``, ``done`` and ``failed`` count files; ``queue`` has the names, below
    INPUT, of some files that wait or are being graded; ``problem`` is one line that states what
    prevents grading.
    """

    state: str = "starting"  # starting, watching, grading, waiting, ending
    problem: str = ""
    waiting: int = 0
    in_work: int = 0
    done: int = 0
    failed: int = 0
    queue: tuple[str, ...] = ()
    known_failures: tuple[dict[str, str], ...] = ()
    last_run: dict[str, Any] | None = None

    @property
    def ready(self) -> bool:
        """Whether the service grades new scans now."""
        return self.state in ("watching", "grading")


@dataclass
class Figures:
    """Counts since the service began; any thread may read.

    ``restarts`` counts batches that ended with an error of their own, forkservers that died and
    threads of the service that were started again.
    """

    restarts: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)
    peak_rss_bytes: int = 0
    metrics: Metrics | None = field(default_factory=metrics.of_this_service)
    _recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    _failures: dict[str, tuple[str, str]] = field(default_factory=dict)  # by path
    snapshot: Snapshot = field(default_factory=Snapshot)

    def count(self, result: ScanResult, path: str | None = None) -> bool:
        """Count the result of a scan.

        Parameters
        ----------
        result : ScanResult
        path : str, optional
            Its file, if known.

        Returns
        -------
        bool
            Whether the result is new: False for the failure that the file had before.
        """
        path = path or result.input
        with self._turn:
            before = self._failures.pop(path, None)
            self.peak_rss_bytes = max(self.peak_rss_bytes, result.peak_rss_bytes)
            if self.metrics is not None:
                self.metrics.count(result)
            if result.status == "ok":
                self._recent.appendleft(_recent(result))
            if result.error is None:
                return True
            failure = self._failures[path] = (safe(result.input), safe(result.error.message))
            return failure != before

    def keep_failures(self, paths: Container[str]) -> None:
        """Forget failures of all files except ``paths``: they changed or were removed."""
        with self._turn:
            for path in [each for each in self._failures if each not in paths]:
                del self._failures[path]

    def failures(self) -> tuple[dict[str, str], ...]:
        """Return the scans that failed and have not changed since."""
        with self._turn:
            return tuple({"input": name, "error": why} for name, why in self._failures.values())

    def recent(self) -> list[dict[str, Any]]:
        """Return the latest positives, the last one first."""
        with self._turn:
            return list(self._recent)


def _recent(result: ScanResult) -> dict[str, Any]:
    pictures = [thumbnail.jpeg for thumbnail in result.thumbnails if thumbnail.of]
    return {
        "input": safe(result.input),
        "outputs": [safe(name) for name in result.outputs],
        "seconds": round(result.seconds, 3),
        "picture": pictures[0] if pictures else "",
    }
