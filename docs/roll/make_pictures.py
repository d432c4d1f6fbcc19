"""Makes the pictures of docs/roll.md from a synthetic roll: python docs/roll/make_pictures.py."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from divere_cli.color import reference
from divere_cli.image import reader
from divere_cli.profile import library
from divere_cli.records.grade import Recipe
from divere_cli.records.job import Encoding, Frame, Job, Stamp, Target
from divere_cli.records.roll import Measured
from divere_cli.roll import bare, downsample, films, measure, pool, regions
from divere_cli.roll.auto import Auto
from divere_cli.roll.measurement import BIN, FrameMeasurement, from_json
from divere_cli.samples import plan, writing

HERE = Path(__file__).parent
WISH = plan.Wish(count=9, megapixels=0.6, seed=1, roll=True, border="holder")
SHOWN = 168, 112
SRGB = library.output_space("sRGB")


class Quiet:
    """A progress that nobody watches."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        yield

    def advance(self, done: float) -> None:
        pass


def main() -> None:
    """Make a roll, measure it, draw."""
    with tempfile.TemporaryDirectory() as folder:
        made = plan.samples(WISH)
        paths = writing.write(made, folder)
        truth = json.loads(Path(folder, writing.TRUTH).read_text())
        recipe = replace(made.recipe, rgb_gains=(0.0, 0.0, 0.0))
        scans = tuple(measured(path, recipe) for path in paths)
        looks = [look for look in (from_json(scan.measurement).frames[0] for scan in scans) if look]
        base = films.part(looks)[0].base
        assert base is not None
        sheet(paths, recipe, scans)
        areas(paths[1], base.density)
        pictures = [look for look in looks if films.is_picture(look)]
        chroma([bare.look(look, base.density) for look in pictures], truth["rgb_gains"])


def measured(path: str, recipe: Recipe) -> Measured:
    frames = (Frame(Target("", "", ""), recipe),)
    job = Job(1, path, path, Stamp(0, 0), Encoding("tiff", 16, SRGB), frames)
    return Measured(Path(path).name, path, frames, measure.measure(job, Quiet()).measurement)


def pixels(path: str) -> NDArray[np.uint16]:
    with reader.open(path) as scan:
        return np.concatenate([band.copy() for _, band in scan.bands()])


def small(codes: NDArray[Any]) -> Image.Image:
    return Image.fromarray(codes.astype(np.uint8)).resize(SHOWN, Image.Resampling.LANCZOS)


def graded(codes: NDArray[np.uint16], recipe: Recipe) -> Image.Image:
    return small(reference.code_values(recipe, SRGB, codes, bit_depth=8))


def sheet(paths: tuple[str, ...], recipe: Recipe, scans: tuple[Measured, ...]) -> None:
    """Draw negatives, the profile alone, and the roll decided."""
    decided = Auto("roll").decide(scans).scans
    width, height = SHOWN
    page = Image.new("RGB", (len(paths) * (width + 4), 3 * (height + 4)), "white")
    for column, (path, scan) in enumerate(zip(paths, scans, strict=True)):
        codes = pixels(path)[::2, ::2]
        rows = (
            small((codes / 65535.0) ** (1 / 2.2) * 255),
            graded(codes, recipe),
            graded(codes, decided[scan.name].recipes[0]),
        )
        for row, picture in enumerate(rows):
            page.paste(picture, (column * (width + 4), row * (height + 4)))
    page.save(HERE / "before-after.jpg", quality=88, optimize=True)


def areas(path: str, base: tuple[float, float, float]) -> None:
    """Draw what of a frame is measured: the picture as it is, the rest in one color each."""
    codes = pixels(path)
    box = (0, 0, codes.shape[1], codes.shape[0])
    cells = downsample.reduce([(0, codes)], [downsample.Reduction(box, 65535.0)])[0]
    density = -np.log10(np.maximum(cells.mean, regions.DARKEST))
    known = regions.Base(np.array(base), "plain", 0, 0.0)
    found = regions.around(density, cells.clipped, known)
    shown = cells.mean ** (1 / 2.2) * 255
    shown[found.outside] = (60, 90, 200)
    shown[found.rebate] = (240, 200, 40)
    picture = Image.fromarray(shown.astype(np.uint8))
    picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST).save(
        HERE / "areas.png", optimize=True
    )


def chroma(frames: list[FrameMeasurement], true: list[float]) -> None:
    """Draw how many pixels each chroma has, and how present it is in all tones."""
    pictures = [m for m in frames if m.presence.rows]
    found = pool.neutral(pictures)
    assert found is not None
    window = (true[0] - true[1], true[2] - true[1])
    maps = (
        pool.added(m.counts for m in pictures),
        pool.added(m.presence for m in pictures),
    )
    halves = []
    for cells in maps:
        half = np.zeros((61, 61))
        for (u, v), value in cells.items():
            x, y = u - round(window[0] / BIN) + 30, v - round(window[1] / BIN) + 30
            if 0 <= x < 61 and 0 <= y < 61:
                half[60 - y, x] = value
        halves.append(np.sqrt(half / half.max()))
    drawn = [dots(half, window, (found.u, found.v)) for half in halves]
    titles = ("pixels of each color", "presence in all tones")
    body = "".join(
        f'<g transform="translate({20 + i * 330},34)"><text x="0" y="-10">{title}</text>{part}</g>'
        for i, (title, part) in enumerate(zip(titles, drawn, strict=True))
    )
    svg(HERE / "chroma.svg", 680, 350, body)


def dots(half: NDArray[np.float64], true: tuple[float, float], found: tuple[float, float]) -> str:
    """Draw a map as squares, the truth as a circle, what was found as a cross."""
    squares = "".join(
        f'<rect x="{x * 5}" y="{y * 5}" width="5" height="5" fill-opacity="{value:.2f}"/>'
        for (y, x), value in np.ndenumerate(half)
        if value > 0.03
    )
    x = 152.5 + (found[0] - true[0]) / BIN * 5
    y = 152.5 - (found[1] - true[1]) / BIN * 5
    return (
        '<rect width="305" height="305" fill="none" stroke="#999"/>'
        f'<g fill="#236">{squares}</g>'
        '<circle cx="152.5" cy="152.5" r="9" fill="none" stroke="#c22" stroke-width="1.5"/>'
        f'<path d="M{x - 5:.1f} {y:.1f}h10M{x:.1f} {y - 5:.1f}v10" stroke="#c22"/>'
    )


def svg(path: Path, width: int, height: int, body: str) -> None:
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
        f"{body}</svg>\n"
    )


if __name__ == "__main__":
    main()
