"""When a run takes no more scans: a signal, trouble that ends it, too many failures.

Covers what was asked for and when patience ends. What it does not: the
handlers (:mod:`divere_cli.system.signals`) and ending workers (a runner's ``close``).
"""

from __future__ import annotations

import math
import select
import signal
import time
from collections.abc import Callable

from divere_cli.errors import RunError
from divere_cli.system.signals import StopRequest, suspend

KILL_GRACE_SECONDS = 2.0


class Stop:
    """Why and how a run stops; the first reason is the one that is reported.

    Parameters
    ----------
    request : StopRequest
        Signals that came.
    grace_seconds : float
        How long scans in work may go on after a signal.
    clock : callable
        Monotonic seconds.
    asked : callable
        True ends the run in order.
    gentle : frozenset of int
        Signals after which no more scans are taken and those in work may end, however
        long they take. They are no reason for an exit code, and a second one changes nothing.
    """

    def __init__(
        self,
        request: StopRequest,
        grace_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        asked: Callable[[], bool] = lambda: False,
        gentle: frozenset[int] = frozenset(),
    ) -> None:
        self._request = request
        self._grace = grace_seconds
        self._clock = clock
        self._asked = asked
        self._gentle = gentle
        self._deadline: float | None = None
        self.reason = ""
        self.error: RunError | None = None

    @property
    def _ending(self) -> list[int]:
        """The signals that came, but for gentle ones."""
        return [number for number in self._request.received if number not in self._gentle]

    @property
    def signal(self) -> int | None:
        """The first signal that ends the run, or None."""
        return next(iter(self._ending), None)

    @property
    def stopping(self) -> bool:
        """Whether no more scans are to be started."""
        asked = self._asked()  # also when a reason is known: whoever is asked may count turns
        if (self.signal is not None or asked) and self._deadline is None:
            self._deadline = self._clock() + self._grace
        if not self.reason and self._request.received:
            number = self.signal or self._request.received[0]
            self.reason = f"{signal.Signals(number).name} received"
        elif not self.reason and asked:
            self.reason = "the program that runs the batch asked it to stop"
        return bool(self.reason)

    @property
    def seconds_left(self) -> float:
        """Seconds until scans in work are ended; infinite where there is no such time."""
        if not self.stopping or self._deadline is None:
            return math.inf
        return max(0.0, self._deadline - self._clock())

    @property
    def abandon(self) -> bool:
        """Whether scans in work are to be ended now: out of patience, or asked twice."""
        return self.error is not None or len(self._ending) > 1 or self.seconds_left <= 0.0

    @property
    def kill_grace(self) -> float:
        """Seconds between asking workers to end and killing them."""
        return 0.0 if len(self._ending) > 1 else KILL_GRACE_SECONDS

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
