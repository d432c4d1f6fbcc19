"""Which scans have stopped changing, so that they can be graded.

Covers two looks and ``--settle`` on the monotonic clock (a wall clock that jumps changes
nothing), completeness, files that are done, and files that failed, which are left alone
until they change. Pure: looks in, paths out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from divere_cli.service.look import Look, Stamp

PATIENCE = 30.0  # further seconds without a change until an incomplete file is taken and fails

Fate = Literal["waiting", "taken", "done", "failed"]


@dataclass(slots=True)
class _File:
    stamp: Stamp
    since: float
    looks: int = 1
    fate: Fate = "waiting"


@dataclass(slots=True)
class Settling:
    """All files that the last look saw, and what became of each.

    Parameters
    ----------
    settle : float
        Seconds without a change.
    complete : callable
        Returns whether the file at a path is complete, as far as its format can tell.
    """

    settle: float
    complete: Callable[[str], bool]
    _files: dict[str, _File] = field(default_factory=dict)
    _presets: dict[str, Stamp] = field(default_factory=dict)

    def see(self, look: Look, now: float) -> None:
        """Compare a look at the monotonic time ``now`` with the one before."""
        for path in self._files.keys() - look.scans.keys():
            del self._files[path]
        for path, stamp in look.scans.items():
            known = self._files.get(path)
            if known is None or known.stamp != stamp:
                self._files[path] = _File(stamp, now)
            else:
                known.looks += 1
        if look.presets != self._presets:
            self._other_presets(look.presets, now)

    def _other_presets(self, presets: dict[str, Stamp], now: float) -> None:
        """Let files wait again where presets changed: the batch knows what that changes."""
        changed = {f for f in {*presets, *self._presets} if presets.get(f) != self._presets.get(f)}
        first, self._presets = not self._presets, dict(presets)
        if first:
            return
        for path, file in self._files.items():
            if os.path.dirname(path) in changed and file.fate in ("done", "failed"):
                file.fate, file.since, file.looks = "waiting", now, 1

    def ripe(self, now: float, most: int) -> list[str]:
        """Return at most ``most`` files that may be graded now, sorted by path."""
        found = []
        for path in sorted(p for p, file in self._files.items() if file.fate == "waiting"):
            file = self._files[path]
            rested = now - file.since
            if file.looks < 2 or rested < self.settle:
                continue
            if self.complete(path) or rested >= self.settle + PATIENCE:
                found.append(path)
                if len(found) == most:
                    break
        return found

    def take(self, paths: Iterable[str]) -> None:
        """Note that files are in work now."""
        for path in paths:
            if path in self._files:
                self._files[path].fate = "taken"

    def end(self, fates: dict[str, Fate], taken: Iterable[str]) -> None:
        """Note what became of files that were taken; those without a fate wait again."""
        for path in taken:
            file = self._files.get(path)
            if file is not None and file.fate == "taken":
                file.fate = fates.get(path, "waiting")

    def next_due(self, now: float) -> float | None:
        """Return the seconds until a file may be graded; None where none waits."""
        waiting = [f for f in self._files.values() if f.fate == "waiting"]
        if not waiting:
            return None
        return max(0.0, min(f.since + self.settle - now for f in waiting))

    def count(self, fate: Fate) -> int:
        """Return how many files have that fate."""
        return sum(file.fate == fate for file in self._files.values())

    @property
    def failed(self) -> set[str]:
        """Paths of the files that failed and have not changed since."""
        return {path for path, file in self._files.items() if file.fate == "failed"}

    def stamps(self, paths: Iterable[str]) -> dict[str, Stamp]:
        """Return files as the last look saw them, by path."""
        return {path: self._files[path].stamp for path in paths}
