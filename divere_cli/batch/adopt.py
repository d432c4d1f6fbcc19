"""Adopt positives that were changed by hand: runs keep them from then on, without an error.

Covers finding the files in OUTPUT and the line in its journal. How a run treats them is
in :mod:`.staleness`.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import closing

from divere_cli.batch.journal.writer import Journal
from divere_cli.errors import InputMissing, OutputUnusable, UsageError
from divere_cli.files.lock import Lock
from divere_cli.files.output_folder import Folder


def adopt(output: str, files: Sequence[str]) -> tuple[str, ...]:
    """Record that files in OUTPUT belong to the user and must be kept.

    Parameters
    ----------
    output : str
        The output folder of a batch.
    files : sequence of str
        Paths of files in it, or their names below it.

    Returns
    -------
    tuple of str
        Names below OUTPUT.

    Raises
    ------
    UsageError, InputMissing
        A file is outside OUTPUT or does not exist; nothing was recorded.
    OutputUnusable, OutputLocked, JournalFailed, NoSpaceLeft
    """
    folder = Folder.open(output, create=False)
    if folder is None:
        raise OutputUnusable(f"OUTPUT '{output}' does not exist")
    with closing(folder):
        names = tuple(dict.fromkeys(_name(folder, file) for file in files))
        lock = Lock.take(folder, create=True, pause=None)
        assert lock is not None
        try:
            journal = Journal.open(folder, secrets.token_hex(4))
            try:
                journal.kept(names)
            finally:
                journal.release()
        finally:
            lock.release()
    return names


def _name(folder: Folder, file: str) -> str:
    root = os.path.realpath(folder.path)
    path = os.path.join(os.path.realpath(os.path.dirname(file) or "."), os.path.basename(file))
    inside = os.path.relpath(path, root).replace(os.sep, "/")
    if inside.startswith("../") or not os.path.lexists(path):
        inside = file.replace(os.sep, "/")
    if os.path.isabs(inside) or inside.startswith("../"):
        raise UsageError(f"'{file}' is not in OUTPUT '{folder.path}'")
    status = folder.look(inside)
    if status is None:
        raise InputMissing(f"'{file}': there is no such file in OUTPUT '{folder.path}'")
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"'{file}' is not a file")
    return inside
