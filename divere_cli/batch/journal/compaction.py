"""Rewrite the journal when most of its lines are outdated.

Covers when that is worthwhile, which lines are still needed, and the rewriting, under
the lock. The meaning of a line is in :mod:`.state`.

A line is kept unchanged and in order if it is

- the last ``done`` of a scan, or of an output's name;
- a ``publish`` after the last ``done`` of a name: its run may have died between the two;
- the last ``run`` or ``end``, and those of the last runs that have a start or figures;
- the last ``failed`` of a scan that was not done since, and every ``kept``;
- not a record: a later version may be able to read it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from divere_cli.batch.journal import lines as journal_lines
from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.journal.history import KEPT
from divere_cli.batch.journal.state import State
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder

log = logging.getLogger(__name__)

# Measured: 10,000 lines are read in a quarter of a second; graded once, a scan has two.
_FEW = 10_000
_EACH = 4


def due(state: State) -> bool:
    """Return whether at least half of the lines would be removed.

    Parameters
    ----------
    state : State
        State read from the journal.
    """
    return state.lines > _FEW + _EACH * max(len(state.owned), state.names)


def compact(folder: Folder) -> None:
    """Rewrite the journal without old lines; a power cut leaves the old or the new one.

    Parameters
    ----------
    folder : Folder
        The output folder, held open.

    Raises
    ------
    JournalFailed, NoSpaceLeft
    """
    try:
        with open(
            directory.open_regular(folder.handle, journal_state.NAME, os.O_RDONLY), "rb"
        ) as stream:
            needed = _needed(stream)
            stream.seek(0)
            lines = (line for number, line in enumerate(stream) if number in needed)
            durable.write_atomic_in(folder.handle, journal_state.NAME, lines, replace=True)
    except OSError as problem:
        raise journal_state.failed(problem, "rewritten") from problem
    log.info("the journal was rewritten with %d lines", len(needed))


def _needed(lines: Iterable[bytes]) -> set[int]:
    needed: set[int] = set()
    marks: set[int] = set()
    history: dict[str, list[int]] = {}
    scans: dict[str, int] = {}
    names: dict[str, list[int]] = {}
    failures: dict[str, int] = {}
    for number, (_, line) in enumerate(journal_lines.read(lines)):
        if line is None:
            needed.add(number)
        elif line.kind in ("run", "end"):
            marks = {number}
            if line.started or line.figures is not None:
                history.setdefault(line.run, []).append(number)
        elif line.kind == "done":
            scans[line.scan] = number
            failures.pop(line.scan, None)
            names.update({output.name: [number] for output in line.outputs})
        elif line.failure is not None:
            failures[line.scan] = number
        elif line.kept:
            needed.add(number)
        else:
            for output in line.outputs:
                names.setdefault(output.name, []).append(number)
    kept_runs = list(history.values())[-KEPT:]
    return needed.union(marks, scans.values(), failures.values(), *names.values(), *kept_runs)
