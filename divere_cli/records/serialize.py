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
from collections.abc import Callable
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
        made = {}
        for name in names:
            value = getattr(record, name)
            made[name] = value if type(value) in _ATOMS else to_plain(value)
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
    return typing.cast(T, _converter(typing.cast(Any, cls))(data))


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


Converter = Callable[[Any], Any]


@functools.cache
def _converter(hint: Any) -> Converter:
    """Return the function that builds values of a type; made once for each type."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return functools.partial(_record, hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return functools.partial(_list, _converter(args[0]))
        return functools.partial(_tuple, tuple(map(_converter, args)))
    if origin is dict:
        return functools.partial(_object, _converter(args[1]))
    if origin is typing.Union or origin is types.UnionType:
        kinds = tuple(_converter(arg) for arg in args if arg is not type(None))
        return functools.partial(_union, kinds, type(None) in args)
    if origin is typing.Literal:
        return functools.partial(_literal, args)
    if hint is float:
        return _float
    return functools.partial(_value, hint) if isinstance(hint, type) else lambda data: data


@functools.cache
def _fields(cls: type) -> tuple[tuple[str, Converter], ...]:
    """Names of the fields of a record's type, with what builds their values."""
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    return tuple((each.name, _converter(hints[each.name])) for each in fields if each.init)


def _record(cls: Any, data: Any) -> Any:
    if not isinstance(data, dict):
        raise TypeError(f"{cls.__name__} needs an object, got {type(data).__name__}")
    values = {}
    for name, convert in _fields(cls):
        if name in data:
            values[name] = _named(name, convert, data[name])
    return cls(**values)


def _named(name: str, convert: Converter, data: Any) -> Any:
    try:
        return convert(data)
    except (TypeError, ValueError) as problem:
        raise type(problem)(f"{name}: {problem}") from problem


def _sequence(data: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(data, list | tuple):
        raise TypeError(f"needs a list, got {type(data).__name__}")
    return data


def _list(convert: Converter, data: Any) -> tuple[Any, ...]:
    return tuple(map(convert, _sequence(data)))


def _tuple(converters: tuple[Converter, ...], data: Any) -> tuple[Any, ...]:
    pairs = zip(converters, _sequence(data), strict=True)
    return tuple(convert(item) for convert, item in pairs)


def _object(convert: Converter, data: Any) -> dict[Any, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"needs an object, got {type(data).__name__}")
    return {key: _named(str(key), convert, value) for key, value in data.items()}


def _literal(allowed: tuple[Any, ...], data: Any) -> Any:
    if data not in allowed:
        raise ValueError(f"{data!r:.60} is none of {allowed}")
    return data


def _float(data: Any) -> Any:
    if isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    return _value(float, data)


def _value(cls: type, data: Any) -> Any:
    if not isinstance(data, cls):
        raise TypeError(f"needs {cls.__name__}, got {type(data).__name__}")
    return data


def _union(kinds: tuple[Converter, ...], optional: bool, data: Any) -> Any:
    if data is None and optional:
        return None
    problems: list[str] = []
    for convert in kinds:
        try:
            return convert(data)
        except (TypeError, ValueError, KeyError) as problem:
            problems.append(str(problem))
    raise TypeError("; ".join(problems))
