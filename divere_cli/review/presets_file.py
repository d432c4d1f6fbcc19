"""The ``divere_presets.json`` of a folder, shared by several writers.

Covers reading it again after a change, a version number for each state, writing single
entries while all other content stays, and refusing writers with an old version: another
tab, or another program (which takes no lock; its change is found in the content). The
meaning of entries is in ``profile``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from divere_cli.errors import OutputUnusable, ProfileError
from divere_cli.files import durable, regular
from divere_cli.profile import crops, loading, own_entry, strict_json
from divere_cli.profile.schema import FOLDER_DEFAULT
from divere_cli.profile.strict_json import Json

OWN, OWN_TYPE = own_entry.KEY, own_entry.TYPE
MARKS = ("done", "reject")
CHECKED = ", as it was sent"
_STEP_NS = 2 * 10**9  # the coarsest step of a file's time: FAT has 2 s

Document = dict[str, Json]


class Stale(Exception):
    """A writer had an older version than ``version``; nothing was written."""

    def __init__(self, version: int, by_another_program: bool) -> None:
        super().__init__(f"the presets are at version {version} by now")
        self.version = version
        self.by_another_program = by_another_program


@dataclass(frozen=True, slots=True)
class State:
    """The state of the file at one moment.

    ``problem`` is set if it cannot be read; then it is not overwritten. ``foreign`` is the
    last version that another program wrote, 0 if none.
    """

    version: int
    document: Document = field(default_factory=dict)
    problem: str = ""
    foreign: int = 0

    def entry(self, name: str) -> Json:
        """Return the entry of a scan; None if there is none."""
        key = key_of(self.document, name)
        return None if key is None else self.document[key]

    def mark(self, name: str) -> str | None:
        """Return the mark of a scan: ``done``, ``reject`` or None."""
        mark = _scan(self.document, name).get("mark")
        return mark if isinstance(mark, str) and mark in MARKS else None


@dataclass(frozen=True, slots=True)
class Change:
    """Entries and marks to write; None removes one."""

    entries: Mapping[str, Json] = field(default_factory=dict)
    marks: Mapping[str, str | None] = field(default_factory=dict)


class PresetsFile:
    """The file at ``path``, which need not exist yet. Any thread may call."""

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._turn = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._digest: bytes | None = None
        self._state = State(0)
        with self._turn:
            self._refresh()

    def read(self) -> State:
        """Return the current state; a change by another program is a new version."""
        with self._turn:
            return self._refresh()

    def write(self, version: int, change: Change) -> State:
        """Write a change that was made to ``version``.

        Raises
        ------
        Stale
            There is a newer version.
        ProfileError
            The file cannot be read, or an entry is invalid.
        OutputUnusable
            The file cannot be written.
        """
        check(change)
        with self._turn, locked(os.path.dirname(self.path)):
            state = self._refresh()
            if state.version != version:
                raise Stale(state.version, state.foreign > version)
            if state.problem:
                raise ProfileError(
                    state.problem, hint="repair or move the file: it is not overwritten"
                )
            data = merged(state.document, change)
            _put(self.path, data)
            self._stamp = None  # read again: another program may have written since
            self._digest = hashlib.sha256(data).digest()
            document = strict_json.parse(data, self.path)
            assert isinstance(document, dict)
            self._state = State(state.version + 1, document, "", state.foreign)
            return self._state

    def _refresh(self) -> State:
        stamp = _stamp(self.path)
        if stamp == self._stamp and self._state.version and _at_rest(stamp):
            return self._state
        data = _bytes(self.path)
        digest = None if data is None else hashlib.sha256(data).digest()
        self._stamp = stamp
        if self._state.version and digest == self._digest:
            return self._state
        document, problem = _document(data, self.path)
        version = self._state.version + 1
        self._digest = digest
        self._state = State(version, document, problem, version if version > 1 else 0)
        return self._state


def check(change: Change) -> None:
    """Raise ProfileError unless a batch can grade by each entry.

    Parameters
    ----------
    change : Change
        The entries to change.
    """
    for name, entry in change.entries.items():
        if entry is None:
            continue
        label = name + CHECKED
        if name == OWN:
            if not isinstance(entry, dict) or entry.get("type") != OWN_TYPE:
                raise ProfileError(f"{label}: allowed: an object of type {OWN_TYPE!r}")
            continue
        crops.cuts(loading.preset(entry, label))
    for name, mark in change.marks.items():
        if mark is not None and mark not in MARKS:
            raise ProfileError(f"{name}: there is no mark {mark!r}; allowed: {', '.join(MARKS)}")


def merged(document: Document, change: Change) -> bytes:
    """Return the content of the file after a change; other entries stay, in order.

    Parameters
    ----------
    document : Document
        The presets file as it was read.
    change : Change
        The entries to change.
    """
    made: Document = dict(document)
    for name, entry in change.entries.items():
        key = key_of(made, name) or name
        if entry is None:
            made.pop(key, None)
        else:
            made[key] = entry
    for name, mark in change.marks.items():
        _put_mark(made, name, mark)
    try:
        data = json.dumps(made, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except ValueError as error:  # a NaN, or a name that is no UTF-8
        raise ProfileError(f"a preset cannot be written: {error}") from None
    label = "the presets to be written"
    if len(data) > loading.MAX_FOLDER_BYTES:
        raise ProfileError(f"{label} are {len(data)} bytes; allowed: {loading.MAX_FOLDER_BYTES}")
    loading.folder(strict_json.parse(data, label), label)
    return data


def key_of(document: Document, name: str) -> str | None:
    """Return the key of a scan; NFC and NFD are the same name.

    Parameters
    ----------
    document : Document
        The presets file as it was read.
    name : str
        Name of the scan.
    """
    if name in document:
        return name
    normal_name = loading.normal(name)
    return next((key for key in document if loading.normal(key) == normal_name), None)


def reserved(name: str) -> bool:
    """Return whether a key of the file is not the name of a scan.

    Parameters
    ----------
    name : str
        The name.
    """
    return name in (OWN, FOLDER_DEFAULT)


def _put_mark(document: Document, name: str, mark: str | None) -> None:
    entry = document.get(OWN)
    own_data: Document = dict(entry) if isinstance(entry, dict) else {"type": OWN_TYPE}
    listed = own_data.get("scans")
    scans: Document = dict(listed) if isinstance(listed, dict) else {}
    key = key_of(scans, name) or name
    previous = scans.get(key)
    scan: Document = dict(previous) if isinstance(previous, dict) else {}
    if mark is None:
        scan.pop("mark", None)
    else:
        scan["mark"] = mark
    if scan:
        scans[key] = scan
    else:
        scans.pop(key, None)
    if mark is not None or OWN in document:
        document[OWN] = {**own_data, "scans": scans}


def own_scan(document: Document, name: str) -> Document:
    """Return the data of divere about a scan; empty if there is none.

    Parameters
    ----------
    document : Document
        The presets file as it was read.
    name : str
        Name of the scan.
    """
    return _scan(document, name)


def _scan(document: Document, name: str) -> Document:
    own_data = document.get(OWN)
    scans = own_data.get("scans") if isinstance(own_data, dict) else None
    if not isinstance(scans, dict):
        return {}
    key = key_of(scans, name)
    scan = None if key is None else scans[key]
    return scan if isinstance(scan, dict) else {}


def _document(data: bytes | None, path: str) -> tuple[Document, str]:
    if data is None:
        return {}, ""
    try:
        document = strict_json.parse(data, path)
        loading.folder(document, path)
    except ProfileError as error:
        return {}, error.message
    assert isinstance(document, dict)
    return document, ""


def _put(path: str, data: bytes) -> None:
    try:
        durable.write_atomic(path, data, replace=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputUnusable(f"{path}: cannot be written: {why}") from error


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb", opener=regular.opener) as file:
            return file.read(loading.MAX_FOLDER_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror}") from None


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns


def _at_rest(stamp: tuple[int, ...]) -> bool:
    """Return whether a change would show in the stamp: times count in steps of milliseconds."""
    return not stamp or abs(time.time_ns() - stamp[0]) > _STEP_NS


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Lock the folder against other processes of divere; no file is created.

    Where folders cannot be locked (Windows, some shares), only the version number shows
    which writer was late.

    Parameters
    ----------
    folder : str
        Path of the folder.
    """
    try:
        import fcntl

        fd = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
