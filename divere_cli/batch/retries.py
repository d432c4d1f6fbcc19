"""Whether a scan is tried again, when, and whether alone.

Covers one budget for each way to fail, and the stop when several different
scans crash in a row. What it does not: what an attempt is (``isolation``).

A task that raised is not tried again: it would raise again. A crash may be the
machine's fault, so it gets fresh attempts after 0, 1 and 4 seconds. A worker
that ran out of memory gets the whole budget to itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from divere_cli.records.outcome import End

CRASHES = 3
OUT_OF_MEMORY = 2
INFRASTRUCTURE_IN_A_ROW = 10
CRASHED_IN_A_ROW = 3
_PAUSES = (0.0, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Again:
    """A fresh attempt, not before ``pause`` seconds from now; ``alone`` beside no other."""

    pause: float = 0.0
    alone: bool = False


@dataclass(slots=True)
class Tally:
    """How often one scan failed, by budget; ``attempts`` counts what was the scan's own."""

    attempts: int = 0
    crashes: int = 0
    timeouts: int = 0
    out_of_memory: int = 0


@dataclass(slots=True)
class Policy:
    """Decides for all scans of a run; ``retries`` is ``--retries``, None its default."""

    retries: int | None = None
    infrastructure_in_a_row: int = 0
    crashed_in_a_row: list[str] = field(default_factory=list)

    def after(self, end: End, tally: Tally) -> Again | None:
        """Judge an attempt that ended badly; None when it was the last."""
        if end == "infrastructure":
            self.infrastructure_in_a_row += 1
            again = self.infrastructure_in_a_row <= INFRASTRUCTURE_IN_A_ROW
            return Again(_pause(self.infrastructure_in_a_row)) if again else None
        self.infrastructure_in_a_row = 0
        if end in ("crashed", "lost"):
            tally.crashes += 1
            most = CRASHES if self.retries is None else self.retries
            return Again(_pause(tally.crashes)) if tally.crashes <= most else None
        if end == "timeout":
            tally.timeouts += 1
            return Again() if tally.timeouts <= (self.retries or 0) else None
        if end == "out_of_memory":
            tally.out_of_memory += 1
            return Again(alone=True) if tally.out_of_memory <= OUT_OF_MEMORY else None
        return None

    def finished(self, scan: str, end: End) -> bool:
        """Note the last word on a scan; True when too many crashed in a row to go on."""
        if end not in ("crashed", "lost", "infrastructure"):
            self.crashed_in_a_row.clear()
            if end == "result":
                self.infrastructure_in_a_row = 0
            return False
        if scan not in self.crashed_in_a_row:
            self.crashed_in_a_row.append(scan)
        return len(self.crashed_in_a_row) >= CRASHED_IN_A_ROW


def _pause(failed: int) -> float:
    return _PAUSES[min(failed, len(_PAUSES)) - 1]
