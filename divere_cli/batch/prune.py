"""Positives whose scans are gone: found by the journal, removed on request.

Covers which positives these are and which are kept: those changed by hand or adopted,
and those whose INPUT folder is missing, which may only be unmounted.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass

from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.journal.record import Done
from divere_cli.batch.journal.state import State
from divere_cli.errors import OutputUnusable
from divere_cli.files.lock import Lock
from divere_cli.files.output_folder import Folder, split


@dataclass(frozen=True, slots=True)
class Orphan:
    """A positive whose scan is gone; ``reason`` is why it is not removed; empty if it is."""

    name: str
    scan: str
    bytes: int
    reason: str = ""


def orphans(output: str) -> tuple[Orphan, ...]:
    """Return the positives in OUTPUT whose scans are gone.

    Parameters
    ----------
    output : str
        The output folder.

    Raises
    ------
    OutputUnusable, JournalFailed
    """
    with closing(_open(output)) as folder:
        return _orphans(folder, journal_state.load(folder))


def prune(output: str) -> tuple[Orphan, ...]:
    """Remove the positives whose scans are gone; return all of them, including kept ones.

    Parameters
    ----------
    output : str
        The output folder.

    Raises
    ------
    OutputUnusable, OutputLocked, JournalFailed
    """
    with closing(_open(output)) as folder:
        lock = Lock.take(folder, create=True, pause=None)
        assert lock is not None
        try:
            orphans = _orphans(folder, journal_state.load(folder))
            for orphan in orphans:
                if not orphan.reason:
                    parent, last = split(orphan.name)
                    with folder.sub(parent) as subfolder:
                        subfolder.unlink(last)
            return orphans
        finally:
            lock.release()


def _open(output: str) -> Folder:
    folder = Folder.open(output, create=False)
    if folder is None:
        raise OutputUnusable(f"OUTPUT '{output}' does not exist")
    return folder


def _orphans(folder: Folder, state: State) -> tuple[Orphan, ...]:
    current = {
        output.name for done in state.done.values() if _there(done) for output in done.outputs
    }
    orphans = []
    for done in state.done.values():
        if _there(done):
            continue
        away = _input_is_away(done)
        for output in done.outputs:
            status = folder.look(output.name)
            if status is None or output.name in current:
                continue
            reason = away
            if output.name in state.kept:
                reason = "it was adopted or changed by hand"
            elif (status.st_size, status.st_mtime_ns) != (output.size, output.mtime_ns):
                reason = "it was changed since divere wrote it"
            orphans.append(Orphan(output.name, done.path, status.st_size, reason))
    return tuple(orphans)


def _there(done: Done) -> bool:
    return os.path.lexists(done.path)


def _input_is_away(done: Done) -> str:
    """Return why a scan may exist elsewhere: its INPUT folder is absent or empty; else empty."""
    root = done.path.removesuffix(done.input.replace("/", os.sep)).rstrip(os.sep) or os.sep
    try:
        with os.scandir(root) as entries:
            return "" if any(entries) else f"'{root}' is empty: it may not be mounted"
    except OSError:
        return f"'{root}' does not exist: it may not be mounted"
