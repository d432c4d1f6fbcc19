"""State of a stopping run: after a signal, a fatal error or too many failures.

Covers the reason of the stop and the deadline of running scans. Signal handlers
(:mod:`divere_cli.system.signals`) and ending workers (a runner's ``close``) are elsewhere.
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
    """Why and how a run stops; the first reason is reported.

    Parameters
    ----------
    request : StopRequest
        The signals received so far.
    grace_seconds : float
        How long running scans may continue after a signal.
    clock : callable
        Monotonic clock in seconds.
    asked : callable
        Returns True to stop the run in an orderly way.
    gentle : frozenset of int
        Signals after which no more scans are started and running ones may finish, however
        long they take. They do not change the exit code; a second one has no effect.
    """

    def __init__(
        self,
        request: StopRequest,
        grace_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        should_stop: Callable[[], bool] = lambda: False,
        gentle: frozenset[int] = frozenset(),
    ) -> None:
        self._request = request
        self._grace = grace_seconds
        self._clock = clock
        self._should_stop = should_stop
        self._gentle = gentle
        self._deadline: float | None = None
        self._on_request = self._complete = False
        self.reason = ""
        self.error: RunError | None = None

    @property
    def _ending(self) -> list[int]:
        """The received signals, except gentle ones."""
        return [number for number in self._request.received if number not in self._gentle]

    @property
    def signal(self) -> int | None:
        """The first signal that ends the run, or None; none ends a complete one."""
        return None if self._complete else next(iter(self._ending), None)

    @property
    def stopping(self) -> bool:
        """Whether the run starts no more scans."""
        # called even if a reason is known: the callable may count its calls
        requested = self._should_stop()
        if self._complete:
            return bool(self.reason)
        if (self.signal is not None or requested) and self._deadline is None:
            self._deadline = self._clock() + self._grace
        if not self.reason and self._request.received:
            self._on_request = True
            number = self.signal or self._request.received[0]
            self.reason = f"{signal.Signals(number).name} received"
        elif not self.reason and requested:
            self._on_request = True
            self.reason = "the program that runs the batch asked it to stop"
        return bool(self.reason)

    @property
    def seconds_left(self) -> float:
        """Seconds until running scans are ended; infinite without a deadline."""
        if not self.stopping or self._deadline is None:
            return math.inf
        return max(0.0, self._deadline - self._clock())

    @property
    def abandon(self) -> bool:
        """Whether running scans are ended now: deadline passed, fatal error, or a second signal."""
        return self.error is not None or len(self._ending) > 1 or self.seconds_left <= 0.0

    @property
    def kill_grace(self) -> float:
        """Seconds between asking workers to end and killing them."""
        return 0.0 if len(self._ending) > 1 else KILL_GRACE_SECONDS

    def complete(self) -> None:
        """Note that every scan has its result: nothing is left that a signal could stop.

        A signal that came while the last scans were finished, or that comes while reports are
        written, does not change the exit code.
        """
        self._complete = True
        if self._on_request:
            self.reason = ""

    def because(self, reason: str) -> None:
        """Start no more scans; running ones may finish."""
        if not self.stopping:
            self.reason = reason

    def fatal(self, error: RunError) -> None:
        """Stop the run because of an error; running scans are ended, too."""
        self.because(error.message)
        if self.error is None:
            self.error = error

    def pause(self, seconds: float) -> bool:
        """Sleep until a signal arrives, and obey Ctrl-Z; return False once a signal has arrived."""
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
