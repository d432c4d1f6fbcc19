"""The exit code of a run, chosen in this one place.

Covers only the precedence: a signal, then a bug, then no space, then a failing journal
or device, then failed scans.
"""

from __future__ import annotations

from collections.abc import Iterable

from divere_cli.records.outcome import ErrorRecord, ScanResult

_BY_KIND = {"output": 12, "no_space": 13, "journal": 14, "isolation": 15, "cluster": 16}
_FINE = frozenset({"ok", "up_to_date", "kept", "known_failure", "deferred"})


def exit_code(signal: int | None, error: ErrorRecord | None, files: Iterable[ScanResult]) -> int:
    """Return the exit code of a run that reached its scans.

    Parameters
    ----------
    signal : int or None
        The signal that stopped it.
    error : ErrorRecord or None
        The error that ended it early; an unknown kind is a bug.
    files : iterable of ScanResult
        The result of every selected scan.

    Returns
    -------
    int
        0 if and only if every scan is ok, up to date, kept, a known failure or deferred, and
        nothing else happened.
    """
    if signal is not None:
        return 128 + signal
    if error is not None:
        return _BY_KIND.get(error.kind, 1)
    return 0 if all(file.status in _FINE for file in files) else 3
