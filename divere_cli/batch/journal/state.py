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
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from divere_cli.errors import JournalFailed, NoSpaceLeft, RunError
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder
from divere_cli.films import stocks
from divere_cli.image.layout import Header, Resolution
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from divere_cli.records.outcome import FilmEdge
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
    """One further output of a scan: the key of the work, and the names of its files."""

    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A final failure: the scan's stamp, the key of the work, and the version of divere."""

    input: str
    size: int
    mtime_ns: int
    key: str
    version: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class Peak:
    """Peak memory of a worker: kind of scan, raw size of its pixels and peak, in bytes."""

    sort: str
    raw_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Done:
    """One scan that is done.

    ``input`` is its name below INPUT, ``path`` its path, ``key`` the key of the work
    (:func:`.staleness.key`), ``header`` the file's header, valid while its stamp is the
    same, ``peak`` the memory that later runs learn from, ``basis`` the digest of the
    inputs of its roll's decision (:func:`.staleness.basis`), ``grade`` the version of the
    grade that made the outputs, ``decided`` the decision for the scan and its roll, which
    later runs keep, ``film_edge`` the code at the film's edge, ``no_edge_code`` whether the
    edge was read and shows none; both are valid while the stamp is the same.
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
    film_edge: FilmEdge | None = field(default=None, metadata=LATER)
    no_edge_code: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is a record; a ``done`` line has the whole record in ``done``.

    Lines ``run`` and ``end`` have the id of the ``run``; a ``run`` line has the time at which
    it ``started``, an ``end`` line its unparsed ``figures``; earlier versions wrote neither.
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
    shared: dict[Any, Any] = {}
    for line in lines:
        if not line.endswith(b"\n"):
            continue  # torn
        try:
            yield line, _line(json.loads(line), shared)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            yield line, None


def _line(record: dict[str, Any], shared: dict[Any, Any]) -> Line:
    kind = record["kind"]
    if kind == "done":
        done = _done(record, shared)
        return Line(kind, done.input, done.outputs, done)
    if kind == "publish":
        shared[_PUBLISHED] = {}
        outputs = tuple(_output(each, shared) for each in record["outputs"])
        shared[_PUBLISHED] = {output.name: output for output in outputs}
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
        if output not in before[-1:]:  # a ``done`` repeats the outputs of its ``publish``
            state.owned[output.name] = (*before, output)
        state.owner[output.name] = line.scan


# Types of the fields of records: a journal may be damaged, or edited by hand.
_TYPES: dict[type, dict[str, tuple[type, ...]]] = {
    Stamp: dict.fromkeys(("size", "mtime_ns", "ctime_ns", "dev", "ino"), (int,)),
    ProfileRef: dict.fromkeys(("name", "sha256"), (str,)),
    Resolution: {"x": (int, float), "y": (int, float)},
    Failure: {
        **dict.fromkeys(("input", "key", "version", "error", "message"), (str,)),
        **dict.fromkeys(("size", "mtime_ns"), (int,)),
    },
}


def _done(record: dict[str, Any], shared: dict[Any, Any]) -> Done:
    """Build a record by hand: five times as fast as ``from_plain``, which matters for archives.

    Values that many scans share are stored once, in ``shared``; this halves the memory.
    """
    peak, outputs = record.get("peak"), tuple(_output(each, shared) for each in record["outputs"])
    return Done(
        input=_text(record["input"]),
        path=_text(record["path"]),
        stamp=Stamp(**_checked(Stamp, record["stamp"])),
        key=_text(record["key"]),
        outputs=outputs,
        header=_header_once(record["header"], shared),
        profile=_once(ProfileRef(**_checked(ProfileRef, record["profile"])), shared),
        sha256=_text(record.get("sha256", "")),
        peak=None if peak is None else _peak(peak, shared),
        basis=_once(_text(record.get("basis", "")), shared),
        grade=_number(record.get("grade", 1)),
        also=tuple(map(_further, record.get("also", ()))),
        decided=_text(record.get("decided", "")),
        film_edge=_film_edge(record["film_edge"]) if "film_edge" in record else None,
        no_edge_code=record.get("no_edge_code", False) is True,
    )


def _film_edge(record: dict[str, Any]) -> FilmEdge:
    """Build the record of a film edge; the film's name is that of the table as it is now."""
    dx, frames = _text(record["dx"]), tuple(map(_text, record["frames"]))
    if stocks.normalized(dx) != dx or not all(map(_HALF_FRAME.fullmatch, frames)):
        raise ValueError("no code of a film's edge")
    stock = stocks.by_number(dx)
    return FilmEdge(dx, stock.name if stock else None, frames, record["mirrored"] is True)


_HALF_FRAME = re.compile(r"\d{1,2}A?", re.ASCII)


def _further(record: dict[str, Any]) -> Further:
    return Further(_text(record["key"]), tuple(map(_text, record["names"])))


def _once(value: T, shared: dict[Any, Any]) -> T:
    same: T = shared.setdefault(value, value)
    return same


def _peak(record: dict[str, Any], shared: dict[Any, Any]) -> Peak:
    sort = _once(_text(record["sort"]), shared)
    return Peak(sort, _number(record["raw_bytes"]), _number(record["peak_bytes"]))


_PUBLISHED = object()  # key in ``shared``: outputs of the last ``publish``, which ``done`` repeats


def _output(record: dict[str, Any], shared: dict[Any, Any]) -> OutputStamp:
    sha256 = _text(record.get("sha256", ""))
    size, mtime_ns = _number(record["size"]), _number(record["mtime_ns"])
    output = OutputStamp(_name(record["name"]), size, mtime_ns, sha256)
    published: OutputStamp | None = shared.get(_PUBLISHED, {}).get(output.name)
    return published if published == output else output


def _header_once(record: dict[str, Any], shared: dict[Any, Any]) -> Header:
    """Return the header of a record; scans of a roll share one object."""
    text = str(record)
    header: Header | None = shared.get(text)
    if header is None:
        header = shared[text] = _header(record)
    return header


def _header(record: dict[str, Any]) -> Header:
    values = {name: value for name, value in record.items() if name in _HEADER}
    for name in ("extra", "warnings", "notes"):
        values[name] = tuple(map(_text, values[name]))
    if values.get("icc") is not None:
        values["icc"] = tuple(map(_number, values["icc"]))
    if values.get("resolution") is not None:
        values["resolution"] = Resolution(**_checked(Resolution, values["resolution"]))
    for name in values.keys() & _HEADER_NUMBERS:
        _number(values[name])
    for name in values.keys() & _HEADER_TEXTS:
        _text(values[name])
    for name in values.keys() & _HEADER_FLAGS:
        if not isinstance(values[name], bool):
            raise TypeError(f"{name} needs true or false")
    values["page"] = values["infrared_page"] = None  # they must be read from the file itself
    return Header(**values)


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
    """Check a name below OUTPUT: zero bytes and lone surrogates are not allowed."""
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
    """Return the known fields, with checked types; later versions may have written more."""
    values = {}
    for name, types in _TYPES[cls].items():
        if name not in record:
            continue
        value = record[name]
        if not isinstance(value, types) or isinstance(value, bool):
            raise TypeError(f"{name}: needs {types[0].__name__}, got {type(value).__name__}")
        if isinstance(value, int):
            _number(value)
        values[name] = value
    return values


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
