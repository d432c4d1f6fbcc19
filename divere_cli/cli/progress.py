"""Scans in progress, done and failed: the state behind the live display.

Covers counts, speed and the time left, from events and a clock. It is drawn in
:mod:`divere_cli.cli.live_display`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from divere_cli.records.events import (
    ENDED,
    Event,
    RunStarted,
    RunStopping,
    ScanFinished,
    ScanProgress,
    ScanStarted,
)
from divere_cli.records.outcome import ScanResult
from divere_cli.report.summary import megapixels

MEASURING = 0.2  # share of measuring in the work on a scan that is measured first


@dataclass
class AtWork:
    """One scan in progress; ``since`` is by the board's clock, ``done`` is 0..1."""

    name: str
    since: float
    attempt: int = 1
    stage: str = "start"
    done: float = 0.0
    rss_bytes: int = 0


class Board:
    """Follows the events of one run.

    Parameters
    ----------
    clock : callable
        Monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.started: RunStarted | None = None
        self.at_work: dict[int, AtWork] = {}
        self.graded = 0
        self.failed = 0
        self.left_alone = 0
        self.megapixels = 0.0
        self.peak_rss_bytes = 0
        self.stopping = ""
        self._worked = 0
        self._jobs: dict[str, int] = {}
        self._measured: set[str] = set()

    def handle(self, event: Event) -> None:
        """Handle one event."""
        if isinstance(event, RunStarted):
            self.started = event
            self._began = self._clock()
        elif isinstance(event, ScanStarted):
            self.at_work[event.job_id] = AtWork(event.input, self._clock(), event.attempt)
            self._jobs[event.input] = event.job_id
        elif isinstance(event, ScanProgress):
            self._progress(event)
        elif isinstance(event, ScanFinished):
            self._finished(event.result)
        elif isinstance(event, RunStopping):
            self.stopping = event.reason

    def _progress(self, event: ScanProgress) -> None:
        scan = self.at_work.get(event.job_id)
        if scan is None:
            return
        if event.stage == ENDED:
            del self.at_work[event.job_id]
            self._measured.add(event.input)
            return
        scan.stage, scan.done = event.stage, min(max(event.done, 0.0), 1.0)
        scan.rss_bytes = event.rss_bytes or scan.rss_bytes

    def _finished(self, file: ScanResult) -> None:
        self.at_work.pop(self._jobs.pop(file.input, -1), None)
        self._worked += bool(file.attempts)
        self.peak_rss_bytes = max(self.peak_rss_bytes, file.peak_rss_bytes)
        if file.status == "ok":
            self.graded += 1
            self.megapixels += megapixels(file)
        elif file.status == "failed":
            self.failed += 1
        else:
            self.left_alone += 1

    @property
    def total(self) -> int:
        """Number of selected scans."""
        return self.started.total if self.started else 0

    @property
    def finished(self) -> int:
        """Number of scans with a result of any kind."""
        return self.graded + self.failed + self.left_alone

    @property
    def rss_bytes(self) -> int:
        """Memory of all workers together, as last reported."""
        return sum(scan.rss_bytes for scan in self.at_work.values())

    def elapsed(self) -> float:
        """Return the seconds since planning was finished."""
        return self._clock() - self._began

    def seconds_of(self, scan: AtWork) -> float:
        """Return the seconds that a scan has been in progress."""
        return self._clock() - scan.since

    def speed(self) -> float:
        """Return megapixels per second of graded scans."""
        elapsed = self.elapsed()
        return self.megapixels / elapsed if elapsed > 0 else 0.0

    def done(self) -> float:
        """Return the share of the work that is done, 0..1; parts of scans count."""
        todo = self.started.todo if self.started else 0
        if todo <= 0:
            return 1.0 if self.started else 0.0
        scans = self.at_work.values()
        if not (self.started and self.started.measuring):
            return min((self._worked + sum(scan.done for scan in scans)) / todo, 1.0)
        first = [scan.done for scan in scans if scan.name not in self._measured]
        then = [scan.done for scan in scans if scan.name in self._measured]
        measured, graded = len(self._measured) + sum(first), self._worked + sum(then)
        return min((MEASURING * measured + (1 - MEASURING) * graded) / todo, 1.0)

    def seconds_left(self) -> float | None:
        """Return the time left at the speed so far; None at the beginning."""
        done, elapsed = self.done(), self.elapsed()
        if done <= 0.0 or elapsed < 1.0:
            return None
        return elapsed * (1.0 - done) / done
