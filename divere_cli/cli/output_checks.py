"""Files that a command writes where it is told to: reports and logs.

Covers refusing, before any work, a folder that is not there and the place of a
file that is somebody's work: a scan, a preset, whatever else the command reads.
What it does not: positives, which ``batch`` publishes.
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
    """Refuse to write to ``path``, as ``option`` asks, where that would harm something.

    Parameters
    ----------
    option : str
        The option that names the file, for the message.
    path : str
        Path of the file to write.
    reads : iterable of str
        Files that the command reads; what is no path of a file does not matter.
    made : str, optional
        A folder that the command makes if it is not there.
    picture : bool
        What is written is a picture itself, and may have the suffix of one.

    Raises
    ------
    UsageError
        There is no such folder, or the place is taken.
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
    """Write a file at once: another program sees the old one or the new one.

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
        Nothing was changed.
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
