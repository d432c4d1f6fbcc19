"""The pictures of docs/film-edge.md: a strip's edge, and a contact sheet with frame numbers.

`python docs/make_film_edge_pictures.py` from the project's folder writes
`docs/pictures/film-edge.jpg` and `docs/pictures/film-edge-sheet.jpg`. The strips are those that
the tests simulate.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.films.simulator import Strip, picture

OUT = Path(__file__).parent / "pictures"
GAP = 6


def main() -> None:
    OUT.mkdir(exist_ok=True)
    _edge()
    _sheet()


def _edge() -> None:
    strip = Strip(dx=(79, 7), long=46.0, tall=11.0, around=2.0, scale=22.0, grain=0.03)
    slide = replace(strip, dx=(32, 11), slide=True)
    first, second = (np.repeat(picture(s, 5)[..., np.newaxis], 3, axis=2) for s in (strip, slide))
    gap = np.full((GAP, first.shape[1], 3), 255, np.uint8)
    _save(np.concatenate([first, gap, second]), "film-edge.jpg")


def _sheet() -> None:
    strip = Strip(dx=(79, 7), long=40.0, tall=30.0, around=2.0, scale=24.0, start=2.0, grain=0.03)
    films = [replace(strip, first=half) for half in (24, 26, 28)]
    films += [replace(strip, dx=(95, 13), first=half) for half in (12, 14)]
    with tempfile.TemporaryDirectory() as folder:
        roll, sheet = Path(folder) / "roll", Path(folder) / "sheet.png"
        roll.mkdir()
        for number, film in enumerate([*films, replace(strip, codes=False)]):
            gray = picture(film, number).astype(np.float64) / 255
            color = np.rint(65535 * np.stack([gray, gray * 0.8, gray * 0.6], axis=-1))
            tifffile.imwrite(roll / f"{number}.tif", color.astype(np.uint16), photometric="rgb")
        command = [sys.executable, "-m", "divere_cli", "proof", str(roll), str(sheet)]
        subprocess.run([*command, "--frame", "all", "--size", "900"], check=True)
        _save(np.asarray(Image.open(sheet).convert("RGB")), "film-edge-sheet.jpg")


def _save(pixels: NDArray[Any], name: str) -> None:
    Image.fromarray(pixels).save(OUT / name, quality=85)


if __name__ == "__main__":
    main()
