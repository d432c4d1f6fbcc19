"""What becomes of a run whose own machinery fails: incidents, pauses, the next start method.

Pure but for the clock. An incident is one however many workers went with it. While starts
fail, a runner gives out one slot at a time, after pauses that grow; the first worker that
begins ends that. Only incidents with no success between them lead to the next method, and
the better one is tried again later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from divere_cli.isolation.runner import StartMethod
from divere_cli.isolation.supervisor.launch import Launcher
from divere_cli.records.outcome import Incident
from divere_cli.text import safe

REPEATED, REPEATED_SECONDS = 5, 8.0  # incidents in a row, over this time: the next method
GIVE_UP, GIVE_UP_SECONDS = 15, 60.0  # and with no other method left: the end
PAUSES = (0.0, 0.2, 1.0, 2.0, 4.0)
BETTER_SECONDS = 30.0
SOONER_SECONDS = 5.0  # where the method in use fails, too
KEPT = 1000  # incidents; a run that has more is known for it
MESSAGE = 300  # characters


@dataclass(slots=True)
class Recovery:
    """Incidents of a run, and how long to wait because of them."""

    clock: Callable[[], float] = time.monotonic
    in_a_row: int = 0
    _since: float = 0.0
    _incidents: list[Incident] = field(default_factory=list)
    _causes: dict[int, int] = field(default_factory=dict)  # id of a cause to its incident
    _cause_objects: list[object] = field(default_factory=list)  # so that an id stays its own
    _until: float = 0.0

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All of them, in order; ``at`` is on the monotonic clock."""
        return tuple(self._incidents)

    @property
    def troubled(self) -> bool:
        """Whether no worker has begun since the last incident."""
        return self.in_a_row > 0

    @property
    def repeated(self) -> bool:
        """Whether it is time for another method."""
        return self.in_a_row >= REPEATED and self.clock() >= self._since + REPEATED_SECONDS

    @property
    def lost(self) -> str:
        """Why nothing starts any more; empty as long as it is worth trying."""
        long = self.in_a_row >= GIVE_UP and self.clock() >= self._since + GIVE_UP_SECONDS
        return self._incidents[-1].message if long else ""

    def pause(self) -> float:
        """Seconds until the next start may be tried."""
        return max(0.0, self._until - self.clock()) if self.troubled else 0.0

    def note(self, kind: str, message: str, cause: object, scans: int) -> bool:
        """Count what happened; False when it belongs to an incident that is known."""
        index = self._causes.get(id(cause)) if cause is not None else None
        if index is not None:
            incident = self._incidents[index]
            self._incidents[index] = replace(incident, scans=incident.scans + scans)
            return False
        if self.in_a_row == 0:
            self._since = self.clock()
        self.in_a_row += 1
        self._until = self.clock() + PAUSES[min(self.in_a_row, len(PAUSES)) - 1]
        if len(self._incidents) < KEPT:
            if cause is not None:
                self._causes[id(cause)] = len(self._incidents)
                self._cause_objects.append(cause)
            self._incidents.append(Incident(self.clock(), kind, safe(message, MESSAGE), scans))
        return True

    def over(self) -> None:
        """A worker began, or another method has its turn."""
        self.in_a_row = 0


@dataclass(slots=True)
class Methods:
    """The start methods of a run, best first, and which one is in use."""

    launchers: list[Launcher]
    reason: str | None = None
    _at: int = 0
    _again: float = 0.0

    @property
    def now(self) -> Launcher:
        """The one in use."""
        return self.launchers[self._at]

    @property
    def has_next(self) -> bool:
        """Whether there is a next one."""
        return self._at + 1 < len(self.launchers)

    def leave(self, why: str, now: float) -> bool:
        """Go over to the next method; False when there is none."""
        if not self.has_next:
            return False
        text = safe(f"{self.now.method}: {why}", MESSAGE)
        self.reason = "; ".join(filter(None, (self.reason, text)))
        self.now.close()
        self._at += 1
        self._again = now + BETTER_SECONDS
        return True

    def better(self, now: float, *, troubled: bool) -> Launcher | None:
        """The best method, when it is not in use and it is time to try it again."""
        early = BETTER_SECONDS - SOONER_SECONDS if troubled else 0.0
        if self._at == 0 or now < self._again - early:
            return None
        self._again = now + BETTER_SECONDS
        return self.launchers[0]

    def back_to(self, method: StartMethod) -> bool:
        """A worker of ``method`` said hello; whether that brings a better method back."""
        if self._at == 0 or self.launchers[0].method != method:
            return False
        self._at = 0
        return True

    def close(self) -> None:
        """End what the methods started; no worker is left."""
        for launcher in self.launchers:
            launcher.close()
