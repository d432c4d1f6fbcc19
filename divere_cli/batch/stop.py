"""When a run takes no more scans: a signal, trouble that ends it, too many failures.

Covers what was asked for and when patience ends. What it does not: the
handlers (``isolation.signals``) and ending workers (a runner's ``close``).
"""

from __future__ import annotations

import select
import signal
import time
from collections.abc import Callable

from divere_cli.errors import RunError
from divere_cli.system.signals import StopRequest, suspend

KILL_GRACE_SECONDS = 2.0


class Stop:
    """Why and how a run stops; first words count."""

    def __init__(
        self,
        request: StopRequest,
        grace_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        asked: Callable[[], bool] = lambda: False,
    ) -> None:
        self._request = request
        self._grace = grace_seconds
        self._clock = clock
        self._asked = asked
        self._deadline: float | None = None
        self.reason = ""
        self.error: RunError | None = None

    @property
    def signal(self) -> int | None:
        """The first signal that came, or None."""
        return self._request.received[0] if self._request.received else None

    @property
    def stopping(self) -> bool:
        """Whether no more scans are to be started."""
        if not self.reason and self.signal is not None:
            self.reason = f"{signal.Signals(self.signal).name} received"
            self._deadline = self._clock() + self._grace
        elif not self.reason and self._asked():
            self.reason = "the program that runs the batch asked it to stop"
            self._deadline = self._clock() + self._grace
        return bool(self.reason)

    @property
    def abandon(self) -> bool:
        """Whether scans in work are to be ended now: out of patience, or asked twice."""
        if self.error is not None or len(self._request.received) > 1:
            return True
        return self.stopping and self._deadline is not None and self._clock() >= self._deadline

    @property
    def kill_grace(self) -> float:
        """Seconds between asking workers to end and killing them."""
        return 0.0 if len(self._request.received) > 1 else KILL_GRACE_SECONDS

    def because(self, reason: str) -> None:
        """Take no more scans; those in work may finish."""
        if not self.stopping:
            self.reason = reason

    def fatal(self, error: RunError) -> None:
        """The run is over: scans in work are ended, too."""
        self.because(error.message)
        if self.error is None:
            self.error = error

    def pause(self, seconds: float) -> bool:
        """Sleep, but not through a signal, and obey Ctrl-Z; False once a signal came."""
        if self.signal is None and seconds > 0:
            fd = self._request.fileno()
            if fd < 0:
                time.sleep(seconds)
            else:
                select.select([fd], [], [], seconds)
                self._request.drain()
            if self._request.suspended:
                suspend(self._request, [])
        return self.signal is None
