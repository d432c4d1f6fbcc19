"""The scans of one folder, as the page lists them.

Covers which files are scans, their headers, why a file cannot be a scan, and that no name
leads out of the folder. Sub-folders are other rolls. Pixels are not read here.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from dataclasses import dataclass

from divere_cli.errors import CorruptInput, DivereError, InputMissing, Unreadable, Unsupported
from divere_cli.image import header as headers
from divere_cli.image.layout import Header

SUFFIXES = frozenset(headers.EXPECTED)
JOURNAL = ".divere-journal.jsonl"  # marks a folder of positives


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan; ``header`` is None if the scan cannot be used, for the reason in ``message``."""

    name: str
    path: str
    stamp: tuple[int, int, int]
    header: Header | None
    message: str = ""
    hint: str = ""


class Roll:
    """The scans below one folder. Any thread may call.

    Raises
    ------
    InputMissing
        There is no such folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.realpath(folder)
        self._turn = threading.Lock()
        self._cache: dict[str, Scan] = {}
        if not os.path.isdir(self.folder):
            raise InputMissing(f"'{folder}' is not a folder")

    def scans(self) -> list[Scan]:
        """Return all scans by name; headers of changed files are read again.

        Raises
        ------
        InputMissing
            The folder is gone.
        """
        with self._turn:
            scans = {name: self._scan(name) for name in self._names()}
            self._cache = {name: scan for name, scan in scans.items() if scan is not None}
            return list(self._cache.values())

    def folders(self) -> list[str]:
        """Return the names of sub-folders that hold scans, positives of a run left out.

        Each is a roll with a presets file of its own and is reviewed by itself.
        """
        names = []
        with contextlib.suppress(OSError), os.scandir(self.folder) as listing:
            names = [entry.name for entry in listing if _holds_scans(entry)]
        return sorted(names)

    def find(self, name: str) -> Scan | None:
        """Return the scan called ``name`` in its present state; None if there is none."""
        if not plain(name) or os.path.splitext(name)[1].lower() not in SUFFIXES:
            return None
        with self._turn:
            scan = self._scan(name)
            if scan is not None:
                self._cache[name] = scan
            return scan

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as listing:
                return sorted(e.name for e in listing if _is_scan_name(e.name))
        except OSError as error:
            raise InputMissing(f"'{self.folder}' cannot be listed: {error.strerror}") from error

    def _scan(self, name: str) -> Scan | None:
        path = os.path.join(self.folder, name)
        try:
            status = os.stat(path)
        except OSError:
            return None
        if stat.S_ISDIR(status.st_mode):
            return None
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
        cached = self._cache.get(name)
        if cached is not None and cached.stamp == stamp:
            return cached
        try:
            return Scan(name, path, stamp, self._header(path, status))
        except DivereError as error:
            return Scan(name, path, stamp, None, error.message, error.hint)
        except Exception as error:  # noqa: BLE001 - one bad file must not hide the others
            problem = CorruptInput(f"its header cannot be read: {type(error).__name__}")
            return Scan(name, path, stamp, None, problem.message, problem.hint)

    def _header(self, path: str, status: os.stat_result) -> Header:
        if os.path.dirname(os.path.realpath(path)) != self.folder:
            raise Unreadable("is a link out of the folder", hint="copy the scan into the folder")
        if not stat.S_ISREG(status.st_mode):
            raise Unsupported("is not a regular file", hint="")
        return headers.read(path)


def _holds_scans(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or not entry.is_dir(follow_symlinks=False):
        return False
    try:
        with os.scandir(entry.path) as listing:
            names = [inner.name for inner in listing]
    except OSError:
        return False
    return JOURNAL not in names and any(map(_is_scan_name, names))


def plain(name: str) -> bool:
    """Return whether a name can only be that of a file directly in the folder.

    Parameters
    ----------
    name : str
        The name.
    """
    return bool(name) and name not in (".", "..") and not set(name) & {"/", "\\", "\0"}


def _is_scan_name(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
