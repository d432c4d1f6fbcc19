"""Write a strip of film and a picture of the light under it: what ``make demo`` cuts.

``python -m tests.frames.demo FOLDER`` writes ``strip/strip.tif`` and ``light.tif`` into FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile

from tests.frames.strips import Spec, draw

STOPS = 1.2  # from the middle of the light to its corners
LEVEL = 0.8  # of full scale in the middle


def main(folder: Path) -> None:
    """Draw the strip, lay the falloff on it, and write both files."""
    wanted = Spec(count=4, scale=16.0, seed=11, turn=0.8, night=(2,), base=1, falloff=0.0)
    pixels = draw(wanted, []).pixels
    height, width = pixels.shape[:2]
    down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    light = 2.0 ** (-STOPS * (down**2 + across**2) / 2)
    (folder / "strip").mkdir(parents=True, exist_ok=True)
    strip = np.rint(pixels * light[..., None]).astype(np.uint16)
    tifffile.imwrite(folder / "strip" / "strip.tif", strip, photometric="rgb")
    bare = np.repeat(np.rint(65535 * LEVEL * light)[..., None], 3, axis=2).astype(np.uint16)
    tifffile.imwrite(folder / "light.tif", bare, photometric="rgb")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
