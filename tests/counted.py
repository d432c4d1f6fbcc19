"""The unit of work with its counts: what a worker reads, writes, grades and allocates."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

from divere_cli.color import grade
from divere_cli.develop import scan
from divere_cli.records.job import Job, Progress
from divere_cli.records.outcome import TaskResult

COUNTS = "counts"


def io_counts() -> dict[str, int]:
    lines = Path("/proc/self/io").read_text().splitlines()
    return {key: int(value) for key, value in (line.split(": ") for line in lines)}


def work(job: Job, progress: Progress) -> TaskResult:
    """Develop, and say in the notes what it took. A worker is fresh: nothing is undone."""
    bands = 0
    apply = grade.Grade.apply

    def counted(self: grade.Grade, *words: Any, **named: Any) -> None:
        nonlocal bands
        bands += 1
        apply(self, *words, **named)

    grade.Grade.apply = counted  # type: ignore[method-assign]
    tracemalloc.start()
    before = io_counts()
    result = scan.develop(job, progress)
    after = io_counts()
    counts = {key: after[key] - before[key] for key in ("rchar", "wchar", "syscr", "syscw")}
    counts |= {"bands": bands, "peak": tracemalloc.get_traced_memory()[1]}
    plain = result.__class__
    fields = {name: getattr(result, name) for name in plain.__dataclass_fields__}
    return plain(**(fields | {"notes": (json.dumps(counts),)}))
