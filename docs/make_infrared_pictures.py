"""Before, after and mask at 1:1 (docs/infrared.md).

`python docs/make_infrared_pictures.py SCANS` from the project's folder takes the folder of
real scans (not part of the project: see the credits in docs/grade.md) and writes
`docs/pictures/infrared.jpg`. Film and grain are real; dust, scratches and infrared are the
simulator's of the tests.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.infrared import simulator
from tests.infrared.simulator import Film

OUT = Path(__file__).parent / "pictures"
PART = (slice(900, 1700), slice(1500, 2700))
SHOWN = (slice(250, 590), slice(330, 770))
GAP = 6


def main() -> None:
    OUT.mkdir(exist_ok=True)
    _infrared(Path(sys.argv[1]))


def _infrared(scans: Path) -> None:
    codes = np.asarray(Image.open(scans / "c41_camera_scan.jpg").convert("RGB"))[PART]
    light = np.where(codes > 10, ((codes / 255 + 0.055) / 1.055) ** 2.4, codes / 255 / 12.92)
    film = Film(*codes.shape[:2], specks=40, hairs=5, scratches=2, shift=(1.2, -0.7))
    random = np.random.default_rng(4)
    density = -np.log10(np.maximum(light, 1e-4)).astype(np.float32)
    defects, seen, _ = simulator._defects(film, random)
    rgb = simulator.to_codes(density + defects[..., np.newaxis], 16)
    infrared = simulator._infrared(0.03 + 0.06 * density[..., 0] + seen, film, random)
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scans" / "scan.tif"
        scan.parent.mkdir()
        with tifffile.TiffWriter(scan) as file:
            for page, kind in ((rgb, "rgb"), (infrared[..., 0], "minisblack")):
                file.write(page, photometric=kind, software="SilverFast 8.8", metadata=None)
        options = ["--format", "png", "--bit-depth", "8", "-q"]
        before = _graded(scan, Path(folder) / "before", *options)
        after = _graded(scan, Path(folder) / "after", *options, "--ir", "repair", "--ir-mask")
        mask = np.asarray(Image.open(Path(folder) / "after" / "scan-ir-mask.png"))
    panels = [before[SHOWN], after[SHOWN], np.repeat(mask[SHOWN][..., np.newaxis], 3, axis=2)]
    _save(np.concatenate(_spaced(panels), axis=0), "infrared.jpg")


def _graded(scan: Path, out: Path, *options: str) -> NDArray[Any]:
    command = [sys.executable, "-m", "divere_cli", "batch", str(scan.parent), str(out), *options]
    subprocess.run(command, check=True)
    return np.asarray(Image.open(out / "scan.png").convert("L").convert("RGB"))


def _spaced(panels: list[NDArray[Any]]) -> list[NDArray[Any]]:
    gap = np.full((GAP, panels[0].shape[1], 3), 255, np.uint8)
    return [part for panel in panels for part in (panel, gap)][:-1]


def _save(pixels: NDArray[Any], name: str) -> None:
    Image.fromarray(pixels).save(OUT / name, quality=85)


if __name__ == "__main__":
    main()
