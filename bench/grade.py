"""The grade alone, on one thread: the default, a usual one, and the slowest that ships."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.roll import PROFILE, SPACE, sample
from bench.timing import Row, medians, seconds
from divere_cli.color import grade
from divere_cli.image.layout import Layout
from divere_cli.profile import library, resolve

TARGET = "40 megapixels a second or more"
USUAL = ("9000ed-portra400", "DisplayP3")
ROWS, WIDTH = 64, 6000


def rows(scratch: Path, *, quick: bool) -> Iterator[Row]:
    """Bands of 64 rows from 16 to 16 bits, processor time; a sample negative, and noise."""
    tile = sample(scratch)
    columns = np.arange(WIDTH) % tile.shape[1]
    middle = tile.shape[0] // 2
    scan = np.ascontiguousarray(tile[middle : middle + ROWS][:, columns])
    noise = np.random.default_rng(2).integers(0, 65536, scan.shape).astype(np.uint16)
    yield row("grade alone, one thread", PROFILE, SPACE, scan, noise)
    yield row("the same to Display P3", PROFILE, "DisplayP3", scan, noise)
    yield row("a profile of another scanner, to Display P3", *USUAL, scan, noise)
    slowest, count = worst(scan, quick)
    yield row(f"the slowest of {count} shipped grades", *slowest, scan, noise)


def worst(scan: np.ndarray, quick: bool) -> tuple[tuple[str, str], int]:
    """The profile and output space that take longest, of all that ship; each is tried twice."""
    spaces = library.in_role("output")
    pairs = [(name, space) for name in library.names()[:: 8 if quick else 1] for space in spaces]
    taken = {pair: min(cost(*pair, scan) for _ in range(2)) for pair in pairs}
    return max(taken, key=taken.__getitem__), len(pairs)


def cost(profile: str, space: str, band: np.ndarray) -> float:
    """Seconds of one pass."""
    return seconds(graded(profile, space, band), time.thread_time)


@functools.lru_cache(maxsize=2)
def compiled(profile: str, space: str) -> grade.Grade:
    """A shipped profile's grade of 16-bit color scans."""
    recipe = resolve.recipe(library.load(profile))
    return grade.compile(recipe, library.output_space(space), Layout(3, 16, "uint"), 16)


def graded(profile: str, space: str, band: np.ndarray, passes: int = 1) -> Callable[[], None]:
    """Grade a band some times over."""
    made = compiled(profile, space)
    out = np.empty((*band.shape[:2], made.channels), np.uint16)

    def work() -> None:
        for number in range(passes):
            made.apply(band, out, number * len(band))

    return work


def row(what: str, profile: str, space: str, scan: np.ndarray, noise: np.ndarray) -> Row:
    """One grade, on a picture, on noise, and against copying the same memory."""
    passes, out = 20, np.empty_like(scan)
    works = {
        "scan": graded(profile, space, scan, passes),
        "noise": graded(profile, space, noise, passes),
        "copy": lambda: [np.copyto(out, scan) for _ in range(passes)],
    }
    pixels = passes * scan.shape[0] * scan.shape[1] / 1e6
    speed = {
        name: pixels / taken for name, taken in medians(works, 5, clock=time.thread_time).items()
    }
    return Row(
        what,
        TARGET,
        f"{speed['scan']:.0f} megapixels a second",
        speed["scan"] >= 40,
        f"`{profile}` to {space}, processor time; random code values: {speed['noise']:.0f}; "
        f"copying the same memory: {speed['copy']:.0f}",
    )
