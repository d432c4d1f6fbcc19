"""Reactions to failures of the process machinery: incidents, pauses, the next start method.

Reads the clock and nothing else. One cause is one incident, however many workers it ends. While
starts fail, a runner offers one slot at a time, after growing pauses; this ends when a worker
starts its task. Only incidents with no success between them lead to the next method, and the
better method is tried again later.
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
GIVE_UP, GIVE_UP_SECONDS = 15, 60.0  # after this, with no other method left, the run ends
PAUSES = (0.0, 0.2, 1.0, 2.0, 4.0)
BETTER_SECONDS = 30.0
SOONER_SECONDS = 5.0  # if the method in use fails, too
KEPT = 1000  # incidents in the report
MESSAGE = 300  # characters


@dataclass(slots=True)
class Recovery:
    """The incidents of a run, and the pause after them."""

    clock: Callable[[], float] = time.monotonic
    in_a_row: int = 0
    _since: float = 0.0
    _incidents: list[Incident] = field(default_factory=list)
    _causes: dict[int, int] = field(default_factory=dict)  # index by id of the cause
    _cause_objects: list[object] = field(default_factory=list)  # keeps ids unique
    _until: float = 0.0

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All incidents, in order; ``at`` is on the monotonic clock."""
        return tuple(self._incidents)

    @property
    def troubled(self) -> bool:
        """Whether no worker has started a task since the last incident."""
        return self.in_a_row > 0

    @property
    def repeated(self) -> bool:
        """Whether incidents were repeated so often that another method is needed."""
        return self.in_a_row >= REPEATED and self.clock() >= self._since + REPEATED_SECONDS

    @property
    def lost(self) -> str:
        """Reason to give up; empty while another try makes sense."""
        long = self.in_a_row >= GIVE_UP and self.clock() >= self._since + GIVE_UP_SECONDS
        return self._incidents[-1].message if long else ""

    def pause(self) -> float:
        """Seconds until the next start."""
        return max(0.0, self._until - self.clock()) if self.troubled else 0.0

    def note(self, kind: str, message: str, cause: object, scans: int) -> bool:
        """Add an incident; return False if its cause is a known incident."""
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
        """Reset the count: a worker started a task, or another method is in use."""
        self.in_a_row = 0


@dataclass(slots=True)
class Methods:
    """The start methods of a run, best first, and the one in use."""

    launchers: list[Launcher]
    reason: str | None = None
    _at: int = 0
    _again: float = 0.0

    @property
    def now(self) -> Launcher:
        """The launcher in use."""
        return self.launchers[self._at]

    @property
    def has_next(self) -> bool:
        """Whether there is a further method."""
        return self._at + 1 < len(self.launchers)

    def leave(self, why: str, now: float) -> bool:
        """Change to the next method; return False if there is none."""
        if not self.has_next:
            return False
        text = safe(f"{self.now.method}: {why}", MESSAGE)
        self.reason = "; ".join(filter(None, (self.reason, text)))
        self.now.close()
        self._at += 1
        self._again = now + BETTER_SECONDS
        return True

    def better(self, now: float, *, troubled: bool) -> Launcher | None:
        """Return the best method if it is not in use and it is time to try it again."""
        early = BETTER_SECONDS - SOONER_SECONDS if troubled else 0.0
        if self._at == 0 or now < self._again - early:
            return None
        self._again = now + BETTER_SECONDS
        return self.launchers[0]

    def back_to(self, method: StartMethod) -> bool:
        """Return whether a worker of ``method`` that answered brings a better method back."""
        if self._at == 0 or self.launchers[0].method != method:
            return False
        self._at = 0
        return True

    def close(self) -> None:
        """End the forkservers of all methods, after all workers have ended."""
        for launcher in self.launchers:
            launcher.close()
