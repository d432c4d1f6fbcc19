"""``--manifest`` and ``--bag``: what an archive wants beside the positives of a run.

Covers which files are listed, digests that the journal knows already, and the order of
writing: the payload stands before it is listed. Not covered: the form of those files
(``archive``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime

from divere_cli import __version__
from divere_cli.archive import bag, hashing, manifest
from divere_cli.batch.journal import state as journal_state
from divere_cli.batch.request import Outputs
from divere_cli.errors import OutputUnusable, PlanError, UsageError
from divere_cli.files import durable
from divere_cli.files.output_folder import Folder
from divere_cli.system import cpus
from divere_cli.text import quote

_MOST_BYTES = 1 << 30
_NO_PAYLOAD = (".divere-",)


def check(outputs: Outputs, folder: Folder) -> None:
    """Raise ``PlanError`` where positives would be beside a bag and not in it.

    Parameters
    ----------
    outputs : Outputs
        What is written, and where.
    folder : Folder
        The output folder, held open.
    """
    if not outputs.bag and folder.look(bag.DECLARATION) is not None:
        raise PlanError(
            f"OUTPUT {quote(folder.path)} is a bag: positives would not be part of it",
            hint="add --bag, or choose another OUTPUT",
        )


def write(outputs: Outputs, folder: Folder) -> None:
    """Write the manifest of everything that OUTPUT holds now, and a bag's own files.

    Parameters
    ----------
    outputs : Outputs
        What is written, and where.
    folder : Folder
        The output folder, held open.

    Raises
    ------
    OutputUnusable, JournalFailed
    """
    try:
        entries, size = _entries(outputs, folder)
        files = {manifest.NAME: manifest.text(entries)}
        if outputs.bag:
            now = datetime.now(UTC).date().isoformat()
            files[bag.DECLARATION] = bag.declaration()
            files[bag.INFO] = bag.info(
                _content(folder, bag.INFO),
                day=now,
                agent=f"divere {__version__}",
                size=size,
                count=len(entries),
            )
            files[bag.TAGS] = bag.tag_manifest(files)
        for name, data in files.items():
            if _content(folder, name) != data:
                mode = durable.usual_mode()
                durable.write_atomic_in(folder.place, name, [data], replace=True, mode=mode)
    except OSError as error:
        raise OutputUnusable(
            f"OUTPUT {quote(folder.path)}: the manifest cannot be written: {error.strerror}"
        ) from error


def _entries(outputs: Outputs, folder: Folder) -> tuple[dict[str, str], int]:
    """SHA-256 by name of every file that is listed, and their bytes together."""
    known = {
        output.name: output
        for done in journal_state.load(folder).done.values()
        for output in done.outputs
    }
    try:
        listed = manifest.parse(_content(folder, manifest.NAME))
    except UsageError:
        listed = {}  # damaged: made anew from the files
    names = set(_payload(folder)) if outputs.bag else {*known, *listed}
    entries: dict[str, str] = {}
    unknown: list[tuple[str, str]] = []
    size = 0
    for name in sorted(names):
        status = folder.look(name)
        if status is None or not stat.S_ISREG(status.st_mode):
            continue
        size += status.st_size
        recorded = known.get(name)
        present = (status.st_size, status.st_mtime_ns)
        if recorded and recorded.sha256 and present == (recorded.size, recorded.mtime_ns):
            entries[name] = recorded.sha256
        elif recorded is None and not outputs.bag:
            entries[name] = listed[name]
        else:
            unknown.append((name, os.path.join(folder.path, name)))
    for found in hashing.hash_all(unknown, cpus.usable()):
        if found.sha256:
            entries[found.name] = found.sha256
    return entries, size


def _payload(folder: Folder) -> Iterator[str]:
    """Names of all files in a bag's payload, whoever put them there."""
    root = os.path.join(folder.path, bag.PAYLOAD)
    for where, _, files in os.walk(root):
        below = os.path.relpath(where, folder.path).replace(os.sep, "/")
        for name in files:
            if not name.startswith(_NO_PAYLOAD):
                yield f"{below}/{name}"


def _content(folder: Folder, name: str) -> bytes:
    """The content of a file at the top of OUTPUT; empty where there is none."""
    try:
        with open(folder.place.open(name, os.O_RDONLY), "rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return b""
