"""Parses small JSON files strictly: anything that JSON tools treat differently is refused.

Covers reading the file (regular, small, in one read) and the text: UTF-8, depth, duplicate keys,
NaN and infinities, control characters. Not covered: the meaning of the values
(:mod:`divere_cli.profile.loading`).

The rules are those for untrusted profile files: refused before they cost
memory or time.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass

from divere_cli.errors import ProfileError
from divere_cli.profile.diagnostics import SHOWN_VALUE, show, step

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_DIGITS = 19
# Text beyond Latin-1 takes twice its size when decoded, beyond U+FFFF four times;
# parsing takes that three times over.
MAX_TEXT = 16 << 20
# A preset with all figures has about 330 of ``,[{"``; a key with a value has three, and
# costs up to 350 bytes and 4 microseconds.
SIGNS = ',[{"'
MAX_SIGNS = 600_000
# Only notes may have several lines.
FREE_TEXT = frozenset({"note", "notes"})

Json = dict[str, "Json"] | list["Json"] | str | float | int | bool | None

_NUMBERS = (float, int, type(None))
# Possessive: with backtracking, a text of 16 MiB took 2 GB.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_BEYOND_LATIN = re.compile(b"[\xc4-\xff]")
_BEYOND_FFFF = re.compile(b"[\xf0-\xff]")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORBIDDEN_IN_NOTE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Bad:
    """Placeholder for a refused value until its path is known."""

    reason: str


_TWICE = _Bad("is there twice; allowed: once")


def read(path: str, max_bytes: int = MAX_BYTES) -> Json:
    """Read and check a JSON file.

    Parameters
    ----------
    path : str
        Path of the file.
    max_bytes : int, default MAX_BYTES
        Larger files are refused.

    Raises
    ------
    ProfileError
        Names the file, and the JSON path and the value if known.
    """
    return parse(_bytes_of(path, max_bytes), path)


def parse(data: bytes, file: str) -> Json:
    """Check and parse the bytes of a JSON file.

    Parameters
    ----------
    data : bytes
        The bytes.
    file : str
        Name of the file, for messages.
    """
    text = _decode(data, file)
    if not text.strip("\0 \t\r\n"):
        raise ProfileError(f"{file}: is empty, so not valid JSON")
    del data
    _check_count(text, file)
    _check_depth(text, file)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=_int,
            parse_constant=lambda word: _Bad(f"is {word}; allowed: a finite number"),
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ProfileError(f"{file}: not valid JSON at {where}: {error.msg}") from None
    except RecursionError:
        raise _too_deep(file) from None
    refused = _refused(value)
    if refused:
        raise ProfileError(f"{file}: ${refused[0]} {refused[1]}")
    checked: Json = value
    return checked


def _bytes_of(path: str, max_bytes: int) -> bytes:
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, name, 0)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ProfileError(f"{path}: not a regular file")
        fd = os.open(path, flags)
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise ProfileError(f"{path}: not a regular file")
            data = b"" if status.st_size > max_bytes else file.read(max_bytes + 1)
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ProfileError(f"{path}: cannot be read: {reason}") from None
    if status.st_size > max_bytes or len(data) > max_bytes:
        size = max(status.st_size, len(data))
        raise ProfileError(f"{path}: {size} bytes; allowed: at most {max_bytes}")
    return data


def _decode(data: bytes, file: str) -> str:
    data = data.removeprefix(b"\xef\xbb\xbf")  # written by Windows editors
    most = MAX_TEXT // (4 if _BEYOND_FFFF.search(data) else 2 if _BEYOND_LATIN.search(data) else 1)
    if len(data) > most:
        raise ProfileError(f"{file}: {len(data)} bytes; allowed: {most} with its characters")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        cure = "; it looks like UTF-16: save it as UTF-8" if _is_wide(data) else ""
        raise ProfileError(
            f"{file}: byte {error.start} is not UTF-8; allowed: UTF-8 text{cure}"
        ) from None


def _is_wide(data: bytes) -> bool:
    """Return whether text is probably UTF-16 or UTF-32, as PowerShell writes it."""
    return data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:64]


def _check_depth(text: str, file: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        first = text[match.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep(file)
        elif first in "]}":
            depth -= 1


def _check_count(text: str, file: str) -> None:
    """Refuse files that would take much memory or time; commas in text count, too."""
    if sum(map(text.count, SIGNS)) > MAX_SIGNS:
        raise ProfileError(f"{file}: too many values; allowed: at most {MAX_SIGNS} of {SIGNS}")


def _too_deep(file: str) -> ProfileError:
    return ProfileError(f"{file}: nested too deeply; allowed: at most {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = dict.fromkeys((key for key, count in counts.items() if count > 1), _TWICE)
        return {**members, **twice}
    return members


def _float(text: str) -> float | _Bad:
    value = float(text)
    if math.isfinite(value):
        return value
    return _Bad(f"is {text[:SHOWN_VALUE]}; allowed: a finite number")


def _int(text: str) -> int | _Bad:
    if len(text.lstrip("-")) <= MAX_DIGITS:
        return int(text)
    return _Bad(f"is a number of {len(text)} digits; allowed: at most {MAX_DIGITS}")


def _refused(value: object, *, free: bool = False) -> tuple[str, str] | None:
    """Return the first refused value: its path below this one, and the reason."""
    if isinstance(value, dict):
        if _FORBIDDEN.search("".join(value)):
            key = next(filter(_FORBIDDEN.search, value))
            return "", f"has the key {show(key)}; allowed: keys without control characters"
        for key, member in value.items():
            refusal = (
                None if isinstance(member, _NUMBERS) else _refused(member, free=key in FREE_TEXT)
            )
            if refusal:
                return step(key) + refusal[0], refusal[1]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            refusal = None if isinstance(item, _NUMBERS) else _refused(item)
            if refusal:
                return f"[{index}]{refusal[0]}", refusal[1]
    elif isinstance(value, _Bad):
        return "", value.reason
    elif isinstance(value, str) and (_FORBIDDEN_IN_NOTE if free else _FORBIDDEN).search(value):
        return "", f"is {show(value)}; allowed: text without control characters"
    return None
