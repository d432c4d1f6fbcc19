"""``--manifest`` and ``--bag``: the files that an archive needs beside a run's positives.

Covers which files are listed, digests already recorded in the journal, and the order of
writing: the payload is complete before it is listed. The format of the files is in
``archive``.
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
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder
from divere_cli.system import cpus
from divere_cli.text import quote

_MOST_BYTES = 1 << 30
_NO_PAYLOAD = (".divere-",)


def check(outputs: Outputs, folder: Folder) -> None:
    """Raise ``PlanError`` if positives would be written beside a bag and not into it.

    Parameters
    ----------
    outputs : Outputs
        Settings of the outputs.
    folder : Folder
        The output folder, held open.
    """
    if not outputs.bag and folder.look(bag.DECLARATION) is not None:
        raise PlanError(
            f"OUTPUT {quote(folder.path)} is a bag: positives would not be part of it",
            hint="add --bag, or choose another OUTPUT",
        )


def write(outputs: Outputs, folder: Folder) -> None:
    """Write the manifest of all files now in OUTPUT, and the tag files of a bag.

    Parameters
    ----------
    outputs : Outputs
        Settings of the outputs.
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
                durable.write_atomic_in(folder.handle, name, [data], replace=True, mode=mode)
    except OSError as error:
        raise OutputUnusable(
            f"OUTPUT {quote(folder.path)}: the manifest cannot be written: {error.strerror}",
            hint=f"move away what is called {manifest.NAME} there; all positives stay",
        ) from error


def _entries(outputs: Outputs, folder: Folder) -> tuple[dict[str, str], int]:
    """Return SHA-256 by name of every listed file, and their total size in bytes."""
    recorded_files = {
        output.name: output
        for done in journal_state.load(folder).done.values()
        for output in done.outputs
    }
    try:
        listed = manifest.parse(_content(folder, manifest.NAME))
    except UsageError:
        listed = {}  # damaged: computed again from the files
    names = set(_payload(folder)) if outputs.bag else {*recorded_files, *listed}
    entries: dict[str, str] = {}
    unknown: list[tuple[str, str]] = []
    size = 0
    for name in sorted(names):
        status = folder.look(name)
        if status is None or not stat.S_ISREG(status.st_mode):
            continue
        size += status.st_size
        recorded = recorded_files.get(name)
        present = (status.st_size, status.st_mtime_ns)
        if recorded and recorded.sha256 and present == (recorded.size, recorded.mtime_ns):
            entries[name] = recorded.sha256
        elif recorded is None and not outputs.bag:
            entries[name] = listed[name]
        else:
            unknown.append((name, os.path.join(folder.path, name)))
    for hashed in hashing.hash_all(unknown, cpus.usable()):
        if hashed.sha256:
            entries[hashed.name] = hashed.sha256
    return entries, size


def _payload(folder: Folder) -> Iterator[str]:
    """Yield the names of all files in a bag's payload, whoever wrote them."""
    root = os.path.join(folder.path, bag.PAYLOAD)
    for folder_path, _, files in os.walk(root):
        below = os.path.relpath(folder_path, folder.path).replace(os.sep, "/")
        for name in files:
            if not name.startswith(_NO_PAYLOAD):
                yield f"{below}/{name}"


def _content(folder: Folder, name: str) -> bytes:
    """Return the content of a file directly in OUTPUT; empty if it does not exist."""
    try:
        with open(directory.open_regular(folder.handle, name, os.O_RDONLY), "rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return b""
