"""The lock on OUTPUT, which the service holds while it watches.

Covers taking it, detecting that OUTPUT is missing or another folder (a share that was
unmounted), and giving it back. Not covered: what is written there (the batch).
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from divere_cli.errors import OutputUnusable
from divere_cli.files.lock import Lock
from divere_cli.files.output_folder import Folder


class HeldOutput:
    """The lock of one OUTPUT folder at a time."""

    def __init__(self) -> None:
        self._locked: ExitStack | None = None
        self._identity: tuple[int, int] | None = None

    def take(self, path: str, *, create: bool) -> None:
        """Lock the folder, so that no batch works in it beside the service.

        Parameters
        ----------
        path : str
        create : bool
            Make the folder if it is absent: only right when the service starts. Later, an
            absent folder is a share that is not mounted, and an empty one its mount point.

        Raises
        ------
        OutputLocked
            Another run holds it.
        OutputUnusable
            It is missing, or a folder that no run has used.
        """
        with ExitStack() as stack:
            folder = Folder.open(path, create=create)
            if folder is not None:
                stack.callback(folder.close)
            lock = None if folder is None else Lock.take(folder, create=create, pause=None)
            if lock is None:
                raise OutputUnusable(
                    f"OUTPUT '{path}' is missing, or another folder than before",
                    hint="is its share mounted?",
                )
            stack.callback(lock.release)
            self._identity = _identity(path)
            self._locked = stack.pop_all()

    def keep(self, path: str) -> None:
        """Check that the folder at ``path`` is the locked one; lock it again if it came back.

        Raises
        ------
        OutputLocked, OutputUnusable
        """
        if self._locked is not None and _identity(path) != self._identity:
            self.give_back()
        if self._locked is None:
            self.take(path, create=False)

    def give_back(self) -> None:
        """Release the lock, if it is held."""
        stack, self._locked = self._locked, None
        if stack is not None:
            stack.close()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
