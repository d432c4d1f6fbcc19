"""Read the records of a journal: the work that was done in an output folder.

Covers the kinds of line and the state that results from them. Writing lines is in
:mod:`.writer`; :mod:`divere_cli.batch.staleness` decides what is up to date.

Each line is one JSON object, of one of these kinds:

======= ====================================================================
run     start and time of a run; without an ``end`` the run died and left temporary
        files
publish outputs that are about to get their names; if a run dies between the
        rename and ``done``, its outputs can still be recognized
done    a scan is done and its outputs are durable; the last one for a scan counts
failed  final failure of a scan, caused by the scan itself; valid until it is done
kept    outputs that belong to the user now: changed by hand, or adopted
end     orderly end of the run, with its figures (:mod:`.history`)
======= ====================================================================

Names are decoded by :func:`os.fsdecode`; ASCII JSON stores bytes that are not UTF-8
as ``\\udcXX``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from divere_cli.batch.journal import lines, quick
from divere_cli.batch.journal.record import Done, Failure, Line, OutputStamp
from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder

NAME = ".divere-journal.jsonl"


@dataclass(slots=True)
class State:
    """The state that a journal describes.

    ``failed`` has the failures of scans that have not succeeded since, ``kept`` the names of
    outputs that belong to the user. ``owned`` has every stamp published under an output's
    name, ``owner`` the scan that it was last made from. ``clean`` is whether the last run
    ended in an orderly way, ``lines`` the number of lines, ``ignored`` the number of lines
    that are not records.
    """

    done: dict[str, Done] = field(default_factory=dict)
    owned: dict[str, tuple[OutputStamp, ...]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    clean: bool = True
    lines: int = 0
    ignored: int = 0


def load(folder: Folder | None) -> State:
    """Read the journal without repairing it; an absent one is empty.

    Parameters
    ----------
    folder : Folder or None
        The output folder, held open.

    Raises
    ------
    JournalFailed
        The journal exists and cannot be read.
    """
    if folder is None:
        return State()
    try:
        with open(directory.open_regular(folder.handle, NAME, os.O_RDONLY), "rb") as stream:
            return parse(stream)
    except FileNotFoundError:
        return State(clean=False)
    except OSError as problem:
        raise failed(problem, "read") from problem


def parse(journal: Iterable[bytes]) -> State:
    """Return the state that complete lines describe; lines that are no records are counted.

    Parameters
    ----------
    journal : iterable of bytes
        Lines of the journal.
    """
    return _Reading().read(journal)


class _Reading:
    """Reads lines one after another into a state.

    A ``publish`` line waits for the next one: where that is the ``done`` of the same outputs,
    as nearly always, it says nothing more.
    """

    def __init__(self) -> None:
        self._state = State()
        self._shared: dict[Any, Any] = {}

    def read(self, journal: Iterable[bytes]) -> State:
        waiting, about = b"", ("", "")
        for line in journal:
            if not line.endswith(b"\n"):
                continue  # torn
            self._state.lines += 1
            record = quick.done(line, self._shared)
            if waiting and (record is None or (record[0].input, record[1]) != about):
                self._slowly(waiting)
            waiting = b""
            if record is not None:
                _take_done(self._state, record[0])
            elif published := quick.published(line):
                waiting, about = line, published
            else:
                self._slowly(line)
        if waiting:
            self._slowly(waiting)
        return self._state

    def _slowly(self, text: bytes) -> None:
        state, line = self._state, lines.record(text, self._shared)
        if line is None:
            state.ignored += 1
        elif line.kind in ("run", "end"):
            state.clean = line.kind == "end"
        else:
            _take(state, line)


def _take(state: State, line: Line) -> None:
    if line.failure is not None:
        state.failed[line.scan] = line.failure
    state.kept.update(line.kept)
    if line.done is not None:
        _take_done(state, line.done)
    else:
        _take_outputs(state, line.scan, line.outputs)


def _take_done(state: State, done: Done) -> None:
    state.done[done.input] = done
    if state.failed:
        state.failed.pop(done.input, None)
    if state.kept:
        state.kept.difference_update(output.name for output in done.outputs)
    _take_outputs(state, done.input, done.outputs)


def _take_outputs(state: State, scan: str, outputs: tuple[OutputStamp, ...]) -> None:
    for output in outputs:
        before = state.owned.get(output.name, ())
        if output not in before[-1:]:  # a ``done`` repeats the outputs of its ``publish``
            state.owned[output.name] = (*before, output)
        state.owner[output.name] = scan


def failed(problem: OSError, action: str) -> RunError:
    """Return the run's error for an error of the system.

    Parameters
    ----------
    problem : OSError
        The system's error.
    action : str
        The action that failed, such as ``read``.
    """
    if problem.errno in durable.NO_SPACE:
        return NoSpaceLeft(f"no space left for the journal: {problem.strerror}")
    reason = problem.strerror or str(problem)
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP):
        hint = f"check who owns OUTPUT/{NAME} and whether it may be written"
    else:
        hint = "check the output device; whole outputs stay, and the next run goes on"
    return JournalFailed(f"the journal '{NAME}' cannot be {action}: {reason}", hint=hint)
