"""A clock for whole commands and for functions; medians over interleaved repeats.

What runs beside another thing is measured in turn with it (a, b, a, b, ...), so
that a noisy machine slows both; ratios are the figures to trust.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DIVERE = str(Path(sys.executable).with_name("divere"))


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the target, and what came out."""

    what: str
    target: str
    measured: str
    met: bool | None
    note: str = ""

    def __str__(self) -> str:
        verdict = {True: "met", False: "**not met**", None: ""}[self.met]
        return f"| {self.what} | {self.target} | {self.measured} | {verdict} | {self.note} |"


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time of one call: wall time, unless another clock is given."""
    begin = clock()
    work()
    return clock() - begin


def medians(
    works: Mapping[str, Callable[[], object]],
    repeats: int,
    before: Callable[[], object] = int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds of each of ``works``, measured in turn; ``before`` runs untimed."""
    taken = times(works, repeats, before, clock)
    return {name: statistics.median(values) for name, values in taken.items()}


def times(
    works: Mapping[str, Callable[[], object]],
    repeats: int,
    before: Callable[[], object] = int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each of ``works``, every repeat of it."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            before()
            taken[name].append(seconds(work, clock))
    return taken


def divere(*words: str | Path, expect: int = 0) -> str:
    """Run the installed command; its stderr when it ends otherwise than expected."""
    done = subprocess.run(
        [DIVERE, *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != expect:
        raise SystemExit(f"divere {' '.join(map(str, words))}: {done.returncode}\n{done.stderr}")
    return done.stdout


def machine() -> list[str]:
    """What this was measured on, in words; no name of a host and no path."""
    model = platform.processor() or platform.machine()
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
        model = next(x.split(":")[1] for x in cpuinfo.splitlines() if "model name" in x).strip()
    except (OSError, StopIteration):
        pass
    versions = ", ".join(
        f"{name} {metadata.version(name)}"
        for name in ("divere-cli", "numpy", "opencolorio", "tifffile", "imagecodecs", "pillow")
    )
    return [
        f"- machine: {len(os.sched_getaffinity(0))} cores of {model}, {platform.system()} "
        f"{platform.release()}",
        f"- Python {platform.python_version()}; {versions}",
    ]
