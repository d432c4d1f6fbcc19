"""What was done in an output folder: ``OUTPUT/.divere-journal.jsonl``, only ever appended to.

Covers reading it, mending a torn tail, and appending lines that are there
before anything relies on them. What it does not: what counts as up to date
(:mod:`uptodate`).

One JSON object a line, of one of these kinds:

======= ====================================================================
run     a run begins to work; without an ``end`` it died, and left temporaries
publish outputs that are about to get their names; a run that dies between
        the rename and ``done`` has left outputs that are still known as ours
done    a scan is done and its outputs are durable; the last one for a scan counts
end     the run ended in order
======= ====================================================================

Names are as :func:`os.fsdecode` gives them; ASCII JSON keeps bytes that are
no UTF-8 as ``\\udcXX``.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from dataclasses import dataclass, field
from typing import Any

from divere_cli.batch import durable
from divere_cli.batch.folder import Folder
from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.image.layout import Header
from divere_cli.plain import from_plain, to_plain
from divere_cli.records import ProfileRef, Stamp

log = logging.getLogger(__name__)

NAME = ".divere-journal.jsonl"
_APPEND = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OutputStamp:
    """An output as it was published; ``name`` is relative to OUTPUT."""

    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Peak:
    """What a worker took: the sort of scan, its raw pixels' bytes, the worker's peak bytes."""

    sort: str
    raw_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Done:
    """One scan that is done.

    ``input`` is its name below INPUT, ``path`` where it was, ``key`` what was
    done to it (:func:`uptodate.key`), ``header`` what the file says of itself
    while its stamp is the same, ``peak`` what later runs learn of memory,
    ``basis`` what its roll was decided from (:func:`uptodate.basis`).
    """

    input: str
    path: str
    stamp: Stamp
    key: str
    outputs: tuple[OutputStamp, ...]
    header: Header
    profile: ProfileRef
    sha256: str = ""
    peak: Peak | None = None
    basis: str = ""


@dataclass(slots=True)
class State:
    """What a journal says.

    ``owned`` holds every stamp that was published under an output's name, and
    ``owner`` the scan it was last made of. ``clean`` is whether the last run
    ended in order, ``ignored`` how many lines are no records.
    """

    done: dict[str, Done] = field(default_factory=dict)
    owned: dict[str, list[OutputStamp]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    clean: bool = True
    ignored: int = 0


def load(folder: Folder | None) -> State:
    """Read the journal as it is, mending nothing; an absent one is empty.

    Raises
    ------
    JournalFailed
        It is there and cannot be read.
    """
    if folder is None:
        return State()
    try:
        fd = os.open(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
    except FileNotFoundError:
        return State(clean=False)
    except OSError as problem:
        raise _failed(problem, "read") from problem
    with open(fd, "rb") as stream:
        return parse(stream.read())


def parse(data: bytes) -> State:
    """Make the state of whole lines; what is no record is counted and let be."""
    state = State()
    for line in data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]:
        try:
            _take(state, json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            state.ignored += 1
    return state


def _take(state: State, record: dict[str, Any]) -> None:
    kind = record["kind"]
    if kind == "done":
        done = from_plain(Done, record)
        state.done[done.input] = done
        _own(state, done.input, done.outputs)
    elif kind == "publish":
        outputs = tuple(from_plain(OutputStamp, output) for output in record["outputs"])
        _own(state, record["input"], outputs)
    elif kind in ("run", "end"):
        state.clean = kind == "end"
    else:
        raise ValueError(kind)


def _own(state: State, scan: str, outputs: tuple[OutputStamp, ...]) -> None:
    for output in outputs:
        state.owned.setdefault(output.name, []).append(output)
        state.owner[output.name] = scan


class Journal:
    """The journal of a run that holds the lock; every line is on the device when a call returns."""

    def __init__(self, fd: int, run_id: str) -> None:
        self._fd = fd
        self._run_id = run_id
        self._began = False

    @classmethod
    def open(cls, folder: Folder, run_id: str) -> Journal:
        """Open it for appending, made if absent; a torn last line is cut off.

        Raises
        ------
        JournalFailed, NoSpaceLeft
        """
        try:
            try:
                fd = os.open(NAME, _APPEND, dir_fd=folder.fd)
            except FileNotFoundError:
                fd = os.open(NAME, _APPEND | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder.fd)
                durable.sync_folder(folder.fd)
            _mend(fd)
        except OSError as problem:
            raise _failed(problem, "opened") from problem
        return cls(fd, run_id)

    def end(self) -> None:
        """Say that the run ended in order, if it did anything."""
        if self._began:
            self._append("end", {})

    def release(self) -> None:
        """Let go; without :meth:`end` the next run looks for what this one left."""
        os.close(self._fd)

    def begin(self) -> None:
        """Say that this run begins to make temporary files; once."""
        if not self._began:
            self._append("run", {"pid": os.getpid()})
            self._began = True

    def publish(self, scan: str, outputs: tuple[OutputStamp, ...]) -> None:
        """Say what is about to be published."""
        self._append("publish", {"input": scan, "outputs": to_plain(outputs)})

    def done(self, done: Done) -> None:
        """Say that a scan is done; its outputs must be durable."""
        self._append("done", to_plain(done))

    def _append(self, kind: str, fields: dict[str, Any]) -> None:
        line = json.dumps({"kind": kind, "run": self._run_id, **fields}, separators=(",", ":"))
        end = os.lseek(self._fd, 0, os.SEEK_END)
        try:
            durable.write_all(self._fd, line.encode("ascii") + b"\n")
            _sync(self._fd)
        except OSError as problem:
            _cut(self._fd, end)
            raise _failed(problem, "written") from problem


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _cut(fd: int, size: int) -> None:
    """Take back half a line; where that fails too, the next run cuts it off."""
    try:
        os.ftruncate(fd, size)
    except OSError as problem:
        log.debug("half a journal line stays: %s", problem)


def _mend(fd: int) -> None:
    size = os.fstat(fd).st_size
    end = size
    while end:
        start = max(0, end - 65536)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        log.warning("the journal ended in half a line (%d bytes): cut off", size - end)
        os.ftruncate(fd, end)
        os.fsync(fd)


def _failed(problem: OSError, what: str) -> RunError:
    if problem.errno in durable.NO_SPACE:
        return NoSpaceLeft(f"no space left for the journal: {problem.strerror}")
    reason = problem.strerror or str(problem)
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP):
        hint = f"check who owns OUTPUT/{NAME} and whether it may be written"
    else:
        hint = "check the output device; whole outputs stay, and the next run goes on"
    return JournalFailed(f"the journal '{NAME}' cannot be {what}: {reason}", hint=hint)
