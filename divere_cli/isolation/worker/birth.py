"""Start of the program's own processes: command line, environment, module path.

Covers both ends: :func:`command` and :func:`environment` in the parent, and :func:`answer`
in a frozen program, which can only start itself. The new process gets only the listed
variables of the caller's environment, from exec on: variables deleted later would stay
readable in memory. The current folder is never on the module path: it may contain scans,
and an ``exiv2.py`` beside them would be executed.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping

FLAG = "--divere-process"  # for a frozen program; a role and its argument follow
ROLES = {
    "forkserver": "divere_cli.isolation.worker.forkserver:main",
    "worker": "divere_cli.isolation.worker.main:born",
    "station": "divere_cli.cluster.station:serve",
}

# Language and time zone of messages, folders of libraries and temporary files, Python
# settings. No PATH (workers start no program), no HOME, no secrets.
_LET_IN = frozenset({
    "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "_MEIPASS2",
    "__PYVENV_LAUNCHER__", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONMALLOC",
    "PYTHONDEVMODE", "PYTHONWARNINGS", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX", "PYTHONFAULTHANDLER",
})  # fmt: skip
_LET_IN_FAMILIES = ("LC_", "_PYI_", "PYINSTALLER_")

_CODE = "import sys; sys.path[:] = {path!r}; from {module} import {name}; {name}({argument!r})"


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a new process: the allowed part of this one's, and additions.

    Parameters
    ----------
    more : Mapping[str, str]
        Variables to add.
    """
    let_in = {
        name: value
        for name, value in os.environ.items()
        if name in _LET_IN or name.startswith(_LET_IN_FAMILIES)
    }
    return let_in | dict(more)


def module_path() -> list[str]:
    """Return this process's module path without the entry for the current folder."""
    path = [folder for folder in sys.path if os.path.isabs(folder)]
    if path and path[0] == os.getcwd() and _started_from_current():
        del path[0]
    return path


def _started_from_current() -> bool:
    """Whether ``-m`` or ``-c`` put the current folder first, and our own code lies elsewhere."""
    package = os.path.abspath(sys.modules["divere_cli"].__file__ or "")
    package_parent = os.path.dirname(os.path.dirname(package))
    current_first = (
        any(word in ("-m", "-c") for word in sys.orig_argv[1:]) and not sys.flags.safe_path
    )
    return current_first and os.path.realpath(package_parent) != os.path.realpath(os.getcwd())


def command(role: str, argument: str) -> list[str]:
    """Return the command line that starts a process in a role.

    Parameters
    ----------
    role : str
        One of :data:`ROLES`.
    argument : str
        Its argument.
    """
    if getattr(sys, "frozen", False):
        return [sys.executable, FLAG, role, argument]
    module, _, name = ROLES[role].partition(":")
    code = _CODE.format(path=module_path(), module=module, name=name, argument=argument)
    flags = [f for f in subprocess._args_from_interpreter_flags() if f != "-P"]  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-P", "-c", code]


def answer(words: list[str]) -> None:
    """Run a role if the command line of a frozen program requests one; else return.

    Parameters
    ----------
    words : list of str
        The command line.
    """
    if len(words) == 3 and words[0] == FLAG and words[1] in ROLES:
        module, _, name = ROLES[words[1]].partition(":")
        getattr(importlib.import_module(module), name)(words[2])
        sys.exit(0)
