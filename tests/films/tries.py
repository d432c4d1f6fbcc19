"""Random strips, whole codes counted, and what was read of them: the film edge's figures.

``python -m tests.films.tries FIRST LAST`` tries the strips of these seeds and prints the sums.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from divere_cli.films import edge
from divere_cli.films.edge import FilmEdge
from tests.films.simulator import HALF_FRAME, MODULE, Strip, picture

INSIDE = 0.5  # mm between a whole code and the end of the scan


@dataclass
class Sums:
    """``whole`` codes on strips that show two or more, and how many of them were read.

    ``named`` tries gave a name; ``wrong`` are the seeds whose name, direction or frames are not
    those of the strip.
    """

    tries: int = 0
    with_codes: int = 0
    whole: int = 0
    read: int = 0
    named: int = 0
    wrong: tuple[int, ...] = ()

    def __str__(self) -> str:
        share = self.read / self.whole if self.whole else 0.0
        return (
            f"{self.tries} tries, {self.with_codes} with codes: {self.read} of {self.whole} whole"
            f" codes read ({share:.1%}), {self.named} named, wrong: {list(self.wrong) or 'none'}"
        )


def strip(seed: int, low: float = 20.0, high: float = 110.0) -> Strip:
    """Return a strip as none before: 60 % with whole codes, 10 % with damaged ones, 30 % none."""
    random = np.random.default_rng([seed, 25])
    kind = random.random()
    return Strip(
        dx=(int(random.integers(1, 128)), int(random.integers(0, 16))),
        first=int(random.integers(0, 76)) if random.random() < 0.8 else None,
        start=float(random.uniform(0, 19)),
        long=float(random.uniform(30, 60)),
        tall=float(random.uniform(7, 10)),
        around=float(random.choice([0.2, 2.0])),
        scale=float(np.exp(random.uniform(np.log(low), np.log(high)))),
        tilt=float(random.uniform(-1.5, 1.5)),
        holder=bool(random.random() < 0.3),
        slide=bool(random.random() < 0.3),
        codes=bool(kind < 0.7),
        flipped=bool(random.random() < 0.5),
        mirrored=bool(random.random() < 0.3),
        upright=bool(random.random() < 0.3),
        grain=float(random.uniform(0.01, 0.08)),
        flare=float(random.uniform(0, 0.08)),
        damage=0.06 if 0.6 <= kind < 0.7 else 0.0,
    )


def run(seeds: Iterable[int], low: float = 20.0, high: float = 110.0) -> Sums:
    """Try the strips of seeds."""
    sums = Sums()
    for seed in seeds:
        made = strip(seed, low, high)
        found = edge.read(picture(made, seed))
        sums.tries += 1
        sums.with_codes += made.codes
        sums.named += found is not None
        if found is not None and not _is_right(found, made):
            sums.wrong = (*sums.wrong, seed)
        whole = whole_codes(made)
        if made.codes and not made.damage and whole >= 2:
            sums.whole += whole
            sums.read += _read(found, made, whole)
    return sums


def whole_codes(made: Strip) -> int:
    """Return how many codes lie wholly in the scan."""
    length = (31 if made.first is not None else 23) * MODULE
    starts = [made.start + number * HALF_FRAME for number in range(-1, 6)]
    inside = [at >= INSIDE and at + length <= made.long - INSIDE for at in starts]
    there = [made.first is None or 0 <= made.first + number < 128 for number in range(-1, 6)]
    return sum(one and other for one, other in zip(inside, there, strict=True))


def _read(found: FilmEdge | None, made: Strip, whole: int) -> int:
    if found is None:
        return 0
    return whole if made.first is None else min(len(found.frames), whole)


def _is_right(found: FilmEdge, made: Strip) -> bool:
    names = () if made.first is None else tuple(
        edge.name(made.first + number) for number in range(-1, 6)
    )  # fmt: skip
    return (
        made.codes
        and found.dx == f"{made.dx[0]}-{made.dx[1]}"
        and found.mirrored is made.mirrored
        and set(found.frames) <= set(names)
    )


if __name__ == "__main__":
    first, last, *scales = sys.argv[1:]
    sys.stdout.write(f"{run(range(int(first), int(last)), *map(float, scales))}\n")
