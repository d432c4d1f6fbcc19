"""What a journal says was done in an output folder: its records, read back.

Covers the kinds of line and the state they add up to. What it does not:
writing them (:mod:`.writer`), and what counts as up to date (:mod:`divere_cli.batch.staleness`).

One JSON object a line, of one of these kinds:

======= ====================================================================
run     a run begins to work, and when; without an ``end`` it died, and left
        temporaries
publish outputs that are about to get their names; a run that dies between
        the rename and ``done`` has left outputs that are still known as ours
done    a scan is done and its outputs are durable; the last one for a scan counts
failed  a scan failed for good, for a reason that lies in it; until it is done
kept    outputs that are their owner's now: changed by hand, or adopted
end     the run ended in order, with its figures (:mod:`.history`)
======= ====================================================================

Names are as :func:`os.fsdecode` gives them; ASCII JSON keeps bytes that are
no UTF-8 as ``\\udcXX``.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder
from divere_cli.image.layout import Header, Resolution
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from divere_cli.records.serialize import LATER

NAME = ".divere-journal.jsonl"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutputStamp:
    """An output as it was published; ``name`` is relative to OUTPUT."""

    name: str
    size: int
    mtime_ns: int
    sha256: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class Further:
    """One further output of a scan: the key of what was done, and the names of its files."""

    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A scan that failed for good: what it was, what was to be done to it, and by what divere."""

    input: str
    size: int
    mtime_ns: int
    key: str
    version: str
    error: str
    message: str


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
    done to it (:func:`.staleness.key`), ``header`` what the file says of itself
    while its stamp is the same, ``peak`` what later runs learn of memory,
    ``basis`` what its roll was decided from (:func:`.staleness.basis`), ``grade``
    the version of the grade that made the outputs, ``decided`` what was decided for
    the scan and its roll: later runs keep to it.
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
    also: tuple[Further, ...] = field(default=(), metadata=LATER)
    grade: int = field(default=1, metadata=LATER)
    decided: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is a record; a ``done`` has all of ``done``.

    A ``run`` and an ``end`` have the ``run`` they are of, a ``run`` when it ``started``, an
    ``end`` its ``figures`` as they stand there; an earlier divere wrote neither.
    """

    kind: Literal["run", "publish", "done", "failed", "kept", "end"]
    scan: str = ""
    outputs: tuple[OutputStamp, ...] = ()
    done: Done | None = None
    failure: Failure | None = None
    kept: tuple[str, ...] = ()
    run: str = ""
    started: str = ""
    figures: object = None


@dataclass(slots=True)
class State:
    """What a journal says.

    ``failed`` holds the failures that were not made good since, ``kept`` the names of
    outputs that are their owner's. ``owned`` holds every stamp that was published
    under an output's name, and ``owner`` the scan it was last made of. ``clean`` is
    whether the last run ended in order, ``lines`` how many there are, ``ignored``
    those that are no records.
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
        It is there and cannot be read.
    """
    if folder is None:
        return State()
    try:
        with open(directory.open_regular(folder.place, NAME, os.O_RDONLY), "rb") as stream:
            return parse(stream)
    except FileNotFoundError:
        return State(clean=False)
    except OSError as problem:
        raise failed(problem, "read") from problem


def parse(lines: Iterable[bytes]) -> State:
    """Return the state that complete lines describe; lines that are no records are counted.

    Parameters
    ----------
    lines : iterable of bytes
        Lines of the journal.
    """
    state = State()
    for _, line in read(lines):
        state.lines += 1
        if line is None:
            state.ignored += 1
        elif line.kind in ("run", "end"):
            state.clean = line.kind == "end"
        else:
            _take(state, line)
    return state


def read(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Line | None]]:
    """Yield each complete line with its record, None where it is no record.

    Parameters
    ----------
    lines : iterable of bytes
        Lines of the journal.
    """
    known: dict[Any, Any] = {}
    for line in lines:
        if not line.endswith(b"\n"):
            continue  # torn
        try:
            yield line, _line(json.loads(line), known)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            yield line, None


def _line(record: dict[str, Any], known: dict[Any, Any]) -> Line:
    kind = record["kind"]
    if kind == "done":
        done = _done(record, known)
        return Line(kind, done.input, done.outputs, done)
    if kind == "publish":
        known[_PUBLISHED] = {}
        outputs = tuple(_output(each, known) for each in record["outputs"])
        known[_PUBLISHED] = {output.name: output for output in outputs}
        return Line(kind, _text(record["input"]), outputs)
    if kind == "failed":
        failure = Failure(**_checked(Failure, record))
        return Line(kind, failure.input, failure=failure)
    if kind == "kept":
        return Line(kind, kept=tuple(map(_text, record["outputs"])))
    if kind in ("run", "end"):
        run, started = record.get("run", ""), record.get("started", "")
        return Line(kind, run=_text(run), started=_text(started), figures=record.get("figures"))
    raise ValueError(kind)


def _take(state: State, line: Line) -> None:
    if line.failure is not None:
        state.failed[line.scan] = line.failure
    state.kept.update(line.kept)
    if line.done is not None:
        state.done[line.scan] = line.done
        state.failed.pop(line.scan, None)
        state.kept.difference_update(output.name for output in line.outputs)
    for output in line.outputs:
        before = state.owned.get(output.name, ())
        if output not in before[-1:]:  # a ``done`` repeats what its ``publish`` said
            state.owned[output.name] = (*before, output)
        state.owner[output.name] = line.scan


# What each field of a record must be: a journal may be damaged, or written by hand.
_TYPES: dict[type, dict[str, tuple[type, ...]]] = {
    Stamp: dict.fromkeys(("size", "mtime_ns", "ctime_ns", "dev", "ino"), (int,)),
    ProfileRef: dict.fromkeys(("name", "sha256"), (str,)),
    Resolution: {"x": (int, float), "y": (int, float)},
    Failure: {
        **dict.fromkeys(("input", "key", "version", "error", "message"), (str,)),
        **dict.fromkeys(("size", "mtime_ns"), (int,)),
    },
}


def _done(record: dict[str, Any], known: dict[Any, Any]) -> Done:
    """Build a record by hand: five times as fast as ``from_plain``, which tells on an archive.

    What many scans have in common is kept once, in ``known``: half of what they would take.
    """
    peak, outputs = record.get("peak"), tuple(_output(each, known) for each in record["outputs"])
    return Done(
        input=_text(record["input"]),
        path=_text(record["path"]),
        stamp=Stamp(**_checked(Stamp, record["stamp"])),
        key=_text(record["key"]),
        outputs=outputs,
        header=_header_once(record["header"], known),
        profile=_once(ProfileRef(**_checked(ProfileRef, record["profile"])), known),
        sha256=_text(record.get("sha256", "")),
        peak=None if peak is None else _peak(peak, known),
        basis=_once(_text(record.get("basis", "")), known),
        grade=_number(record.get("grade", 1)),
        also=tuple(map(_further, record.get("also", ()))),
        decided=_text(record.get("decided", "")),
    )


def _further(record: dict[str, Any]) -> Further:
    return Further(_text(record["key"]), tuple(map(_text, record["names"])))


def _once(value: T, known: dict[Any, Any]) -> T:
    same: T = known.setdefault(value, value)
    return same


def _peak(record: dict[str, Any], known: dict[Any, Any]) -> Peak:
    sort = _once(_text(record["sort"]), known)
    return Peak(sort, _number(record["raw_bytes"]), _number(record["peak_bytes"]))


_PUBLISHED = object()  # in what is known: outputs of the last ``publish``, which ``done`` repeats


def _output(record: dict[str, Any], known: dict[Any, Any]) -> OutputStamp:
    sha256 = _text(record.get("sha256", ""))
    size, mtime_ns = _number(record["size"]), _number(record["mtime_ns"])
    made = OutputStamp(_name(record["name"]), size, mtime_ns, sha256)
    same: OutputStamp | None = known.get(_PUBLISHED, {}).get(made.name)
    return same if same == made else made


def _header_once(record: dict[str, Any], known: dict[Any, Any]) -> Header:
    """The header of a record; scans of a roll have one between them."""
    text = str(record)
    header: Header | None = known.get(text)
    if header is None:
        header = known[text] = _header(record)
    return header


def _header(record: dict[str, Any]) -> Header:
    found = {name: value for name, value in record.items() if name in _HEADER}
    for name in ("extra", "warnings", "notes"):
        found[name] = tuple(map(_text, found[name]))
    if found.get("icc") is not None:
        found["icc"] = tuple(map(_number, found["icc"]))
    if found.get("resolution") is not None:
        found["resolution"] = Resolution(**_checked(Resolution, found["resolution"]))
    for name in found.keys() & _HEADER_NUMBERS:
        _number(found[name])
    for name in found.keys() & _HEADER_TEXTS:
        _text(found[name])
    for name in found.keys() & _HEADER_FLAGS:
        if not isinstance(found[name], bool):
            raise TypeError(f"{name} needs true or false")
    found["page"] = found["infrared_page"] = None  # only the file itself can say where they are
    return Header(**found)


_HEADER = frozenset(each.name for each in fields(Header))
_HEADER_NUMBERS = frozenset(each.name for each in fields(Header) if each.type == "int")
_HEADER_FLAGS = frozenset(each.name for each in fields(Header) if each.type == "bool")
_HEADER_TEXTS = frozenset(
    each.name for each in fields(Header) if each.type in ("str", "Format", "Sample", "Band")
)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"needs a text, got {type(value).__name__}")
    return value


def _name(value: object) -> str:
    """A name below OUTPUT: no file can have a zero byte or half a character pair in it."""
    name = _text(value)
    if "\0" in name or not name:
        raise ValueError("no file can have this name")
    os.fsencode(name)
    return name


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST <= value < _MOST:
        raise TypeError(f"needs a whole number, got {value!r:.40}")
    return value


_MOST = 1 << 63


def _checked(cls: type, record: dict[str, Any]) -> dict[str, Any]:
    """The fields that this version knows, each of its type: a later one may have written more."""
    found = {}
    for name, types in _TYPES[cls].items():
        if name not in record:
            continue
        value = record[name]
        if not isinstance(value, types) or isinstance(value, bool):
            raise TypeError(f"{name}: needs {types[0].__name__}, got {type(value).__name__}")
        if isinstance(value, int):
            _number(value)
        found[name] = value
    return found


def failed(problem: OSError, what: str) -> RunError:
    """Return the run's error for an error of the system.

    Parameters
    ----------
    problem : OSError
        The system's error.
    what : str
        What could not be done with the journal.
    """
    if problem.errno in durable.NO_SPACE:
        return NoSpaceLeft(f"no space left for the journal: {problem.strerror}")
    reason = problem.strerror or str(problem)
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP):
        hint = f"check who owns OUTPUT/{NAME} and whether it may be written"
    else:
        hint = "check the output device; whole outputs stay, and the next run goes on"
    return JournalFailed(f"the journal '{NAME}' cannot be {what}: {reason}", hint=hint)
