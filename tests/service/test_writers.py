"""A thousand slow writers in six ways: no scan is taken before it is complete.

Real files, the service's own look and its own test for completeness; time is simulated, so
that minutes of writing take a second. What the simulated clock says is set as mtime, because
the steps of the real one may be longer than a simulated second.
"""

from __future__ import annotations

import heapq
import itertools
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from divere_cli.service.complete import is_complete
from divere_cli.service.look import look
from divere_cli.service.settling import PATIENCE, Settling

INTERVAL, SETTLE = 5.0, 10.0
LEAST_REST = 0.2
OLD_NS = 10**18

Steps = Iterator[float]
"""What a writer does, step by step; yields the seconds until its next step."""


@dataclass
class Writer:
    """Writes one file; ``now`` is the simulated time."""

    path: Path
    whole: bytes
    way: Callable[[Writer], Steps]
    chance: random.Random
    now: float = 0.0
    finished: float | None = None
    seen: list[float] = field(default_factory=list)

    def put(self, data: bytes, at: int = 0, path: Path | None = None) -> None:
        """Write into the file without shortening it."""
        descriptor = os.open(path or self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(descriptor, data, at)
        os.close(descriptor)
        self.touch(path)

    def touch(self, path: Path | None = None, ns: int | None = None) -> None:
        time_ns = OLD_NS + int(self.now * 1e9) if ns is None else ns
        os.utime(path or self.path, ns=(time_ns, time_ns))

    def pieces(self) -> list[tuple[int, bytes]]:
        count = self.chance.randint(2, 6)
        size = -(-len(self.whole) // count)
        return [(at, self.whole[at : at + size]) for at in range(0, len(self.whole), size)]

    def short(self) -> float:
        """A pause in which two looks may come, but not the time to settle."""
        return self.chance.uniform(0.1, SETTLE - 0.5)


def appends(writer: Writer) -> Steps:
    for at, piece in writer.pieces():
        writer.put(piece, at)
        yield writer.short()


def renames(writer: Writer) -> Steps:
    part = writer.path.with_name(writer.path.name + ".part")
    for at, piece in writer.pieces():
        writer.put(piece, at, part)
        yield writer.chance.uniform(0.1, 3.0 * SETTLE)
    part.rename(writer.path)


def fills(writer: Writer) -> Steps:
    """Full size at first, as a copy by some systems."""
    writer.put(bytes(len(writer.whole)))
    for at, piece in writer.pieces():
        yield writer.short()
        writer.put(piece, at)


def jumps(writer: Writer) -> Steps:
    """The end first, the beginning last, or in any other order."""
    pieces = writer.pieces()
    writer.chance.shuffle(pieces)
    for at, piece in pieces:
        writer.put(piece, at)
        yield writer.short()


def copies(writer: Writer) -> Steps:
    """A copy that sets the time of the original at last, long ago."""
    yield from appends(writer)
    writer.touch(ns=10**17)


def stalls(writer: Writer) -> Steps:
    """It stops in the middle for longer than the time to settle."""
    half = len(writer.whole) // 2
    writer.put(writer.whole[:half])
    yield writer.chance.uniform(SETTLE + INTERVAL, SETTLE + PATIENCE - 1.0)
    writer.put(writer.whole[half:], half)


WAYS = (appends, renames, fills, jumps, copies, stalls)


def wholes() -> dict[str, bytes]:
    picture = np.random.default_rng(3).integers(0, 255, (9, 12, 3)).astype(np.uint8)
    return {
        suffix: bytes(imageio.imwrite("<bytes>", picture, extension=suffix))
        for suffix in (".tif", ".png", ".jpg")
    }


def simulate(folder: Path, writers: list[Writer]) -> list[str]:
    """Let all write and look as the service does; return what was taken too early."""
    settling = Settling(SETTLE, is_complete)
    files = {str(writer.path): writer for writer in writers}
    order = itertools.count()
    due = [(w.chance.uniform(0.0, 60.0), next(order), w, w.way(w)) for w in writers]
    heapq.heapify(due)
    early: list[str] = []
    now = 0.0
    while due or settling.count("waiting"):
        while due and due[0][0] <= now:
            at, _, writer, steps = heapq.heappop(due)
            writer.now = at
            pause = next(steps, None)
            if pause is None:
                writer.finished = at
            else:
                heapq.heappush(due, (at + pause, next(order), writer, steps))
        settling.see(look([str(folder)], str(folder / "out")), now)
        ripe = settling.ripe(now, 10_000)
        for path in ripe:
            files[path].seen.append(now)
            if files[path].finished is None or files[path].path.read_bytes() != files[path].whole:
                early.append(path)
        settling.take(ripe)
        settling.end(dict.fromkeys(ripe, "done"), ripe, now)
        soon = settling.next_due(now)
        now += max(LEAST_REST, min(INTERVAL, INTERVAL if soon is None else soon))
    return early


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_slow_writer_is_taken_too_early(tmp_path: Path, way: Callable[[Writer], Steps]) -> None:
    """167 writers of each way, a thousand in all."""
    scans = list(wholes().items())
    writers = []
    for number in range(167):
        suffix, whole = scans[number % len(scans)]
        path = tmp_path / f"{number}{suffix}"
        writers.append(Writer(path, whole, way, random.Random(f"{way.__name__} {number}")))
    assert simulate(tmp_path, writers) == []
    for writer in writers:
        (seen,) = writer.seen  # once
        assert writer.finished is not None
        assert seen - writer.finished <= INTERVAL + SETTLE + LEAST_REST


def test_a_file_that_stays_incomplete_is_graded_in_the_end(tmp_path: Path) -> None:
    """The simulation can fail: half a file is taken when patience is over, and is early."""

    def dies(writer: Writer) -> Steps:
        writer.put(writer.whole[: len(writer.whole) // 2])
        yield SETTLE + PATIENCE + 4 * INTERVAL
        writer.put(writer.whole)

    writer = Writer(tmp_path / "a.tif", wholes()[".tif"], dies, random.Random(1))
    assert simulate(tmp_path, [writer]) == [str(writer.path)]
