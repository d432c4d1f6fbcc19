"""The repair's figures on photographs and seeds that nothing was chosen on.

``python -m tests.infrared.heldout FOLDER`` takes the photographs of a folder and prints a line
of the page's table for each strength; about a minute for each photograph.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from divere_cli.infrared.find import Strength
from tests.infrared.running import run
from tests.infrared.scoring import Score, score
from tests.infrared.simulator import Film, scan

SEED = 99_000
STRENGTHS: tuple[Strength, ...] = ("low", "normal", "high")
SIZE = (1100, 1640)  # rows and columns: 1.8 megapixels


def photograph(path: Path) -> NDArray[np.float32]:
    """Return a photograph in linear light, 0..1, (rows, columns, 3)."""
    with Image.open(path) as picture:
        codes = np.asarray(picture.convert("RGB"), np.float32) / 255
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def film(seed: int, *, half: bool) -> Film:
    """Return a film with 60 defects, moved by 0 to 3 pixels, and crosstalk of 0.03 to 0.09."""
    random = np.random.default_rng(seed)
    angle, far = random.uniform(0, 2 * np.pi), random.uniform(0, 3)
    return Film(
        *SIZE,
        specks=48,
        hairs=7,
        scratches=5,
        crosstalk=float(random.uniform(0.03, 0.09)),
        shift=(float(far * np.sin(angle)), float(far * np.cos(angle))),
        half=half,
    )


def scores(paths: Iterable[Path], strength: Strength, *, half: bool = False) -> list[Score]:
    """Repair a scan of each photograph and score it."""
    found = []
    for number, path in enumerate(paths):
        seed = SEED + 100 * half + number
        made = scan(film(seed, half=half), seed, photograph(path))
        done = run(made, strength)
        found.append(score(made, done.pixels, done.mask))
    return found


def line(found: list[Score]) -> str:
    """Return a line with the means of scores, and the worst error."""
    mean = {
        name: float(np.mean([getattr(one, name) for one in found]))
        for name in ("missed", "false", "error_share", "grain", "mask", "defects")
    }
    lost, places = sum(one.lost_places for one in found), sum(one.places for one in found)
    return (
        f"missed {mean['missed']:.3%}, {lost} of {places} places lost, false {mean['false']:.5%}, "
        f"error {mean['error_share']:.3f} (worst {max(one.error_share for one in found):.3f}), "
        f"grain {mean['grain']:.2f}, mask {mean['mask'] / mean['defects']:.2f} times"
    )


if __name__ == "__main__":
    photographs = sorted(Path(sys.argv[1]).glob("*.jpg"))
    for each in STRENGTHS:
        for smaller in (False, True):
            size = "half size" if smaller else "full size"
            told = line(scores(photographs, each, half=smaller))
            sys.stdout.write(f"{each}, {size}: {told}\n")
            sys.stdout.flush()
