"""Reports whether the loop turns: for the health page and systemd's watchdog.

Covers the time of the last turn, which the loop itself reports (also from within a batch,
whose clock this is), and systemd's notifications. Nothing here waits: a service manager that
does not read must not stop the loop.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import time
from collections.abc import Callable


class Notifier:
    """Speaks systemd's ``sd_notify`` protocol; does nothing if no service manager listens.

    Parameters
    ----------
    environment : dict of str to str, optional
        Environment with ``NOTIFY_SOCKET`` and ``WATCHDOG_USEC``; the process's own if None.

    Attributes
    ----------
    every : float or None
        Seconds in which the watchdog expects two messages; None without a watchdog.
    """

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        variables = dict(os.environ) if environment is None else environment
        path = variables.get("NOTIFY_SOCKET", "")
        self._path = "\0" + path[1:] if path.startswith("@") else path
        self._socket: socket.socket | None = None
        if self._path and hasattr(socket, "AF_UNIX"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        micros = variables.get("WATCHDOG_USEC", "")
        self.every = int(micros) / 2e6 if micros.isdigit() else None

    def send(self, *words: str) -> None:
        """Send a message; drop it if it cannot be sent at once."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(words).encode(), self._path)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()


class Pulse:
    """Records the turns of the loop; each call is a turn and returns the monotonic time.

    Parameters
    ----------
    longest : float
        Seconds without a turn after which the loop counts as stuck.
    notifier : Notifier
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, longest: float, notifier: Notifier, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.longest = longest
        self._notifier = notifier
        self._clock = clock
        self._last = clock()
        self._sent_at = -math.inf

    def __call__(self) -> float:
        now = self._last = self._clock()
        every = self._notifier.every
        if every is not None and now - self._sent_at >= every / 2:
            self._sent_at = now
            self._notifier.send("WATCHDOG=1")
        return now

    @property
    def age(self) -> float:
        """Seconds since the last turn."""
        return self._clock() - self._last

    @property
    def alive(self) -> bool:
        """Whether the loop turned within ``longest`` seconds."""
        return self.age <= self.longest
