"""Lines as this program writes them, read by one pattern instead of a JSON parser.

An archive's journal has two lines for each scan, and a run over an archive that is up to date
does little else than read them. The pattern takes a line only if it is what :mod:`.writer`
writes, with names of plain ASCII; then it gives exactly the record that :mod:`.lines` gives.
Any other line is left to that. Texts that scans share (header, profile) are parsed once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from divere_cli.batch.journal import lines
from divere_cli.batch.journal.record import Done, OutputStamp, Peak
from divere_cli.batch.walked import Scan
from divere_cli.records.job import Stamp

T = TypeVar("T")
Known = Mapping[str, Scan]
"""Scans that the walk found, by name: records of the same scans share their values."""

NOTHING: Known = MappingProxyType({})

# @t: a text without escapes, @e: with escapes, @n: a number, @o: an object without inner ones
_DONE = (
    r'\{"kind":"done","run":@t,"input":@t,"path":@t,'
    r'"stamp":\{"size":@n,"mtime_ns":@n,"ctime_ns":@n,"dev":@n,"ino":@n\},"key":@t,'
    r'"outputs":(\[\{"name":@t,"size":@n,"mtime_ns":@n(?:,"sha256":@t)?\}\]),'
    r'"header":@o,"profile":@o,"sha256":@t,'
    r'"peak":(?:null|\{"sort":@t,"raw_bytes":@n,"peak_bytes":@n\}),'
    r'"basis":@t(?:,"grade":@n)?(?:,"decided":@e)?'
    r'(?:,"film_edge":@o)?(?:,"no_edge_code":(true|false))?\}\n'
)
_NEXT = b'},{"name":"'  # between two outputs
_ONE_OUTPUT = 160  # bytes that an output can have after its name, at most
_PUBLISH = r'\{"kind":"publish","run":@t,"input":@t,"outputs":([^\n]*)\}\n'


def _compiled(pattern: str) -> re.Pattern[str]:
    for sign, meaning in (
        ("@t", r'"([ !#-\[\]-~]*)"'),
        ("@e", r'"([^"\\]*(?:\\.[^"\\]*)*)"'),
        ("@n", "(0|[1-9][0-9]{0,18})"),
        ("@o", r"(\{[^{}]*\})"),
    ):
        pattern = pattern.replace(sign, meaning)
    return re.compile(pattern)


_is_done = _compiled(_DONE).fullmatch
_is_publish = _compiled(_PUBLISH).fullmatch


def names(line: bytes) -> tuple[bytes, bytes] | None:
    """Return the scan and the output of a line, which is not checked any further.

    Quotes are where :mod:`.writer` puts them as long as no name has one: splitting there
    takes a tenth of the time of a pattern.

    Parameters
    ----------
    line : bytes
        One line of a journal.

    Returns
    -------
    tuple of (bytes, bytes), or None
        None: the line is of another kind, has several outputs or escapes in its names, or is
        for :mod:`.lines`.
    """
    parts = line.split(b'"', 38)
    try:
        if parts[3] == b"done":
            word, output, single = parts[33], parts[37], _NEXT not in parts[38][:_ONE_OUTPUT]
        else:
            word, output, single = parts[13], parts[17], len(parts) in (23, 27)  # with SHA-256
    except IndexError:
        return None
    scan = parts[11]
    if word != b"outputs" or parts[9] != b"input" or not single or b"\\" in scan + output:
        return None
    return (scan, output) if (scan + output).isascii() else None


def published(line: bytes) -> tuple[str, str] | None:
    """Return the scan of a ``publish`` line and the text of its outputs, which is not parsed.

    Parameters
    ----------
    line : bytes
        One line of a journal.
    """
    match = _is_publish(line.decode("ascii")) if line.isascii() else None
    return (match[2], match[3]) if match else None


def done(line: bytes, shared: dict[Any, Any], known: Known = NOTHING) -> tuple[Done, str] | None:
    """Return the record of a ``done`` line and the text of its outputs.

    Parameters
    ----------
    line : bytes
        One line of a journal.
    shared : dict
        Values that several records have; added to.
    known : mapping of str to Scan, optional
        Scans whose name, path and stamp are used where the record has equal ones: a fifth of
        the memory of a record.

    Returns
    -------
    tuple of (Done, str), or None
        None: the line is of another kind, or for :mod:`.lines`.
    """
    match = _is_done(line.decode("ascii")) if line.isascii() else None
    if match is None:
        return None
    try:
        return _record(match.groups(""), shared, known), match[10]
    except lines.NO_RECORD:
        return None


def _record(texts: tuple[str, ...], shared: dict[Any, Any], known: Known) -> Done:
    _, scan, path, size, mtime, ctime, device, inode, key, _, name, *fields = texts
    made_size, made_mtime, made_sha256, header, profile, sha256, *fields = fields
    sort, raw, peak, basis, grade, decided, edge, no_code = fields
    if not name:
        raise ValueError("no file can have this name")
    changed = _number(mtime)
    stamp = Stamp(
        _number(size),
        changed,
        changed if ctime == mtime else _number(ctime),
        lines.once(_number(device), shared),
        _number(inode),
    )
    walked = known.get(scan)
    if walked is not None:
        scan = walked.name
        path = walked.path if path == walked.path else path
        stamp = walked.stamp if stamp == walked.stamp else stamp
    name = scan if name == scan else name  # keep one string, not two
    return Done(
        scan,
        path,
        stamp,
        key,
        (OutputStamp(name, _number(made_size), _number(made_mtime), made_sha256),),
        shared.get(header) or _parsed(header, lines.header_of, shared),
        shared.get(profile) or _parsed(profile, lines.profile_of, shared),
        sha256,
        Peak(lines.once(sort, shared), lines.once(_number(raw), shared), _number(peak))
        if raw
        else None,
        lines.once(basis, shared),
        (),
        _number(grade) if grade else 1,
        json.loads(f'"{decided}"') if decided else "",
        lines.film_edge_of(json.loads(edge)) if edge else None,
        no_code == "true",
    )


def _number(text: str) -> int:
    number = int(text)
    if number >= lines.MOST:
        raise ValueError("a number out of range")
    return number


def _parsed(text: str, parse: Callable[[Any], T], shared: dict[Any, Any]) -> T:
    """Return the value of a JSON text that many lines repeat, keyed by the text itself."""
    value = shared[text] = parse(json.loads(text))
    return value
