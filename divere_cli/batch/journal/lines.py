"""From the text of a journal's lines to records.

Covers checking every field of a line, since a journal may be damaged or edited by hand, and
storing once what many scans share. The kinds of line are in :mod:`.state`; lines as this
program writes them are read by one pattern (:mod:`.quick`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, TypeVar

from divere_cli.batch.journal.record import Done, Failure, Further, Line, OutputStamp, Peak
from divere_cli.films import stocks
from divere_cli.image.layout import Header, Resolution
from divere_cli.records.grade import ProfileRef
from divere_cli.records.job import Stamp
from divere_cli.records.outcome import FilmEdge

T = TypeVar("T")

# What a line that is no record raises where it is parsed.
NO_RECORD = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


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
        yield line, record(line, shared)


def record(line: bytes, shared: dict[Any, Any]) -> Line | None:
    """Return the record of one complete line; None where it is no record.

    Parameters
    ----------
    line : bytes
        The line.
    shared : dict
        Values that several records have; added to.
    """
    try:
        return _line(json.loads(line), shared)
    except NO_RECORD:
        return None


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
        profile=once(profile_of(record["profile"]), shared),
        sha256=_text(record.get("sha256", "")),
        peak=None if peak is None else _peak(peak, shared),
        basis=once(_text(record.get("basis", "")), shared),
        grade=_number(record.get("grade", 1)),
        also=tuple(map(_further, record.get("also", ()))),
        decided=_text(record.get("decided", "")),
        film_edge=film_edge_of(record["film_edge"]) if "film_edge" in record else None,
        no_edge_code=record.get("no_edge_code", False) is True,
    )


def film_edge_of(record: dict[str, Any]) -> FilmEdge:
    """Return the film edge of a record; the film's name is that of the table as it is now.

    Parameters
    ----------
    record : dict
        The JSON object; errors as :data:`NO_RECORD`.
    """
    dx, frames = _text(record["dx"]), tuple(map(_text, record["frames"]))
    if stocks.normalized(dx) != dx or not all(map(_HALF_FRAME.fullmatch, frames)):
        raise ValueError("no code of a film's edge")
    stock = stocks.by_number(dx)
    return FilmEdge(dx, stock.name if stock else None, frames, record["mirrored"] is True)


_HALF_FRAME = re.compile(r"\d{1,2}A?", re.ASCII)


def _further(record: dict[str, Any]) -> Further:
    return Further(_text(record["key"]), tuple(map(_text, record["names"])))


def once(value: T, shared: dict[Any, Any]) -> T:
    """Return the equal value that an earlier record has, else this one, which is kept.

    Parameters
    ----------
    value : hashable
        Value of a record.
    shared : dict
        Values that several records have; added to.
    """
    same: T = shared.setdefault(value, value)
    return same


def _peak(record: dict[str, Any], shared: dict[Any, Any]) -> Peak:
    sort = once(_text(record["sort"]), shared)
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
        header = shared[text] = header_of(record)
    return header


def profile_of(record: dict[str, Any]) -> ProfileRef:
    """Return the profile of a record; errors as :data:`NO_RECORD`.

    Parameters
    ----------
    record : dict
        The JSON object.
    """
    return ProfileRef(**_checked(ProfileRef, record))


def header_of(record: dict[str, Any]) -> Header:
    """Return the header of a record; errors as :data:`NO_RECORD`.

    Parameters
    ----------
    record : dict
        The JSON object.
    """
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
    if not isinstance(value, int) or isinstance(value, bool) or not -MOST <= value < MOST:
        raise TypeError(f"needs a whole number, got {value!r:.40}")
    return value


MOST = 1 << 63  # numbers of a record are less


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
