"""The journal as a run writes it: ``OUTPUT/.divere-journal.jsonl``, only ever appended to.

Covers repair of a torn last line, appending lines that are synced before anything relies
on them, and protection of files that are not this folder's own journal: a file with a
second name (a snapshot by hard links) or with other content is replaced by a new one. The
meaning of the lines is in :mod:`.state`, rewriting the journal in :mod:`.compaction`.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Sequence
from typing import Any

from divere_cli.batch.journal.lines import read
from divere_cli.batch.journal.record import Done, Failure, OutputStamp
from divere_cli.batch.journal.state import NAME, failed
from divere_cli.files import directory, durable
from divere_cli.files.output_folder import Folder
from divere_cli.records.history import RunFigures
from divere_cli.records.serialize import to_plain

log = logging.getLogger(__name__)

_APPEND = os.O_RDWR | os.O_APPEND
_TOGETHER = 1000
_LONGEST_LINE = 1 << 20
_BEGINS = b'{"kind":"'
_compact = json.JSONEncoder(separators=(",", ":")).encode


class Journal:
    """The journal of a run that holds the lock; every line is synced when a call returns."""

    def __init__(self, folder: Folder, fd: int, run_id: str, started: str = "") -> None:
        self._folder = folder
        self._fd = fd
        self._run_id = run_id
        self._started = started
        self.began = False

    @classmethod
    def open(cls, folder: Folder, run_id: str, started: str = "") -> Journal:
        """Open the journal for appending, or create it; a torn last line is cut off.

        Raises
        ------
        JournalFailed, NoSpaceLeft
        """
        fd = -1
        try:
            if _shared_or_foreign(folder):
                _renew(folder)
            try:
                fd = directory.open_regular(folder.handle, NAME, _APPEND)
            except FileNotFoundError:
                fd = folder.handle.open(NAME, _APPEND | os.O_CREAT | os.O_EXCL)
                durable.sync_folder(folder.handle)
            _mend(fd)
        except OSError as problem:
            if fd >= 0:  # do not leak: a service opens it again and again
                os.close(fd)
            raise failed(problem, "opened") from problem
        return cls(folder, fd, run_id, started)

    def check(self) -> str:
        """Check that the name still leads to this file; if not, write the whole file again.

        Returns
        -------
        str
            A warning, or empty.
        """
        try:
            current = self._folder.handle.stat(NAME)
        except FileNotFoundError:
            current = None
        opened = os.fstat(self._fd)
        if current is not None and (current.st_dev, current.st_ino) == (
            opened.st_dev,
            opened.st_ino,
        ):
            return ""
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            with open(os.dup(self._fd), "rb") as stream:
                durable.write_atomic_in(self._folder.handle, NAME, stream, replace=True)
        except OSError as problem:
            raise failed(problem, "rewritten") from problem
        return f"the journal '{NAME}' was removed or replaced during the run, and was written again"

    def end(self, figures: RunFigures | None = None) -> None:
        """Record the orderly end of the run and its figures, if it wrote anything."""
        if self.began:
            self._append("end", {} if figures is None else {"figures": to_plain(figures)})

    def release(self) -> None:
        """Close the journal; without :meth:`end` the next run searches for leftover files."""
        os.close(self._fd)

    def begin(self) -> None:
        """Record, once, that this run begins to make temporary files."""
        if not self.began:
            self._append("run", {"pid": os.getpid(), "started": self._started})
            self.began = True

    def publish(self, scan: str, outputs: tuple[OutputStamp, ...]) -> None:
        """Record outputs that are about to be published."""
        self._append("publish", {"input": scan, "outputs": to_plain(outputs)})

    def done(self, done: Done) -> None:
        """Record that a scan is done; its outputs must be durable."""
        self._append("done", to_plain(done))

    def failed(self, failure: Failure) -> None:
        """Record the final failure of a scan."""
        self._append("failed", to_plain(failure))

    def kept(self, outputs: Sequence[str]) -> None:
        """Record outputs that the user changed or adopted, so that runs keep them."""
        self._append("kept", {"outputs": list(outputs)})

    def renew(self, records: Sequence[Done]) -> None:
        """Record many scans as done again; lines are written and synced in groups."""
        for start in range(0, len(records), _TOGETHER):
            part = records[start : start + _TOGETHER]
            self._write("".join(self._line("done", to_plain(each)) for each in part))

    def _append(self, kind: str, fields: dict[str, Any]) -> None:
        self._write(self._line(kind, fields))

    def _line(self, kind: str, fields: dict[str, Any]) -> str:
        record = {"kind": kind, "run": self._run_id, **fields}
        return _compact(record) + "\n"

    def _write(self, lines: str) -> None:
        end = os.lseek(self._fd, 0, os.SEEK_END)
        try:
            durable.write_all(self._fd, lines.encode("ascii"))
            _sync(self._fd)
        except OSError as problem:
            _cut(self._fd, end)
            raise failed(problem, "written") from problem


def _shared_or_foreign(folder: Folder) -> bool:
    """Whether the file has a second name, or does not begin like a journal."""
    try:
        fd = directory.open_regular(folder.handle, NAME, os.O_RDONLY)
    except FileNotFoundError:
        return False
    with open(fd, "rb") as stream:
        first = stream.readline(_LONGEST_LINE)
        if os.fstat(fd).st_nlink > 1:
            return True
    return bool(first) and not first.startswith(_BEGINS)


def _renew(folder: Folder) -> None:
    """Replace the file by a copy; a file that is not a journal is kept under another name."""
    with open(directory.open_regular(folder.handle, NAME, os.O_RDONLY), "rb") as stream:
        lines = stream.readlines()
        records = [line for line, record in read(lines) if record is not None]
        if len(records) < len(lines):
            aside = f"{NAME}.not-ours-{secrets.token_hex(4)}"
            durable.write_atomic_in(folder.handle, aside, lines, replace=False)
            log.warning("'%s' held other things than a journal: kept as '%s'", NAME, aside)
        durable.write_atomic_in(folder.handle, NAME, records, replace=True)


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _cut(fd: int, size: int) -> None:
    """Remove a partly written line; if that fails too, the next run cuts it off."""
    try:
        os.ftruncate(fd, size)
    except OSError as problem:
        log.debug("half a journal line stays: %s", problem)


def _mend(fd: int) -> None:
    size = os.fstat(fd).st_size
    end = size
    while end:
        start = max(0, end - 65536)
        os.lseek(fd, start, os.SEEK_SET)
        newline = os.read(fd, end - start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end != size:
        log.warning("the journal ended in half a line (%d bytes): cut off", size - end)
        os.ftruncate(fd, end)
        os.fsync(fd)
