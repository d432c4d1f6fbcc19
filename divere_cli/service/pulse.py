"""Whether the loop turns: asked by the health page and by systemd's watchdog.

Covers the time of the last turn, told by the loop itself (also from within a
batch, by the clock that it asks each time round), and systemd's notifications.
Nothing here waits for anything: a reader that stands still must not stop the loop.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time


class Notifier:
    """systemd's ``sd_notify`` protocol; silent where nobody listens."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        given = dict(os.environ) if environment is None else environment
        path = given.get("NOTIFY_SOCKET", "")
        self._path = "\0" + path[1:] if path.startswith("@") else path
        self._socket: socket.socket | None = None
        if self._path and hasattr(socket, "AF_UNIX"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        micros = given.get("WATCHDOG_USEC", "")
        self.every = int(micros) / 2e6 if micros.isdigit() else None

    def tell(self, *words: str) -> None:
        """Send a message; what cannot be sent at once is left out."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(words).encode(), self._path)

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()


class Pulse:
    """The loop's turns; call it for the monotonic time, as a batch asks its clock.

    Parameters
    ----------
    longest : float
        Seconds between turns after which the loop stands still.
    notifier : Notifier
    """

    def __init__(self, longest: float, notifier: Notifier) -> None:
        self.longest = longest
        self._notifier = notifier
        self._last = time.monotonic()
        self._told = 0.0

    def __call__(self) -> float:
        now = self._last = time.monotonic()
        every = self._notifier.every
        if every is not None and now - self._told >= every / 2:
            self._told = now
            self._notifier.tell("WATCHDOG=1")
        return now

    @property
    def age(self) -> float:
        """Seconds since the last turn."""
        return time.monotonic() - self._last

    @property
    def alive(self) -> bool:
        """Whether the loop turned lately."""
        return self.age <= self.longest
