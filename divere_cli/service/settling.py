"""Finds the scans that have stopped changing and can be graded.

Covers the rule (two looks without a change, and ``--settle`` on the monotonic clock, so that a
wall clock that jumps changes nothing), completeness, files that are done, and files that failed,
which are left alone until they change. Only the mark of a file that is done is kept
(:mod:`.look`), 70 bytes. No side effects: looks in, paths out.
"""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from divere_cli.service.look import Look, Stamp, mark

PATIENCE = 30.0  # further seconds without a change until an incomplete file is taken and fails
ENOUGH = 2  # looks that must see a file without a change
AGAIN_SECONDS = 300.0  # until a file is tried again after a temporary failure

Fate = Literal["waiting", "taken", "done", "failed", "again"]
"""``again``: it failed for a temporary reason; it is tried again without a change of the file."""


@dataclass(slots=True)
class _File:
    """``since`` is when a look saw the last change, for ``again`` when the file failed."""

    stamp: Stamp
    since: float
    looks: int = 1
    fate: Fate = "waiting"

    def due(self, settle: float) -> float:
        """Return when the file may be graded; infinite if it needs no work."""
        if self.fate == "waiting":
            return self.since + settle
        return self.since + AGAIN_SECONDS if self.fate == "again" else math.inf


@dataclass(slots=True)
class Settling:
    """All files of the last look, and the state of each.

    Parameters
    ----------
    settle : float
        Seconds without a change.
    complete : callable
        Returns whether the file at a path is complete, as far as its format shows.

    Attributes
    ----------
    rest : set of int
        Marks of the files that are done, for the next look. One of a file that is gone or
        has changed stays until a look returns the marks of all that it saw (``untidy``).
    """

    settle: float
    complete: Callable[[str], bool]
    rest: set[int] = field(default_factory=set)
    untidy: bool = False
    _done: int = 0
    _files: dict[str, _File] = field(default_factory=dict)  # all but those at rest
    _open: dict[str, _File] = field(default_factory=dict)  # waiting, taken or again: few of many
    _failed: set[str] = field(default_factory=set)  # by fate ``failed``
    _presets: dict[str, Stamp] | None = None

    def see(self, look: Look, now: float) -> None:
        """Compare a look at the monotonic time ``now`` with the one before."""
        before, self._presets = self._presets, look.presets
        self._done = look.resting
        for path in self._files.keys() - look.scans.keys():
            del self._files[path]
            self._put(path, None)
        for path, stamp in look.scans.items():
            file = self._files.get(path)
            if file is None or file.stamp != stamp:
                self._meet(path, stamp, now, look)
            elif file.looks < ENOUGH:
                file.looks += 1
        if before is not None and before != look.presets:
            folders = before.keys() | look.presets.keys()
            self._wait_in({f for f in folders if before.get(f) != look.presets.get(f)}, now)
        if look.marks is not None:
            self.rest = look.marks
        self.untidy = self._done < len(self.rest)

    def _meet(self, path: str, stamp: Stamp, now: float, look: Look) -> None:
        """Take in a file that is new, has changed, or is at rest after all."""
        number = mark(path, stamp, look.presets.get(os.path.dirname(path)))
        if number not in self.rest:
            self._files[path] = _File(stamp, now)
            self._put(path, self._files[path])
            return
        if self._files.pop(path, None) is not None:
            self._put(path, None)
        self._done += 1
        if look.marks is not None:
            look.marks.add(number)

    def _wait_in(self, folders: set[str], now: float) -> None:
        """Let files wait again where presets changed: the batch decides which to grade again."""
        for path, file in self._files.items():
            if os.path.dirname(path) in folders and file.fate in ("failed", "again"):
                file.fate, file.since, file.looks = "waiting", now, 1
                self._put(path, file)

    def _put(self, path: str, file: _File | None) -> None:
        """Sort a file by its fate; None removes it."""
        self._open.pop(path, None)
        self._failed.discard(path)
        if file is not None and file.fate in ("waiting", "taken", "again"):
            self._open[path] = file
        elif file is not None and file.fate == "failed":
            self._failed.add(path)

    def ripe(self, now: float, most: int) -> list[str]:
        """Return at most ``most`` files that may be graded now, sorted by path."""
        paths: list[str] = []
        for path in sorted(p for p, f in self._open.items() if f.due(self.settle) <= now):
            file = self._open[path]
            if file.looks < ENOUGH:
                continue
            if now >= file.due(self.settle) + PATIENCE or self.complete(path):
                paths.append(path)
                if len(paths) == most:
                    break
        return paths

    def take(self, paths: Iterable[str]) -> None:
        """Mark files as being graded."""
        for path in paths:
            if path in self._open:
                self._open[path].fate = "taken"

    def end(self, fates: Mapping[str, Fate], paths: Iterable[str], now: float) -> None:
        """Record the results of graded files; files without a result wait again."""
        for path in paths:
            file = self._open.get(path)
            if file is not None and file.fate == "taken":
                file.fate = fates.get(path, "waiting")
                if file.fate == "again":
                    file.since = now
                self._put(path, file)
                if file.fate == "done":
                    self._rest(path, file)

    def _rest(self, path: str, file: _File) -> None:
        del self._files[path]
        self.rest.add(mark(path, file.stamp, (self._presets or {}).get(os.path.dirname(path))))
        self._done += 1

    def next_due(self, now: float) -> float | None:
        """Return the seconds until the next file has settled; None if no file waits for that.

        Files that have settled but are incomplete are checked at every interval.
        """
        due = (file.due(self.settle) for file in self._open.values())
        soon = min((each for each in due if each > now), default=math.inf)
        return None if soon == math.inf else soon - now

    def count(self, fate: Fate) -> int:
        """Return the number of files with this fate."""
        if fate == "failed":
            return len(self._failed)
        if fate == "done":
            return self._done
        return sum(file.fate == fate for file in self._open.values())

    def queue(self, most: int) -> list[str]:
        """Return the first ``most`` paths, sorted, of files that wait or are being graded."""
        return heapq.nsmallest(most, (p for p, f in self._open.items() if f.fate != "again"))

    @property
    def failed(self) -> set[str]:
        """Paths of the files that failed and have not changed since."""
        return self._failed | {p for p, file in self._open.items() if file.fate == "again"}

    def stamps(self, paths: Iterable[str]) -> dict[str, Stamp]:
        """Return the stamps of files at the last look, by path."""
        return {path: self._files[path].stamp for path in paths}
