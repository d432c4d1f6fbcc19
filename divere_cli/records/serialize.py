"""Records to JSON-ready data and back.

Covers frozen dataclasses of :mod:`divere_cli.records` with tuples, literals,
optionals and nested records. Names keep bytes that are no UTF-8 as surrogate
escapes; ``json.dumps`` writes them as ``\\udcXX`` and reads them back.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")
# Metadata of a dataclass's field that plain data have only where it is not its default: what
# was recorded, or hashed, before there was the field stays the same.
LATER = {"divere_cli": "later"}
# Metadata of a field that plain data never have: it is of this process alone.
UNSAVED = {"divere_cli": "unsaved"}
_ATOMS = frozenset({str, int, float, bool, type(None)})


def to_plain(record: Any) -> Any:
    """Return a record as plain data: dataclasses as dicts, tuples as lists.

    Parameters
    ----------
    record : Any
        The record.
    """
    kind: type = type(record)
    if kind in _ATOMS:  # most of what a record holds, and a report has a hundred for each scan
        return record
    names = _names(kind)
    if names is not None:
        made = {name: to_plain(getattr(record, name)) for name in names}
        for name, default in _later(kind):
            if getattr(record, name) == default:
                del made[name]
        return made
    if isinstance(record, tuple | list):
        return [to_plain(item) for item in record]
    if isinstance(record, dict):
        return {key: to_plain(value) for key, value in record.items()}
    return record


@functools.cache
def _names(cls: type) -> tuple[str, ...] | None:
    """Names of a dataclass's fields; None for any other type."""
    if not dataclasses.is_dataclass(cls):
        return None
    return tuple(field.name for field in dataclasses.fields(cls) if field.metadata != UNSAVED)


@functools.cache
def _later(cls: type) -> tuple[tuple[str, Any], ...]:
    """Names and defaults of the fields that have :data:`LATER` as their metadata."""
    fields = dataclasses.fields(cls)
    return tuple((field.name, field.default) for field in fields if field.metadata == LATER)


def from_plain(cls: type[T], data: Any) -> T:
    """Build a record of type ``cls`` from what :func:`to_plain` gave.

    Parameters
    ----------
    cls : type[T]
        The type.
    data : Any
        The plain data.

    Raises
    ------
    TypeError, KeyError, ValueError
        Where the data does not have the record's shape. Unknown keys are ignored.
    """
    return typing.cast(T, _build(cls, data))


def to_text(record: Any, *, allow_nan: bool = True) -> str:
    """Return a record as one line of JSON, for a job's parameters or a task's answer.

    Parameters
    ----------
    record : Any
        A dataclass of :mod:`divere_cli.records`, or one of a room's own.
    allow_nan : bool
        Whether numbers may be infinite or none; ValueError else.
    """
    return json.dumps(to_plain(record), separators=(",", ":"), allow_nan=allow_nan)


def from_text(cls: type[T], text: str | bytes) -> T:
    """Return the record that :func:`to_text` wrote; errors as :func:`from_plain`.

    Parameters
    ----------
    cls : type[T]
        Type of the record.
    text : str or bytes
        The JSON.
    """
    return from_plain(cls, json.loads(text))


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(hint: Any, data: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(data, dict):
            raise TypeError(f"{hint.__name__} needs an object, got {type(data).__name__}")
        hints = _hints(hint)
        fields = [f for f in dataclasses.fields(hint) if f.init and f.name in data]
        return hint(**{f.name: _field(f.name, hints[f.name], data[f.name]) for f in fields})
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise TypeError(f"needs a list, got {type(data).__name__}")
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], item) for item in data)
        return tuple(_build(arg, item) for arg, item in zip(args, data, strict=True))
    if origin is dict:
        if not isinstance(data, dict):
            raise TypeError(f"needs an object, got {type(data).__name__}")
        return {key: _field(str(key), args[1], value) for key, value in data.items()}
    if origin is typing.Union or origin is types.UnionType:
        return _build_union(args, data)
    if origin is typing.Literal:
        if data not in args:
            raise ValueError(f"{data!r:.60} is none of {args}")
        return data
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(hint, type) and not isinstance(data, hint):
        raise TypeError(f"needs {hint.__name__}, got {type(data).__name__}")
    return data


def _field(name: str, hint: Any, data: Any) -> Any:
    try:
        return _build(hint, data)
    except (TypeError, ValueError) as problem:
        raise type(problem)(f"{name}: {problem}") from problem


def _build_union(args: tuple[Any, ...], data: Any) -> Any:
    if data is None and type(None) in args:
        return None
    problems: list[str] = []
    for arg in args:
        if arg is type(None):
            continue
        try:
            return _build(arg, data)
        except (TypeError, ValueError, KeyError) as problem:
            problems.append(str(problem))
    raise TypeError("; ".join(problems))
