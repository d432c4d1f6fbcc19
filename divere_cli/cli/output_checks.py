"""Check and write files whose path is given by an option, such as reports and logs.

A path is refused before any work if its folder does not exist, or if it would overwrite a
scan, a preset or another file that the command reads. Positives are published by ``batch``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from divere_cli.batch import discover
from divere_cli.errors import OutputUnusable, UsageError
from divere_cli.files import durable
from divere_cli.profile.schema import FOLDER_FILE
from divere_cli.text import quote

_OURS = ".divere-"  # journal, lock and temporary files in OUTPUT


def check(
    option: str,
    path: str,
    reads: Iterable[str] = (),
    made: str | None = None,
    *,
    picture: bool = False,
) -> None:
    """Raise UsageError if writing to ``path`` would overwrite something else.

    Parameters
    ----------
    option : str
        The option that names the file, for the message.
    path : str
        Path of the file to write.
    reads : iterable of str
        Files that the command reads; other values than paths are ignored.
    made : str, optional
        A folder that the command creates if it does not exist.
    picture : bool
        The written file is a picture, and may have the suffix of one.

    Raises
    ------
    UsageError
        The folder does not exist, or the path belongs to another file.
    """
    folder, name = os.path.split(path)
    folder = folder or "."
    to_come = made is not None and os.path.abspath(folder) == os.path.abspath(made)
    if not to_come and not os.path.isdir(folder):
        raise UsageError(f"{option} {quote(path)}: the folder {quote(folder)} does not exist")
    suffix = os.path.splitext(name)[1].lower()
    scan = suffix in discover.SUFFIXES and not picture
    if name == FOLDER_FILE or name.startswith(_OURS) or scan:
        raise UsageError(
            f"{option} {quote(path)}: would overwrite a scan or a file of divere's own"
        )
    if any(_same(path, read_path) for read_path in reads):
        raise UsageError(f"{option} {quote(path)}: would overwrite a file that the command reads")


def save(path: str, data: bytes, *, replace: bool = True) -> None:
    """Write a file atomically: other programs see the old file or the new one.

    Parameters
    ----------
    path : str
        Path of the file.
    data : bytes
        Its content.
    replace : bool, default True
        Whether a file that exists is replaced.

    Raises
    ------
    OutputUnusable
        The file cannot be written; nothing was changed.
    """
    try:
        durable.write_atomic(path, data, replace=replace)
    except FileExistsError as error:
        raise UsageError(f"{quote(path)} exists: choose another name or remove it") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputUnusable(f"{path}: cannot be written: {reason}") from error


def _same(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)
    except (OSError, ValueError):
        return False
