"""Makes the pictures of docs/calibrate.md with the program itself.

`python docs/calibrate/make_pictures.py SCANS` takes the folder of real scans (not part of
the project: see the credits in docs/grade.md).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
WIDTH = 880
GAP = 6
GROUND = (124, 124, 124)


def divere(*args: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "divere_cli", *map(str, args)], check=True)


def small(source: Path, name: str) -> None:
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    size = (WIDTH, round(picture.height * WIDTH / picture.width))
    picture.resize(size, Image.Resampling.LANCZOS).save(HERE / name, quality=88, optimize=True)


def positive(scan: Path, preset: str | Path, folder: Path) -> Image.Image:
    options = ("--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "-q")
    divere("batch", scan, folder, "-p", preset, "--overwrite", *options)
    with Image.open(folder / f"{scan.stem}.png") as opened:
        return opened.convert("RGB")


def main(scans: Path) -> None:
    chart = scans / "ultramax400_colorchecker_0ev.tif"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        preset, drawn = folder / "ultramax400.json", folder / "chart.png"
        divere("calibrate", chart, "-p", "c41-neutral", "-o", preset, "--picture", drawn)
        small(drawn, "chart.jpg")

        before = positive(chart, "5000ed-ultramax400", folder / "before")
        after = positive(chart, preset, folder / "after")
        wide = (WIDTH - GAP) // 2
        high = round(before.height * wide / before.width)
        page = Image.new("RGB", (WIDTH, high), GROUND)
        page.paste(before.resize((wide, high), Image.Resampling.BICUBIC), (0, 0))
        page.paste(after.resize((wide, high), Image.Resampling.BICUBIC), (wide + GAP, 0))
        page.save(HERE / "before-after.jpg", quality=88, optimize=True)

        divere("samples", folder / "roll", "--count", "3", "--megapixels", "2", "--seed", "4")
        scan = folder / "roll" / "frame-02.tif"
        divere("calibrate", scan, "--picture", folder / "scene.png", "-o", folder / "scene.json")
        small(folder / "scene.png", "scene.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
