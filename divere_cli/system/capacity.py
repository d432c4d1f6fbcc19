"""What this machine can take at once: the memory budget and the number of jobs.

Covers both from what is asked for and what the machine has. What it does not: what
one scan will take (:mod:`divere_cli.batch.admission`).
"""

from __future__ import annotations

from collections.abc import Callable

from divere_cli.system import cpus, memory

BASE = 160 << 20  # a worker with its libraries and its bands, without the scan


def budget(asked: int | float, available: Callable[[], int] | None = None) -> int:
    """Return the bytes that all workers together may use.

    Parameters
    ----------
    asked : int or float
        Bytes (int), or a share of what is available (float, 0 to 1).
    available : callable, optional
        Returns the bytes that are available; that of the system when absent.
    """
    if isinstance(asked, int):
        return asked
    return int(asked * (available() if available else memory.available().bytes))


def jobs(asked: int | None, predicted: list[int], budget_bytes: int) -> int:
    """Return how many scans may be graded at the same time.

    Parameters
    ----------
    asked : int or None
        The number that the user gave; None for automatic.
    predicted : list of int
        Bytes that each scan is expected to need.
    budget_bytes : int
        Bytes for all workers together.
    """
    if asked is not None:
        return asked
    if not predicted:
        return cpus.usable()
    usual = sorted(predicted)[len(predicted) // 2]
    return max(1, min(cpus.usable(), len(predicted), budget_bytes // max(1, usual)))
