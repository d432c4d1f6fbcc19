"""Drawn scans by seed, clean and hard, and what is found on them: the figures of docs/frames.md.

``python -m tests.frames.seeds FIRST LAST [clean|hard]`` prints a line for each scan that
has a fault, and totals with the format named and not named.
"""

from __future__ import annotations

import sys
from dataclasses import astuple, fields
from multiprocessing import Pool

import numpy as np

from divere_cli.frames import detect
from divere_cli.frames.formats import FORMATS, named
from tests.frames.scoring import Score, score
from tests.frames.strips import Spec, draw

MOST = {"135": 6, "135-half": 9, "xpan": 4, "110": 6}  # pictures a strip
SCALES = {"110": 20.0, "120": 7.2, "135": 11.0}  # pixels a millimeter


def spec(seed: int, hard: bool) -> Spec:
    """Return what to draw for a seed: formats take turns, all else is drawn by lot."""
    rng = np.random.default_rng([seed, 18, int(hard)])
    film = FORMATS[seed % len(FORMATS)].name
    count = int(rng.integers(1 if rng.random() < 0.15 else 2, MOST.get(film, 4) + 1))
    made = Spec(
        film,
        count,
        seed=seed,
        hard=hard,
        scale=SCALES[film[:3] if film[:3] in SCALES else "135"] * float(rng.uniform(0.9, 1.1)),
        turn=float(rng.uniform(-1.5, 1.5)) if rng.random() < 0.8 else 0.0,
        around=str(rng.choice(["holder", "light", "clipped"], p=[0.5, 0.25, 0.25])),
        margin=float(rng.uniform(1.5, 5.0)),
        ends=float(rng.uniform(2.0, 8.0)),
        upright=bool(rng.random() < 0.3),
        strips=int(rng.integers(2, 4)) if rng.random() < 0.12 and film != "110" else 1,
    )
    if made.around == "holder" and rng.random() < 0.5:
        made.covered = float(rng.uniform(0.4, 0.7 if film == "110" else 2.0))
        if film in ("135", "135-half", "xpan") and rng.random() < 0.7:
            made.covered = float(rng.uniform(4.85, 5.0))  # the holes are covered
    if hard:
        _harden(made, rng)
    return made


def _harden(made: Spec, rng: np.random.Generator) -> None:
    order = [int(n) for n in rng.permutation(made.count)]
    for kind, chance in (("night", 0.5), ("thin", 0.35), ("blank", 0.3)):
        if order and len(order) > (made.count > 1) and rng.random() < chance:
            setattr(made, kind, (order.pop(),))
    if made.count > 2 and rng.random() < 0.3:
        made.overlap = (int(rng.integers(1, made.count)),)
    special = rng.random()
    made.leader = bool(special < 0.2 and 0 not in made.blank + made.overlap)
    made.partly = bool(special > 0.85 and made.strips == 1 and made.count > 2)


def measure(task: tuple[int, bool]) -> list[tuple[str, int, Spec, Score, tuple[str, ...]]]:
    """Look at one drawn scan twice: with its format named, and not."""
    seed, hard = task
    wanted = spec(seed, hard)
    scan = draw(wanted)
    light = scan.pixels / np.float32(65535)
    made = []
    for way in (wanted.film, "auto"):
        found = detect.find(light, named(way))
        label = f"{'hard' if hard else 'clean'}, format {'not ' * (way == 'auto')}named"
        made.append((label, seed, wanted, score(scan, found), found.forms))
    return made


def main(first: int, last: int, kinds: tuple[str, ...], jobs: int = 1) -> None:
    """Print faults and totals."""
    tasks = [(seed, kind == "hard") for kind in kinds for seed in range(first, last)]
    totals: dict[str, list[int]] = {}
    with Pool(jobs) as pool:
        for rows in pool.imap(measure, tasks):
            for label, seed, wanted, got, forms in rows:
                row = totals.setdefault(label, [0] * (len(fields(Score)) + 1))
                totals[label] = [a + b for a, b in zip(row, (1, *astuple(got)), strict=True)]
                if got.faulty or forms not in ((), (wanted.film,)):
                    _say(label, seed, wanted.film, forms, got)
    names = ["scans", *(field.name for field in fields(Score))]
    for label, row in totals.items():
        _say(label, ", ".join(f"{n} {v}" for n, v in zip(names, row, strict=True)))


def _say(*values: object) -> None:
    sys.stdout.write(" ".join(str(value) for value in values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), tuple(sys.argv[3:]) or ("clean", "hard"))
