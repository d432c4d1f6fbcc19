"""Megapixels a second from rolls of small scans to one huge scan, beside copying the same files.

Whole commands with isolation ``always`` and jobs ``auto``; the rolls are at least
288 megapixels, as 12 frames of 24 are. Before each measurement what others wrote
is with the device, and the scans in the cache: a scan that was made a second ago
would be written out while ours is timed.
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
from bench.roll import batch, each, negatives
from bench.timing import Row, seconds

ROLLS = {6: 48, 24: 12, 100: 4, 350: 2, 700: 1}  # megapixels, and how many scans of them
REPEATS = 3
FLAT = 0.25


@dataclass(frozen=True)
class Found:
    """What a roll took: seconds and processor seconds of it and of its copy, peak bytes."""

    count: int
    megapixels: float  # all together
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
        def work(taken: float) -> str:
            return f"{taken / self.megapixels * 1000:.1f} ms of processor time a megapixel"

        size = self.megapixels / self.count
        return Row(
            f"scans of {size:.0f} megapixels, a roll of {self.count}",
            "",
            f"{self.speed:.0f} megapixels a second, peak {self.peak / 1e6:.0f} MB",
            None,
            f"{work(self.processor)}; copying with fsync: "
            f"{self.megapixels / self.copy_wall:.0f} megapixels a second, "
            f"{work(self.copy_processor)}",
        )


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """A row a size, and how flat they are."""
    found = []
    for megapixels, count in ({1: 2, 2: 1} if quick else ROLLS).items():
        source = negatives(scratch, count, megapixels)
        parts = [once(source, scratch / "out") for _ in range(REPEATS)]
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
    """A roll copied and graded, each from a warm cache to an idle device."""
    settle(source, out)
    before = processor()
    copied = seconds(each(peers.copy, source, out))
    copy_processor = processor() - before
    settle(source, out)
    taken = seconds(batch(source, out, "--isolation", "always"))
    files = json.loads((out / "divere-report.json").read_text())["files"]
    shutil.rmtree(out)
    return Found(
        count=len(files),
        megapixels=sum(file["width"] * file["height"] for file in files) / 1e6,
        wall=taken,
        processor=sum(file["cpu_seconds"] for file in files),
        copy_wall=copied,
        copy_processor=copy_processor,
        peak=max(file["peak_rss_bytes"] for file in files),
    )


def settle(source: Path, out: Path) -> None:
    """Nothing left of the last output, nothing left to write, the scans in the cache."""
    shutil.rmtree(out, ignore_errors=True)
    os.sync()
    buffer = bytearray(1 << 20)
    for scan in source.iterdir():
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
    first = parts[0]
    return Found(first.count, first.megapixels, **times, peak=max(part.peak for part in parts))


def spread(values: list[float]) -> float:
    """How much the largest is above the smallest, of the smallest."""
    return max(values) / min(values) - 1
