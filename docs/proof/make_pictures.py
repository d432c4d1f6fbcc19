"""Makes the pictures of docs/proof.md with the program itself.

`python docs/proof/make_pictures.py SCANS` takes the folder of real scans (not part of the
project: see the credits in docs/grade.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
WIDTH = 1000
STREET = {
    "version": 3,
    "type": "single",
    "base": "c41-portra-endura",
    "metadata": {"crop": [0.08, 0.08, 0.86, 0.82]},
    "idt": {"name": "sRGB", "gamma": 2.2},
}


def divere(*args: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "divere_cli", *map(str, args)], check=True)


def small(source: Path, name: str) -> None:
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    size = (WIDTH, round(picture.height * WIDTH / picture.width))
    picture.resize(size, Image.Resampling.LANCZOS).save(HERE / name, quality=85, optimize=True)


def main(scans: Path) -> None:
    street = scans / "c41_camera_scan.jpg"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start, preset = folder / "street.json", folder / "measured.json"
        start.write_text(json.dumps(STREET))
        divere("analyze", street, "-p", start, "--auto", "frame", "-o", preset)
        for vary in ("color", "exposure"):
            divere("proof", street, folder / f"{vary}.png", "-p", preset, "--vary", vary)
            small(folder / f"{vary}.png", f"{vary}.jpg")
        roll = folder / "roll"
        divere("samples", roll, "--count", "9", "--megapixels", "2", "--roll", "--seed", "1")
        (roll / "divere_presets.json").unlink()
        divere("proof", roll, folder / "roll.png", "--frame", "all")
        small(folder / "roll.png", "roll.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
