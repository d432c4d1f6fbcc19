"""Seconds by stage of one scan, on one clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from divere_cli.records.job import Progress, Stage
from divere_cli.records.outcome import Stages


class Clock:
    """Adds up the seconds of each stage, and tells the progress which one it is.

    Parameters
    ----------
    progress : Progress
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seconds = {"read": 0.0, "grade": 0.0, "write": 0.0}

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Count the time inside for ``name``; stages may interleave, not nest."""
        start = time.perf_counter()
        try:
            with self._progress.stage(name):
                yield
        finally:
            self._seconds[name] += time.perf_counter() - start

    def stages(self) -> Stages:
        """Say what was counted so far."""
        return Stages(**self._seconds)
