"""Read random simulated strips and count codes and errors: the figures of docs/film-edge.md.

``python -m tests.films.tries START STOP [LOW HIGH]`` reads the strips of the seeds START to
STOP - 1, at LOW to HIGH pixels a mm, and prints the sums as one line of JSON: ``full`` for the
picture as it is, ``sampled`` for the copy that ``batch`` reads (30 to 60 pixels a mm). No network,
no files; several may run side by side: ``--add FILE...`` sums up their lines.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop.film_edge import EdgeView
from divere_cli.films import edge
from divere_cli.films.edge import FilmEdge
from divere_cli.image.layout import Header, Resolution
from tests.films.simulator import HALF_FRAME, MODULE, Strip, picture

INSIDE = 0.5  # mm between a whole code and the end of the scan


@dataclass
class Sums:
    """Codes and errors of some strips.

    Attributes
    ----------
    whole, read : int
        Codes wholly in view, on undamaged strips that show two or more, and how many were read.
    named : int
        Strips for which a film was named.
    wrong : tuple of int
        Seeds of the strips whose film, direction or frames were reported wrong.
    """

    tries: int = 0
    with_codes: int = 0
    whole: int = 0
    read: int = 0
    named: int = 0
    wrong: tuple[int, ...] = ()

    def add(self, made: Strip, seed: int, result: FilmEdge | None) -> None:
        """Count one strip."""
        self.tries += 1
        self.with_codes += made.codes
        self.named += result is not None
        if result is not None and not _is_right(result, made):
            self.wrong = (*self.wrong, seed)
        whole = whole_codes(made)
        if made.codes and not made.damage and whole >= 2:
            self.whole += whole
            self.read += _read(result, made, whole)


def strip(seed: int, low: float = 20.0, high: float = 110.0) -> Strip:
    """Return a random strip: 60 % have intact codes, 10 % damaged ones, 30 % none."""
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


def run(seeds: Iterable[int], low: float = 20.0, high: float = 110.0) -> dict[str, Sums]:
    """Read the strips of these seeds, by each reader.

    Parameters
    ----------
    seeds : iterable of int
    low, high : float
        Range of the scale, pixels a mm.

    Returns
    -------
    dict of str to Sums
        By the reader's name: ``full`` and ``sampled``.
    """
    sums = {name: Sums() for name in READERS}
    for seed in seeds:
        made = strip(seed, low, high)
        gray = picture(made, seed)
        for name, read in READERS.items():
            sums[name].add(made, seed, read(gray, made))
    return sums


def _full(gray: NDArray[np.uint8], made: Strip) -> FilmEdge | None:
    return edge.read(gray)


def _sampled(gray: NDArray[np.uint8], made: Strip) -> FilmEdge | None:
    """Read the smaller copy that ``batch`` makes, of a file with a resolution."""
    height, width = gray.shape
    resolution = Resolution(made.scale * 10, made.scale * 10, 3)
    view = EdgeView(Header("tiff", width, height, 1, 8, gray.size, resolution=resolution))
    view.take(0, gray[:, :, np.newaxis])
    result = view.read()
    return None if result is None else FilmEdge(result.dx, result.frames, result.mirrored)


READERS: dict[str, Callable[[NDArray[np.uint8], Strip], FilmEdge | None]] = {
    "full": _full,
    "sampled": _sampled,
}


def whole_codes(made: Strip) -> int:
    """Return how many codes are completely in the scan."""
    length = (31 if made.first is not None else 23) * MODULE
    starts = [made.start + number * HALF_FRAME for number in range(-1, 6)]
    inside = [at >= INSIDE and at + length <= made.long - INSIDE for at in starts]
    there = [made.first is None or 0 <= made.first + number < 128 for number in range(-1, 6)]
    return sum(one and other for one, other in zip(inside, there, strict=True))


def _read(result: FilmEdge | None, made: Strip, whole: int) -> int:
    if result is None:
        return 0
    return whole if made.first is None else min(len(result.frames), whole)


def _is_right(result: FilmEdge, made: Strip) -> bool:
    names = () if made.first is None else tuple(
        edge.half_frame_name(made.first + number) for number in range(-1, 6)
    )  # fmt: skip
    return (
        made.codes
        and result.dx == f"{made.dx[0]}-{made.dx[1]}"
        and result.mirrored is made.mirrored
        and set(result.frames) <= set(names)
    )


def added(lines: Iterable[str]) -> dict[str, Sums]:
    """Add up the lines that several processes printed.

    Parameters
    ----------
    lines : iterable of str
        JSON, one line of each process.
    """
    total = {name: Sums() for name in READERS}
    for line in lines:
        for name, sums in json.loads(line).items():
            for key, value in sums.items():
                before = getattr(total[name], key)
                setattr(total[name], key, before + type(before)(value))
    return total


def _line(sums: dict[str, Sums]) -> str:
    return json.dumps({name: asdict(each) for name, each in sums.items()})


def main(arguments: list[str]) -> str:
    """Return the line that the command prints."""
    if arguments[:1] == ["--add"]:
        files = (Path(name).read_text() for name in arguments[1:])
        return _line(added(line for text in files for line in text.splitlines()))
    if not edge.is_installed():
        raise SystemExit("zxing-cpp is not installed: nothing can be read")
    start, stop, *scales = arguments
    return _line(run(range(int(start), int(stop)), *map(float, scales)))


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])}\n")
