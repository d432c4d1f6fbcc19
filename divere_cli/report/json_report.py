r"""``divere-report/1``: writes the report as JSON, and reads it strictly.

Covers the schema of the page on reports and the events of ``--json``, which
are made of the same objects. All text is ASCII (JSON escapes), so nothing in a
name can act on a terminal. A name that is no UTF-8 is no valid JSON text: its
odd bytes are shown as ``\xNN`` and ``input_b64`` (``outputs_b64``) holds the
name's bytes. Not covered: writing the file.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import math
import operator
import os
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from divere_cli.errors import UsageError
from divere_cli.records.outcome import ScanResult
from divere_cli.records.report import RunReport
from divere_cli.records.serialize import from_plain, to_plain
from divere_cli.report.summary import Summary, summarize
from divere_cli.text import quote, safe

SCHEMA = "divere-report/1"

Object = dict[str, Any]

_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER = json.JSONEncoder(allow_nan=False)


def render(report: RunReport) -> str:
    """Return the whole report, indented, one line per scan, with a final line feed.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    return "".join(pieces(report))


def pieces(report: RunReport) -> Iterator[str]:
    """Yield the text of :func:`render` in pieces, one scan at a time.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    head = json.dumps(_head(report), indent=1, allow_nan=False).removesuffix("\n}")
    yield f'{head},\n "files": [\n  '
    for index, file in enumerate(report.files):
        yield f",\n  {_line(file)}" if index else _line(file)
    yield "\n ]\n}\n"


def _head(report: RunReport) -> Object:
    """Return everything except ``files``, which may be very many."""
    return {
        "schema": SCHEMA,
        "version": report.version,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "exit_code": report.exit_code,
        "output": valid(report.output),
        "error": valid(to_plain(report.error)),
        "stopped": valid(report.stopped),
        "warnings": valid(to_plain(report.warnings)),
        "command": valid(to_plain(report.command)),
        "isolation": valid(to_plain(report.isolation)),
        "incidents": valid(to_plain(report.incidents)),
        "parent": to_plain(report.parent),
        "summary": summary_object(summarize(report)),
        "rolls": valid(to_plain(report.rolls)),
        "grade": report.grade,
        "orphans": report.orphans,
        "flat_field": valid(to_plain(report.flat_field)),
    }


def summary_object(summary: Summary) -> Object:
    """Return the ``summary`` object.

    Parameters
    ----------
    summary : Summary
        The figures of the run.
    """
    plain: Object = valid(to_plain(summary))
    return plain


def _line(file: ScanResult) -> str:
    """Return one entry of ``files`` as text."""
    if file.worker_pid or file.error or file.thumbnails:
        text = _ENCODER.encode(_rounded(to_plain(file), file))
    else:
        text = _unprocessed(file)
    # the text of a name that is no UTF-8 has escaped surrogates; a few others have them, too
    return _ENCODER.encode(file_object(file)) if r"\ud" in text else text


_OWN = ("input", "outputs", "positives")  # the first fields, which differ for each scan
_SHARED = operator.attrgetter(
    *(each.name for each in dataclasses.fields(ScanResult) if each.name not in _OWN)
)


def _unprocessed(file: ScanResult) -> str:
    """Return the entry of an unprocessed scan, which shares most of its text with others.

    A run on an up-to-date archive has 100,000 of them: this takes 4 us each instead of 17.
    """
    own_fields = {name: to_plain(getattr(file, name)) for name in _OWN}
    return f"{_ENCODER.encode(own_fields)[:-1]}, {_shared_fields(_SHARED(file))}"


@functools.lru_cache(maxsize=64)
def _shared_fields(values: tuple[Any, ...]) -> str:
    """Return the text of an entry after its own fields, cached by the values of the others."""
    names = (each.name for each in dataclasses.fields(ScanResult) if each.name not in _OWN)
    file = ScanResult("", **dict(zip(names, values, strict=True)))
    plain = _rounded(to_plain(file), file)
    for name in _OWN:
        del plain[name]
    return _ENCODER.encode(plain)[1:]


def file_object(file: ScanResult) -> Object:
    """Return one entry of ``files``; ``thumbnails`` only if there are any.

    Parameters
    ----------
    file : ScanResult
        The result of one scan.
    """
    plain: Object = valid(to_plain(file))
    if _SURROGATE.search(file.input):
        plain["input_b64"] = _b64(file.input)
    if any(_SURROGATE.search(name) for name in file.outputs):
        plain["outputs_b64"] = [_b64(name) for name in file.outputs]
    for entry, positive in zip(plain["positives"], file.positives, strict=True):
        if _SURROGATE.search(positive.path):
            entry["path_b64"] = _b64(positive.path)
    return _rounded(plain, file)


def _rounded(plain: Object, file: ScanResult) -> Object:
    if not file.thumbnails:
        del plain["thumbnails"]
    for key in ("seconds", "cpu_seconds"):
        plain[key] = round(plain[key], 6)
    stages = plain["seconds_by_stage"]
    plain["seconds_by_stage"] = {name: round(value, 6) for name, value in stages.items()}
    return plain


def valid(data: Any) -> Any:
    """Return JSON-ready ``data`` with each lone surrogate in a string as ``\\xNN``.

    Parameters
    ----------
    data : Any
        JSON-ready data.
    """
    if isinstance(data, str):
        return data if data.isascii() else _SURROGATE.sub(lambda match: safe(match[0]), data)
    if isinstance(data, list):
        return [valid(item) for item in data]
    if isinstance(data, dict):
        return {valid(key): valid(value) for key, value in data.items()}
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"no such number: {text[:40]}")
    return number


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"no such number: {text[:40]}…")
    return int(text)


_DIGITS = 19


def parse(text: str, name: str) -> RunReport:
    """Read a saved report.

    Parameters
    ----------
    text : str
        Text of :func:`render`.
    name : str
        The file's name, for messages.

    Raises
    ------
    UsageError
        ``text`` is no report that this version can read; the message gives the position.
    """
    try:
        data = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{quote(name)}: no valid JSON: {error}") from error
    if not isinstance(data, dict) or "schema" not in data:
        raise UsageError(f"{quote(name)}: no divere report: it has no 'schema'")
    if data["schema"] != SCHEMA:
        raise UsageError(f"{quote(name)}: schema {data['schema']!r} is not {SCHEMA!r}")
    try:
        files = tuple(_file(entry, index) for index, entry in enumerate(data.pop("files")))
        return dataclasses.replace(from_plain(RunReport, data), files=files)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{quote(name)}: no whole divere report: {error}") from error


def _file(entry: Any, index: int) -> ScanResult:
    try:
        if "input_b64" in entry:
            entry["input"] = _name(entry["input_b64"])
        if "outputs_b64" in entry:
            entry["outputs"] = [_name(item) for item in entry["outputs_b64"]]
        positives = entry["positives"] if "positives" in entry else ()  # noqa: SIM401 - no object yet
        for positive in positives:
            if "path_b64" in positive:
                positive["path"] = _name(positive["path_b64"])
        file = from_plain(ScanResult, entry)
        for name in (file.input, *file.outputs, *(each.path for each in file.positives)):
            os.fsencode(name)  # UnicodeEncodeError, a ValueError: no file has such a name
        return file
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"files[{index}]: {error}") from error


def _b64(name: str) -> str:
    return base64.b64encode(os.fsencode(name)).decode("ascii")


def _name(encoded: str) -> str:
    return os.fsdecode(base64.b64decode(encoded, validate=True))


def _unique(pairs: list[tuple[str, Any]]) -> Object:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")
