"""How much this machine can do at once: the memory budget and the number of jobs.

Covers both, from the requested values and the machine's resources. Not covered: the memory of
one scan (:mod:`divere_cli.batch.admission`).
"""

from __future__ import annotations

from collections.abc import Callable

from divere_cli.system import cpus, memory

BASE = 160 << 20  # a worker with its libraries and its bands, without the scan


def budget(requested: int | float, available: Callable[[], int] | None = None) -> int:
    """Return the bytes that all workers together are allowed to use.

    Parameters
    ----------
    requested : int or float
        Bytes (int), or a share of what is available (float, 0 to 1).
    available : callable, optional
        Returns the available bytes; by default those of the system.
    """
    if isinstance(requested, int):
        return requested
    return int(requested * (available() if available else memory.available().bytes))


def jobs(requested: int | None, predicted: list[int], budget_bytes: int) -> int:
    """Return how many scans may be graded at the same time.

    Parameters
    ----------
    requested : int or None
        The number that the user gave; None for automatic.
    predicted : list of int
        Bytes that each scan is expected to need.
    budget_bytes : int
        Bytes for all workers together.
    """
    if requested is not None:
        return requested
    if not predicted:
        return cpus.usable()
    usual = sorted(predicted)[len(predicted) // 2]
    return max(1, min(cpus.usable(), len(predicted), budget_bytes // max(1, usual)))
