"""The error for a missing INPUT, with a hint at the probable mistake.

Covers INPUT and OUTPUT in the wrong order, a mistyped name, and a pattern that no file
matches. The walk itself is in :mod:`.discover`.
"""

from __future__ import annotations

import difflib
import glob
import os

from divere_cli.batch.journal.state import NAME as JOURNAL
from divere_cli.errors import InputMissing
from divere_cli.image import header

_SUFFIXES = frozenset(header.EXPECTED)


def error(path: str, output: str, problem: OSError) -> InputMissing:
    """Return the error for an INPUT that cannot be read, with a hint.

    Parameters
    ----------
    path : str
        The INPUT.
    output : str
        OUTPUT; empty if there is none.
    problem : OSError
    """
    return InputMissing(f"INPUT '{path}': {problem.strerror}", hint=_hint(path, output, problem))


def holds_scans(folder: str) -> int:
    """Return how many files of a folder look like scans; 0 if it is an output folder of divere.

    Parameters
    ----------
    folder : str
        Path of the folder.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    if JOURNAL in names:
        return 0
    return sum(os.path.splitext(name)[1].lower() in _SUFFIXES for name in names)


def _hint(path: str, output: str, problem: OSError) -> str:
    if not isinstance(problem, FileNotFoundError):
        return "check that you may read it"
    if output and holds_scans(output):
        return f"INPUT comes first and OUTPUT last: did you mean INPUT '{output}' OUTPUT '{path}'?"
    if glob.has_magic(path):
        return "no file matches this pattern; to select by name, give the folder and --include"
    folder, name = os.path.split(os.path.normpath(path))
    if folder and not os.path.isdir(folder):
        return f"there is no folder '{folder}'; is its drive or share mounted?"
    try:
        near = difflib.get_close_matches(name, os.listdir(folder or "."), n=1)
    except OSError:
        near = []
    if near:
        return f"did you mean '{os.path.join(folder, near[0])}'?"
    return "check the path; the first arguments are the scans, the last is the folder for positives"
