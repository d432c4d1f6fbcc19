"""Makes the pictures of what goes wrong in docs/roll.md, and the roll of docs/pictures/roll.jpg.

`python docs/roll/make_failures.py` draws rolls with `divere samples --views`, grades them by
`divere batch IN OUT`, and writes small JPEGs. Needs nothing that divere does not need.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

HERE = Path(__file__).parent
WIDTH, HEIGHT, GAP = 240, 160, 4
SHOWN = 6
GRADED = ["--format", "png", "--bit-depth", "8", "--color-space", "sRGB"]


def main() -> None:
    """Draw each picture."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        roll = samples(work / "roll", "--border", "holder")
        rows(roll, [plain(roll), graded(roll, "--auto", "off"), graded(roll)]).save(
            HERE.parent / "pictures" / "roll.jpg", quality=82, optimize=True
        )
        evening = only(samples(work / "bare", "--border", "none", "--count", "18"), work / "e", 1)
        rows(evening, [plain(evening), graded(evening)]).save(
            HERE / "evenings.jpg", quality=82, optimize=True
        )
        night = only(samples(work / "night", "--border", "none", "--count", "18"), work / "n", 5)
        rows(night, [plain(night), graded(night)]).save(
            HERE / "nights.jpg", quality=82, optimize=True
        )


def samples(folder: Path, *options: str) -> Path:
    """A roll of drawn views without its truth."""
    counted = () if "--count" in options else ("--count", str(SHOWN))
    command = ["samples", str(folder), "--views", "--roll", "--megapixels", "0.25", "--seed", "3"]
    divere(*command, *counted, *options)
    (folder / "divere_presets.json").unlink()
    return folder


def only(folder: Path, out: Path, view: int) -> Path:
    """The frames of one view."""
    out.mkdir()
    for number, path in enumerate(sorted(folder.glob("*.tif"))):
        if number % SHOWN == view:
            shutil.copy(path, out / path.name)
    return out


def graded(folder: Path, *options: str) -> list[Image.Image]:
    """The positives of `divere batch`; what the program says of the roll is printed."""
    with tempfile.TemporaryDirectory() as out:
        divere("batch", str(folder), out, *GRADED, *options)
        report: dict[str, Any] = json.loads(Path(out, "divere-report.json").read_text())
        for roll in report["rolls"]:
            sys.stdout.write(f"{folder.name}: {roll['confidence']}: {roll['reasons'][0]}\n")
        return [Image.open(path).convert("RGB") for path in sorted(Path(out).glob("*.png"))]


def plain(folder: Path) -> list[Image.Image]:
    """The scans as a viewer shows them, encoded with gamma 2.2."""
    return [encoded(tifffile.imread(path)) for path in sorted(folder.glob("*.tif"))]


def encoded(codes: Any) -> Image.Image:
    """Linear codes as a picture."""
    return Image.fromarray(np.round((codes / 65535.0) ** (1 / 2.2) * 255.0).astype(np.uint8))


def rows(folder: Path, pictures: list[list[Image.Image]]) -> Image.Image:
    """Pictures in rows, at most ``SHOWN`` of each."""
    count = min(SHOWN, len(pictures[0]))
    size = (WIDTH * count + GAP * (count - 1), HEIGHT * len(pictures) + GAP * (len(pictures) - 1))
    page = Image.new("RGB", size, "white")
    for down, row in enumerate(pictures):
        for along, picture in enumerate(row[:count]):
            small = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
            page.paste(small, (along * (WIDTH + GAP), down * (HEIGHT + GAP)))
    return page.resize((880, round(880 * page.height / page.width)), Image.Resampling.LANCZOS)


def divere(*words: str) -> None:
    """Run the program."""
    subprocess.run([sys.executable, "-m", "divere_cli", *words], check=True, capture_output=True)


if __name__ == "__main__":
    main()
