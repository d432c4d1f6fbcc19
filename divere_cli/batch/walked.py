"""What the walk through INPUT gives: scans in order, and what to say of the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from divere_cli.errors import ScanError
from divere_cli.records.job import Stamp

_NO_STAMP = Stamp(0, 0)


@dataclass(frozen=True, slots=True)
class Scan:
    """One picture of a file that was selected; ``problem`` is set where it can be no scan.

    ``picture`` counts the file's pictures from 0 on; the name of a further one ends
    in ``#2``, ``#3`` and so on. ``paired`` is whether it is the JPEG of a raw file.
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
        """Another picture of the same file."""
        return replace(self, name=f"{self.file}#{picture + 1}", picture=picture)


@dataclass(slots=True)
class Found:
    """All that the walk found, in order."""

    scans: list[Scan] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)  # files that were not selected, by suffix
