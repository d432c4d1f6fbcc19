"""The journal as a run writes it: ``OUTPUT/.divere-journal.jsonl``, only ever appended to.

Covers mending a torn tail, and appending lines that are on the device before
anything relies on them. What it does not: what the lines say (:mod:`history`), and
writing it anew before a run (:mod:`compaction`).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from typing import Any

from divere_cli.batch.journal.state import NAME, Done, OutputStamp, failed
from divere_cli.files import durable
from divere_cli.files.output_folder import Folder
from divere_cli.records.serialize import to_plain

log = logging.getLogger(__name__)

_APPEND = os.O_RDWR | os.O_APPEND
_TOGETHER = 1000


class Journal:
    """The journal of a run that holds the lock; every line is on the device when a call returns."""

    def __init__(self, fd: int, run_id: str) -> None:
        self._fd = fd
        self._run_id = run_id
        self._began = False

    @classmethod
    def open(cls, folder: Folder, run_id: str) -> Journal:
        """Open it for appending, made if absent; a torn last line is cut off.

        Raises
        ------
        JournalFailed, NoSpaceLeft
        """
        try:
            try:
                fd = folder.place.open(NAME, _APPEND)
            except FileNotFoundError:
                fd = folder.place.open(NAME, _APPEND | os.O_CREAT | os.O_EXCL)
                durable.sync_folder(folder.place)
            _mend(fd)
        except OSError as problem:
            raise failed(problem, "opened") from problem
        return cls(fd, run_id)

    def end(self) -> None:
        """Say that the run ended in order, if it did anything."""
        if self._began:
            self._append("end", {})

    def release(self) -> None:
        """Let go; without :meth:`end` the next run looks for what this one left."""
        os.close(self._fd)

    def begin(self) -> None:
        """Say that this run begins to make temporary files; once."""
        if not self._began:
            self._append("run", {"pid": os.getpid()})
            self._began = True

    def publish(self, scan: str, outputs: tuple[OutputStamp, ...]) -> None:
        """Say what is about to be published."""
        self._append("publish", {"input": scan, "outputs": to_plain(outputs)})

    def done(self, done: Done) -> None:
        """Say that a scan is done; its outputs must be durable."""
        self._append("done", to_plain(done))

    def renew(self, records: Sequence[Done]) -> None:
        """Say again what is done, of many scans at once: they are synced together."""
        for start in range(0, len(records), _TOGETHER):
            part = records[start : start + _TOGETHER]
            self._write("".join(self._line("done", to_plain(each)) for each in part))

    def _append(self, kind: str, fields: dict[str, Any]) -> None:
        self._write(self._line(kind, fields))

    def _line(self, kind: str, fields: dict[str, Any]) -> str:
        said = {"kind": kind, "run": self._run_id, **fields}
        return json.dumps(said, separators=(",", ":")) + "\n"

    def _write(self, lines: str) -> None:
        end = os.lseek(self._fd, 0, os.SEEK_END)
        try:
            durable.write_all(self._fd, lines.encode("ascii"))
            _sync(self._fd)
        except OSError as problem:
            _cut(self._fd, end)
            raise failed(problem, "written") from problem


def _sync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _cut(fd: int, size: int) -> None:
    """Take back half a line; where that fails too, the next run cuts it off."""
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
        found = os.read(fd, end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        log.warning("the journal ended in half a line (%d bytes): cut off", size - end)
        os.ftruncate(fd, end)
        os.fsync(fd)
