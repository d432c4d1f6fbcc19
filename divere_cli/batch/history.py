"""What a journal says was done in an output folder: its records, read back.

Covers the kinds of line and the state they add up to. What it does not:
writing them (:mod:`journal`), and what counts as up to date (:mod:`uptodate`).

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
import os
from dataclasses import dataclass, field, fields
from typing import Any

from divere_cli.batch import durable
from divere_cli.batch.folder import Folder
from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.image.layout import Header, Resolution
from divere_cli.records import ProfileRef, Stamp

NAME = ".divere-journal.jsonl"


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
        fd = folder.place.open(NAME, os.O_RDONLY)
    except FileNotFoundError:
        return State(clean=False)
    except OSError as problem:
        raise failed(problem, "read") from problem
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
        done = _done(record)
        state.done[done.input] = done
        _own(state, done.input, done.outputs)
    elif kind == "publish":
        _own(state, _text(record["input"]), tuple(map(_output, record["outputs"])))
    elif kind in ("run", "end"):
        state.clean = kind == "end"
    else:
        raise ValueError(kind)


_FIELDS: dict[type, frozenset[str]] = {
    cls: frozenset(each.name for each in fields(cls))
    for cls in (Stamp, Header, Resolution, ProfileRef, Peak)
}


def _done(record: dict[str, Any]) -> Done:
    """Build a record by hand: five times as fast as ``from_plain``, which tells on an archive."""
    peak, outputs = record.get("peak"), tuple(map(_output, record["outputs"]))
    return Done(
        input=_text(record["input"]),
        path=_text(record["path"]),
        stamp=Stamp(**_known(Stamp, record["stamp"])),
        key=record["key"],
        outputs=outputs,
        header=_header(record["header"]),
        profile=ProfileRef(**_known(ProfileRef, record["profile"])),
        sha256=record.get("sha256", ""),
        peak=None if peak is None else Peak(**_known(Peak, peak)),
        basis=record.get("basis", ""),
    )


def _output(record: dict[str, Any]) -> OutputStamp:
    return OutputStamp(_text(record["name"]), record["size"], record["mtime_ns"])


def _header(record: dict[str, Any]) -> Header:
    found = _known(Header, record)
    for name in ("extra", "warnings", "notes"):
        found[name] = tuple(found[name])
    if found.get("icc") is not None:
        found["icc"] = tuple(found["icc"])
    if found.get("resolution") is not None:
        found["resolution"] = Resolution(**_known(Resolution, found["resolution"]))
    return Header(**found)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"needs a name, got {type(value).__name__}")
    return value


def _known(cls: type, record: dict[str, Any]) -> dict[str, Any]:
    """The fields that this version knows: a later one may have written more."""
    names = _FIELDS[cls]
    return {name: value for name, value in record.items() if name in names}


def _own(state: State, scan: str, outputs: tuple[OutputStamp, ...]) -> None:
    for output in outputs:
        state.owned.setdefault(output.name, []).append(output)
        state.owner[output.name] = scan


def failed(problem: OSError, what: str) -> RunError:
    """An error of the system as one of the run; ``what`` could not be done with the journal."""
    if problem.errno in durable.NO_SPACE:
        return NoSpaceLeft(f"no space left for the journal: {problem.strerror}")
    reason = problem.strerror or str(problem)
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP):
        hint = f"check who owns OUTPUT/{NAME} and whether it may be written"
    else:
        hint = "check the output device; whole outputs stay, and the next run goes on"
    return JournalFailed(f"the journal '{NAME}' cannot be {what}: {reason}", hint=hint)
