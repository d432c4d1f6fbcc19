"""Result of the walk through INPUT: scans in order, and warnings about other files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from divere_cli.errors import ScanError
from divere_cli.records.job import Stamp

_NO_STAMP = Stamp(0, 0)


@dataclass(frozen=True, slots=True)
class Scan:
    """One picture of a selected file; ``problem`` is set if it cannot be a scan.

    ``picture`` is the index of the picture in the file, from 0; names of further pictures
    end in ``#2``, ``#3`` and so on. ``paired`` is whether it is the JPEG of a raw file.
    """

    name: str
    path: str
    stamp: Stamp = _NO_STAMP
    problem: ScanError | None = None
    picture: int = 0
    paired: bool = False

    @property
    def file(self) -> str:
        """Name of the file, below INPUT."""
        return self.name.removesuffix(f"#{self.picture + 1}") if self.picture else self.name

    def further(self, picture: int) -> Scan:
        """Return the scan of another picture of the same file."""
        return replace(self, name=f"{self.file}#{picture + 1}", picture=picture)


@dataclass(slots=True)
class WalkResult:
    """All scans found by the walk, in order."""

    scans: list[Scan] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unselected: Counter[str] = field(default_factory=Counter)  # files, by suffix
    excluded: int = 0  # files and folders, by --exclude
    hidden: int = 0
    not_entered: int = 0  # sub-folders
    matched: set[str] = field(default_factory=set)  # globs of --include
