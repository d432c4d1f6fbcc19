"""Whether a scan is tried again, when, and whether alone.

Covers one budget for each way to fail, and the stop when several different
scans crash in a row. What it does not: what an attempt is (``isolation``).

A task that raised is not tried again: it would raise again. A crash may be the
machine's fault, so it gets fresh attempts after 0, 1 and 4 seconds. A worker
that ran out of memory gets the whole budget to itself. A start that failed, or an
attempt that went when the run's own machinery died, is none of the scan's; only a scan
that is in work each time the machinery dies is counted as if it had crashed.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from divere_cli.records.outcome import End, Incident

CRASHES = 3
OUT_OF_MEMORY = 2
TAKEN_ALONG = 10
CRASHED_IN_A_ROW = 3
_PAUSES = (0.0, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Again:
    """A fresh attempt, not before ``pause`` seconds from now; ``alone`` beside no other."""

    pause: float = 0.0
    alone: bool = False


@dataclass(slots=True)
class Tally:
    """How often one scan failed, by budget; ``attempts`` counts what was the scan's own.

    ``taken`` counts attempts that went when the machinery died.
    """

    attempts: int = 0
    taken: int = 0
    crashes: int = 0
    timeouts: int = 0
    out_of_memory: int = 0


@dataclass(slots=True)
class Policy:
    """Decides for all scans of a run; ``retries`` is ``--retries``, None its default."""

    retries: int | None = None
    crashed_in_a_row: list[str] = field(default_factory=list)
    shortages: list[Incident] = field(default_factory=list)

    def after(self, end: End, tally: Tally, *, begun: bool = True) -> Again | None:
        """Judge an attempt that ended badly; None when it was the last.

        ``begun`` is whether the scan was in work. When a runner may start again after
        trouble with its machinery is the runner's to say (``Runner.slots``).
        """
        if end == "infrastructure":
            tally.taken += begun
            if tally.taken <= TAKEN_ALONG:
                return Again()
        if end in ("crashed", "lost", "infrastructure"):
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
            return False
        if scan not in self.crashed_in_a_row:
            self.crashed_in_a_row.append(scan)
        return len(self.crashed_in_a_row) >= CRASHED_IN_A_ROW


def is_shortage(problem: BaseException | None) -> bool:
    """Return whether an error is a lack of descriptors: the fault of the machine, not of a scan.

    Parameters
    ----------
    problem : BaseException or None
        The error.
    """
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno in (errno.EMFILE, errno.ENFILE):
            return True
        problem = problem.__cause__
    return False


def _pause(failed: int) -> float:
    return _PAUSES[min(failed, len(_PAUSES)) - 1]
