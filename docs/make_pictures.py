"""Before and after of real scans, graded by `divere batch`: the pictures of docs/grade.md.

`python docs/make_pictures.py SCANS` takes the folder of scans (not part of the
project: see the credits in docs/grade.md) and writes `docs/pictures/*.jpg`.
Needs nothing that divere does not need.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

OUT = Path(__file__).parent / "pictures"
WIDTH = 880
GAP = 4
CAMERA = {"name": "sRGB", "gamma": 2.2}
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Shown:
    """One picture of the page: scans and the preset and options they are graded with."""

    name: str
    scans: tuple[str, ...]
    preset: dict[str, Any]
    crop: Box = WHOLE
    options: tuple[str, ...] = ()


SHOWN = (
    Shown(
        "colorchecker",
        tuple(f"ultramax400_colorchecker_{ev}ev.tif" for ev in ("minus2", "0", "plus2")),
        {"base": "5000ed-ultramax400"},
        options=("--auto", "frame"),
    ),
    Shown(
        "street",
        ("c41_camera_scan.jpg",),
        {"base": "c41-portra-endura", "idt": CAMERA},
        crop=(0.08, 0.08, 0.86, 0.82),
        options=("--auto", "frame"),
    ),
    Shown(
        "cat",
        ("bw_sprockets_yellow_light.jpg",),
        {
            "base": "bw-ilford-mgfb-2",
            "idt": CAMERA,
            "cc_params": {"density_gamma": 0.5, "density_dmax": 2.9},
        },
        crop=(0.16, 0.1, 0.66, 0.72),
    ),
)


def main(scans: Path) -> None:
    OUT.mkdir(exist_ok=True)
    for shown in SHOWN:
        pairs = [
            (before(scans / name, shown.crop), after(scans / name, shown)) for name in shown.scans
        ]
        sheet(pairs).save(OUT / f"{shown.name}.jpg", quality=85, optimize=True)


def before(scan: Path, crop: Box) -> Image.Image:
    """The scan as a viewer shows it; linear ones encoded with gamma 2.2."""
    if scan.suffix == ".tif":
        linear = tifffile.imread(scan) / 65535.0
        picture = Image.fromarray((linear ** (1 / 2.2) * 255.0).round().astype(np.uint8))
    else:
        picture = Image.open(scan).convert("RGB")
    x, y, w, h = crop
    wide, high = picture.size
    box = (x * wide, y * high, (x + w) * wide, (y + h) * high)
    return picture.crop(tuple(round(edge) for edge in box))


def after(scan: Path, shown: Shown) -> Image.Image:
    """The positive that `divere batch` makes."""
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "preset.json"
        metadata = {"crop": list(shown.crop)}
        document = {"version": 3, "type": "single", "metadata": metadata, **shown.preset}
        preset.write_text(json.dumps(document))
        output = Path(folder) / "positives"
        command = [sys.executable, "-m", "divere_cli", "batch", str(scan), str(output)]
        options = ["-p", str(preset), "--format", "png", "--bit-depth", "8"]
        space = ["--color-space", "sRGB", *shown.options]
        subprocess.run([*command, *options, *space], check=True)
        return Image.open(output / f"{scan.stem}.png").convert("RGB")


def sheet(pairs: list[tuple[Image.Image, Image.Image]]) -> Image.Image:
    """One pair side by side; several with the scans above the positives. All of one height."""
    rows = [list(pairs[0])] if len(pairs) == 1 else [list(row) for row in zip(*pairs, strict=True)]
    room = WIDTH - GAP * (len(rows[0]) - 1)
    height = round(room / sum(picture.width / picture.height for picture in rows[0]))
    page = Image.new("RGB", (WIDTH, height * len(rows) + GAP * (len(rows) - 1)), "white")
    for index, row in enumerate(rows):
        left = 0
        for picture in row:
            width = round(picture.width * height / picture.height)
            scaled = picture.resize((width, height), Image.Resampling.LANCZOS)
            page.paste(scaled, (left, index * (height + GAP)))
            left += width + GAP
    return page


if __name__ == "__main__":
    main(Path(sys.argv[1]))
