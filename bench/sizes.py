"""Megapixels a second from small scans to huge ones, beside copying the same file.

One scan at a time, by the report's own clock: what a run costs before its first
scan is no matter of size. Before each measurement what others wrote is with the
device, and the scan in the cache: a scan that was made a second ago would be
written out while ours is timed.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import peers
from bench.roll import PROFILE, negatives
from bench.timing import Row, divere, seconds

REPEATS = {6: 9, 24: 5, 100: 3, 350: 1, 700: 1}
FLAT = 0.25


@dataclass(frozen=True)
class Found:
    """What one size took: seconds and processor seconds of a scan and of its copy, peak bytes."""

    megapixels: float
    wall: float
    processor: float
    copy_wall: float
    copy_processor: float
    peak: int

    @property
    def speed(self) -> float:
        """Megapixels a second."""
        return self.megapixels / self.wall

    def row(self) -> Row:
        def each(taken: float) -> str:
            return f"{taken / self.megapixels * 1000:.1f} ms of processor time a megapixel"

        return Row(
            f"one scan of {self.megapixels:.0f} megapixels",
            "",
            f"{self.speed:.0f} megapixels a second, peak {self.peak / 1e6:.0f} MB",
            None,
            f"{each(self.processor)}; copying it with fsync: "
            f"{self.megapixels / self.copy_wall:.0f} megapixels a second, "
            f"{each(self.copy_processor)}",
        )


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """A row a size, and how flat they are."""
    found = []
    for megapixels, repeats in ({1: 1, 2: 1} if quick else REPEATS).items():
        source = negatives(scratch, 1, megapixels)
        parts = [once(source, scratch / "out") for _ in range(repeats)]
        found.append(middle(parts))
        yield found[-1].row()
        if megapixels > 24:
            shutil.rmtree(source)
    flat = spread([one.speed for one in found])
    work = spread([one.processor / one.megapixels for one in found])
    copies = spread([one.megapixels / one.copy_wall for one in found])
    yield Row(
        "megapixels a second over all sizes",
        f"flat within {FLAT * 100:.0f} %",
        f"within {flat * 100:.0f} %",
        flat <= FLAT,
        f"processor time a megapixel: within {work * 100:.0f} %; "
        f"copying the same files: within {copies * 100:.0f} %",
    )


def once(source: Path, out: Path) -> Found:
    """One scan copied and graded, each from a warm cache to an idle device."""
    (scan,) = source.iterdir()
    settle(scan, out)
    out.mkdir()
    before = processor()
    copied = seconds(lambda: peers.copy(scan, out / scan.name))
    copy_processor = processor() - before
    settle(scan, out)
    divere("batch", source, out, "-q", "--profile", PROFILE, "--isolation", "always")
    (entry,) = json.loads((out / "divere-report.json").read_text())["files"]
    shutil.rmtree(out)
    return Found(
        megapixels=entry["width"] * entry["height"] / 1e6,
        wall=entry["seconds"],
        processor=entry["cpu_seconds"],
        copy_wall=copied,
        copy_processor=copy_processor,
        peak=entry["peak_rss_bytes"],
    )


def settle(scan: Path, out: Path) -> None:
    """Nothing left of the last output, nothing left to write, the scan in the cache."""
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    buffer = bytearray(1 << 20)
    with open(scan, "rb", buffering=0) as file:
        while file.readinto(buffer):
            continue


def processor() -> float:
    """Seconds that this process took of the processors, the system's for it among them."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def middle(parts: list[Found]) -> Found:
    """The median of each figure; the peak is the highest."""

    def of(name: str) -> float:
        return float(statistics.median(getattr(part, name) for part in parts))

    times = {name: of(name) for name in ("wall", "processor", "copy_wall", "copy_processor")}
    return Found(parts[0].megapixels, **times, peak=max(part.peak for part in parts))


def spread(values: list[float]) -> float:
    """How much the largest is above the smallest, of the smallest."""
    return max(values) / min(values) - 1
