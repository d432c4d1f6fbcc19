"""Names of rolls, and patterns for names of scans. Standard library only."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Sequence

from divere_cli.records.roll import Measured


def roll_name(scan: Measured, pattern: str | None) -> str:
    """Return the roll of a scan: its folder, with what the pattern matched.

    Parameters
    ----------
    scan : Measured
        The scan.
    pattern : str or None
        The pattern of ``--roll-by``; None for none.
    """
    folder, _, name = scan.name.rpartition("/")
    folder_name = folder or os.path.basename(os.path.dirname(os.path.abspath(scan.input))) or "/"
    matched = re.match(expression(pattern), name) if pattern else None
    return f"{folder_name}/{matched.group()}" if matched else folder_name


def expression(pattern: str) -> str:
    """Return a regular expression for the start of a name; ``*`` matches as little as possible.

    Parameters
    ----------
    pattern : str
        The pattern of ``--roll-by``.
    """
    parts = []
    for part in re.findall(r"\[[^]]*\]|.", pattern, re.DOTALL):
        if part == "*":
            parts.append(".*?")
        elif part == "?":
            parts.append(".")
        elif len(part) > 2:
            body = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"[{'^' + body[1:] if body.startswith('!') else body}]")
        else:
            parts.append(re.escape(part))
    return "".join(parts)


def fits(name: str, globs: Sequence[str]) -> bool:
    """Return whether a scan's name below INPUT, or its last part, matches one of ``globs``.

    Parameters
    ----------
    name : str
        The name.
    globs : sequence of str
        The patterns.
    """
    last = name.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name, g) or fnmatch.fnmatchcase(last, g) for g in globs)
