"""Decide whether a scan is retried, when, and whether it must run alone.

Covers one budget for each kind of failure, and the stop when several different scans
crash in a row. Attempts themselves are run by ``isolation``.

A task that raised an error is not retried: it would raise again. A crash may be the
machine's fault, so it is retried after 0, 1 and 4 seconds. After a lack of memory the
scan is retried alone, with the whole budget. A failed start of a worker, or an attempt
lost because the forkserver died, does not count as a failure of the scan; but a scan that
is running each time this happens is treated as if it had crashed.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from divere_cli.records.outcome import End, Incident

CRASHES = 3
OUT_OF_MEMORY = 2
MOST_LOST = 10
CRASHED_IN_A_ROW = 3
_PAUSES = (0.0, 1.0, 4.0)


@dataclass(frozen=True, slots=True)
class Again:
    """A retry, at the earliest ``pause`` seconds from now; ``alone`` if no other may run."""

    pause: float = 0.0
    alone: bool = False


@dataclass(slots=True)
class Tally:
    """Failures of one scan by budget; ``attempts`` counts all attempts of the scan itself.

    ``lost`` counts attempts that were lost through no fault of the scan.
    """

    attempts: int = 0
    lost: int = 0
    crashes: int = 0
    timeouts: int = 0
    out_of_memory: int = 0


@dataclass(slots=True)
class Policy:
    """Decides about retries of all scans of a run; ``retries`` is ``--retries`` or None."""

    retries: int | None = None
    crashed_in_a_row: list[str] = field(default_factory=list)
    shortages: list[Incident] = field(default_factory=list)

    def after(self, end: End, tally: Tally, *, begun: bool = True) -> Again | None:
        """Return the retry after a failed attempt; None if it was the last attempt.

        ``begun`` is whether the scan was running. After a failure of its own processes the
        runner decides when to start again (``Runner.slots``).
        """
        if end == "infrastructure":
            tally.lost += begun
            if tally.lost <= MOST_LOST:
                return Again()
        if end in ("crashed", "lost", "infrastructure"):
            tally.crashes += 1
            limit = CRASHES if self.retries is None else self.retries
            return Again(_pause(tally.crashes)) if tally.crashes <= limit else None
        if end == "timeout":
            tally.timeouts += 1
            return Again() if tally.timeouts <= (self.retries or 0) else None
        if end == "out_of_memory":
            tally.out_of_memory += 1
            return Again(alone=True) if tally.out_of_memory <= OUT_OF_MEMORY else None
        return None

    def finished(self, scan: str, end: End) -> bool:
        """Record how a scan ended; return True if too many scans crashed in a row."""
        if end not in ("crashed", "lost", "infrastructure"):
            self.crashed_in_a_row.clear()
            return False
        if scan not in self.crashed_in_a_row:
            self.crashed_in_a_row.append(scan)
        return len(self.crashed_in_a_row) >= CRASHED_IN_A_ROW


def is_shortage(problem: BaseException | None) -> bool:
    """Return whether an error is a lack of file descriptors, which is no fault of the scan.

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
