"""BagIt manifests: one line per file, with its SHA-256 and path.

Covers conversion between text and entries; ``sha256sum -c`` reads them, too. Not covered: which
files are listed, and hashing them.

Source: RFC 8493 (BagIt), sections 2.1.3 and 2.1.1 for the characters in paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from divere_cli.errors import UsageError

NAME = "manifest-sha256.txt"
_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(.+)")
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def text(entries: Mapping[str, str]) -> bytes:
    """Return a manifest, sorted by path; names that are not UTF-8 keep their bytes.

    Parameters
    ----------
    entries : Mapping[str, str]
        SHA-256 by path.
    """
    lines = [f"{entries[path]}  {_escaped(path)}\n" for path in sorted(entries)]
    return "".join(lines).encode("utf-8", "surrogateescape")


def parse(data: bytes, name: str = NAME) -> dict[str, str]:
    """Read a manifest: SHA-256 by path.

    Parameters
    ----------
    data : bytes
        Content of the manifest.
    name : str, default NAME
        Its name, for messages.

    Raises
    ------
    UsageError
        A line is not valid, or leads out of the folder; the message gives its number.
    """
    entries: dict[str, str] = {}
    lines = data.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        path = _plain(match[2]) if match else ""
        if match is None or path.startswith("/") or ".." in path.split("/"):
            raise UsageError(f"{name}: line {number} is not valid in a manifest: {line[:80]!r}")
        entries[path.removeprefix("./")] = match[1].lower()
    return entries


def _escaped(path: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in path)


def _plain(path: str) -> str:
    for character, escape in _ESCAPES.items():
        if character != "%":
            path = re.sub(escape, character, path, flags=re.IGNORECASE)
    return path.replace("%25", "%")
