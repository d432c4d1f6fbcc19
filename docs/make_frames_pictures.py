"""The pictures of docs/flat-field.md and docs/frames.md, made by `divere` itself.

`python -m docs.make_frames_pictures` from the root of the project; scans are drawn by the
tests' own bench, with photographs where ../shared has some.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from tests.develop.lights import dusty, falloff
from tests.frames.strips import Spec, draw, over_base, photograph, photographs

OUT = Path(__file__).parent / "frames"
QUALITY = 82
WIDTH = 880


def divere(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "divere_cli", *map(str, words)], check=True)


def strips(folder: Path) -> None:
    """What `divere frames --picture` draws: a hard strip, a holder of two, one in doubt."""
    hard = Spec(count=6, seed=4, hard=True, turn=0.8, night=(2,), thin=(4,), scale=11.0)
    holder = Spec("120-66", 3, seed=21, strips=2, scale=6.0, around="light", base=1, turn=-0.5)
    doubt = Spec(
        "120-645", 4, seed=4008, hard=True, scale=7.0, turn=-0.85, night=(0,), blank=(3,),
        overlap=(2,), leader=True,
    )  # fmt: skip
    for name, spec in (("strip", hard), ("holder", holder), ("doubt", doubt)):
        scan = folder / f"{name}.tif"
        tifffile.imwrite(scan, draw(spec).pixels, photometric="rgb")
        drawn = folder / f"{name}.png"
        divere("frames", scan, "--picture", drawn)
        with Image.open(drawn) as picture:
            small = picture.convert("RGB")
            small.thumbnail((WIDTH, WIDTH))
            small.save(OUT / f"{name}.jpg", quality=QUALITY)


def deskewed(folder: Path) -> None:
    """One picture of a strip that lies turned, as it lies and level."""
    scans = folder / "turned"
    scans.mkdir()
    spec = Spec(count=3, seed=12, turn=1.5, scale=24.0, grain=0.015)
    tifffile.imwrite(scans / "strip.tif", draw(spec).pixels, photometric="rgb")
    options = ("--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "--auto", "frame")
    made = []
    for name, more in (("lies", ()), ("level", ("--deskew",))):
        divere("batch", scans, folder / name, *options, "--frames", "find", *more)
        with Image.open(folder / name / "strip-2.png") as picture:
            small = picture.convert("RGB")
            small.thumbnail(((WIDTH - 8) // 2, WIDTH))
            made.append(small)
    row = Image.new("RGB", (WIDTH, max(part.height for part in made)), "white")
    row.paste(made[0], (0, 0))
    row.paste(made[1], (WIDTH - made[1].width, 0))
    row.save(OUT / "deskew.jpg", quality=QUALITY)


def light(folder: Path) -> None:
    """A picture of the light, and a frame graded without it and with it."""
    rng = np.random.default_rng(3)
    size = (900, 600)
    lamp = falloff(*size, 1.5, rng)
    photo = photograph(photographs()[7]).resize(size)
    density = over_base((np.asarray(photo, float) / 255) ** 2.2, 0.3)
    film = 0.9 * 10 ** -(density + np.array([0.28, 0.6, 0.82]))
    scans, flat = folder / "scans", folder / "flat.tif"
    scans.mkdir()
    for path, codes in ((scans / "frame.tif", film * lamp), (flat, dusty(lamp, rng))):
        tifffile.imwrite(path, np.round(codes * 65535).astype(np.uint16), photometric="rgb")
    options = ("--format", "png", "--bit-depth", "8", "--color-space", "sRGB", "--auto", "frame")
    divere("batch", scans, folder / "plain", *options)
    divere("batch", scans, folder / "even", *options, "--flat-field", flat)
    shown = Image.fromarray((np.clip(dusty(lamp, rng), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
    row = [shown, *(Image.open(folder / where / "frame.png") for where in ("plain", "even"))]
    wide = WIDTH // 3 - 3
    page = Image.new("RGB", (WIDTH, wide * 2 // 3), "white")
    for index, picture in enumerate(row):
        small = picture.convert("RGB").resize((wide, wide * 2 // 3), Image.Resampling.LANCZOS)
        page.paste(small, (index * (wide + 4), 0))
    page.save(OUT / "flat-field.jpg", quality=QUALITY)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        strips(Path(name))
        deskewed(Path(name))
        light(Path(name))


if __name__ == "__main__":
    main()
