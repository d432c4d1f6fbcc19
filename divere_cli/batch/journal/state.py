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
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from divere_cli.batch import naming
from divere_cli.batch.journal import lines, quick
from divere_cli.batch.journal.record import Done, Failure, Line, OutputStamp, Peak
from divere_cli.batch.walked import Scan
from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder

NAME = ".divere-journal.jsonl"
_DONE = b'{"kind":"done"'
_RECENT = 200  # lines: as many peaks as a run remembers


@dataclass(slots=True)
class State:
    """The state that a journal describes.

    ``failed`` has the failures of scans that have not succeeded since, ``kept`` the names of
    outputs that belong to the user. ``owned`` has every stamp published under an output's
    name, ``owner`` the scan that it was last made from. ``clean`` is whether the last run
    ended in an orderly way, ``lines`` the number of lines, ``ignored`` the number of lines
    that are not records.

    Where only records ``about`` some scans were read, all but ``clean`` and ``lines`` is about
    these; ``names`` is the number of outputs, ``recent`` the last lines, of all scans.
    """

    done: dict[str, Done] = field(default_factory=dict)
    owned: dict[str, tuple[OutputStamp, ...]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    clean: bool = True
    lines: int = 0
    ignored: int = 0
    names: int = 0
    about: About | None = None
    recent: Sequence[bytes] = ()

    def peaks(self) -> list[Peak]:
        """Return the peak memory of the scans that are recorded, of the last ones at least."""
        records = list(self.done.values())
        if self.about is not None:
            pairs = (quick.done(line, {}) for line in self.recent)
            records = [pair[0] for pair in pairs if pair is not None]
        return [done.peak for done in records if done.peak is not None]


@dataclass(frozen=True, slots=True)
class About:
    """Scans and outputs that a batch of some chosen files needs to know about.

    ``scans`` are names of files below INPUT, ``twins`` the keys of outputs' names
    (:func:`divere_cli.batch.naming.twin`): records about any other scan stay unread, so that
    a service's batch of one scan costs no memory for the thousands before it.
    """

    scans: frozenset[str]
    twins: frozenset[str] = frozenset()

    def scan(self, name: str) -> bool:
        """Return whether a scan's record is needed, also one of a further picture of a file."""
        return name in self.scans or name.rpartition("#")[0] in self.scans

    def output(self, name: str) -> bool:
        """Return whether the record of an output of this name is needed."""
        return naming.twin(name) in self.twins


def load(folder: Folder | None, about: About | None = None, scans: Iterable[Scan] = ()) -> State:
    """Read the journal without repairing it; an absent one is empty.

    Parameters
    ----------
    folder : Folder or None
        The output folder, held open.
    about : About, optional
        Read only what is about these scans and outputs.
    scans : iterable of Scan, optional
        Scans that the walk found: records use their names, paths and stamps where these are
        equal, so that they are in memory once.

    Raises
    ------
    JournalFailed
        The journal exists and cannot be read.
    """
    if folder is None:
        return State()
    try:
        with open(directory.open_regular(folder.handle, NAME, os.O_RDONLY), "rb") as stream:
            return parse(stream, about, {scan.name: scan for scan in scans})
    except FileNotFoundError:
        return State(clean=False)
    except OSError as problem:
        raise failed(problem, "read") from problem


def parse(
    journal: Iterable[bytes], about: About | None = None, known: quick.Known = quick.NOTHING
) -> State:
    """Return the state that complete lines describe; lines that are no records are counted.

    Parameters
    ----------
    journal : iterable of bytes
        Lines of the journal.
    about : About, optional
        Read only what is about these scans and outputs.
    known : mapping of str to Scan, optional
        Scans that the walk found, by name.
    """
    if about is not None:
        return _Reading(State(about=about)).read_about(journal, about)
    return _Reading(State(), known).read(journal)


class _Reading:
    """Reads lines one after another into a state.

    A ``publish`` line waits for the next one: where that is the ``done`` of the same outputs,
    as nearly always, it says nothing more.
    """

    def __init__(self, state: State, known: quick.Known = quick.NOTHING) -> None:
        self._state = state
        self._known = known
        self._shared: dict[Any, Any] = {}

    def read(self, journal: Iterable[bytes]) -> State:
        waiting, about = b"", ("", "")
        for line in journal:
            if not line.endswith(b"\n"):
                continue  # torn
            self._state.lines += 1
            record = quick.done(line, self._shared, self._known)
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

    def read_about(self, journal: Iterable[bytes], about: About) -> State:
        """Take what is about some scans and outputs; the other lines are passed over."""
        recent: deque[bytes] = deque(maxlen=_RECENT)
        names: set[int] = set()  # hashes: a quarter of the memory
        scans = {name.encode() for name in about.scans if name.isascii()}
        twins = {name.encode() for name in about.twins if name.isascii()}
        for line in journal:
            if not line.endswith(b"\n"):
                continue  # torn
            self._state.lines += 1
            if line.startswith(_DONE):
                recent.append(line)
            pair = quick.names(line)
            if pair is not None:
                scan, output = pair
                names.add(hash(output))
                if scan in scans or output.lower() in twins or b"#" in scan:
                    self._slowly(line)
                continue
            record = lines.record(line, self._shared)
            if record is not None:
                names.update(hash(output.name) for output in record.outputs)
            self._take(record)
            if len(self._state.done) > _RECENT:
                _forget_others(self._state, about)
        _forget_others(self._state, about)
        self._state.names, self._state.recent = len(names), recent
        return self._state

    def _slowly(self, text: bytes) -> None:
        self._take(lines.record(text, self._shared))

    def _take(self, line: Line | None) -> None:
        state = self._state
        if line is None:
            state.ignored += 1
        elif line.kind in ("run", "end"):
            state.clean = line.kind == "end"
        else:
            _take(state, line)


def _forget_others(state: State, about: About) -> None:
    """Drop what lines about several scans and outputs say of others."""
    for name in [name for name in state.done if not about.scan(name)]:
        del state.done[name]
    for name in [name for name in state.owned if not about.output(name)]:
        del state.owned[name], state.owner[name]
    for name in [name for name in state.failed if not about.scan(name)]:
        del state.failed[name]
    state.kept = {name for name in state.kept if about.output(name)}


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
            # a tuple of one that is there is shared with the record
            alone = not before and len(outputs) == 1
            state.owned[output.name] = outputs if alone else (*before, output)
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
        hint = "check the output device; finished outputs stay, and the next run continues"
    return JournalFailed(f"the journal '{NAME}' cannot be {action}: {reason}", hint=hint)
