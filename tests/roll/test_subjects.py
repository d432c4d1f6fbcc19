"""Rolls of things, without a chart: many subjects are graded right, of one subject none is sure.

Pictures are heaps of leaves in the colors of a few things, in sun and shade, on
film whose gains are known, metered, without a rebate.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.profile import library, resolve
from divere_cli.records.roll import Measured, RollRecord
from divere_cli.roll import measure
from divere_cli.roll.auto import Auto
from divere_cli.roll.downsample import Reduction, reduce
from divere_cli.roll.measurement import Measurement, to_json
from divere_cli.samples import negative, scene, strip
from tests.roll import rolls

Floats = NDArray[np.float64]
GAINS = (-0.02, -0.45, -0.64)
WIDTH, HEIGHT, LEAVES = 210, 140, 90
SHADE = (0.28, 0.31, 0.38)
LIGHT = {
    "asphalt": (0.10, 0.10, 0.105),
    "concrete": (0.32, 0.31, 0.29),
    "plaster": (0.75, 0.74, 0.71),
    "brick": (0.25, 0.11, 0.07),
    "skin": (0.50, 0.33, 0.25),
    "foliage": (0.07, 0.11, 0.035),
    "grass": (0.13, 0.17, 0.06),
    "young leaf": (0.22, 0.30, 0.07),
    "sky": (0.30, 0.42, 0.65),
    "haze": (0.60, 0.62, 0.65),
    "wood": (0.22, 0.14, 0.08),
    "sand": (0.45, 0.36, 0.25),
    "water": (0.10, 0.16, 0.20),
    "snow": (0.85, 0.87, 0.92),
    "blue snow": (0.30, 0.37, 0.52),
}
SUBJECTS = {
    "street": {"asphalt": 3, "concrete": 3, "plaster": 1, "brick": 2, "sky": 2, "haze": 1},
    "forest": {"foliage": 5, "grass": 3, "young leaf": 2},
    "wall": {"brick": 6, "asphalt": 1, "sky": 1},
    "beach": {"sand": 4, "sky": 4, "water": 3, "skin": 1},
    "room": {"plaster": 4, "wood": 3, "skin": 1, "concrete": 1},
    "snow": {"snow": 6, "blue snow": 3, "wood": 1, "sky": 1},
}
MIXED = ("street", "forest", "beach", "room", "snow", "street", "wall", "room")


def heap(subject: str, rng: np.random.Generator) -> Floats:
    """Light of a picture, ``(HEIGHT, WIDTH, 3)``."""
    names, shares = zip(*SUBJECTS[subject].items(), strict=True)
    colors = np.array([LIGHT[name] for name in names])
    odds = np.array(shares) / sum(shares)
    picture = np.ones((HEIGHT, WIDTH, 3)) * colors[0]
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH]
    for _ in range(LEAVES):
        size, flat = min(5.0 + 16.0 * rng.pareto(2.2), 80.0), rng.uniform(0.5, 2.0)
        away_x, away_y = xs - rng.uniform(0, WIDTH), ys - rng.uniform(0, HEIGHT)
        inside = (away_x / flat) ** 2 + (away_y * flat) ** 2 < size * size
        slope = 0.4 * rng.uniform(-1, 1) * away_x[inside] / size
        color = colors[rng.choice(len(colors), p=odds)] * np.exp(rng.normal(0.0, 0.06, 3))
        picture[inside] = color * np.exp(rng.normal(0.0, 0.35) + slope)[:, None]
    shaded = np.hypot(xs - rng.uniform(0.3, 0.7) * WIDTH, ys - HEIGHT / 2)[..., None] < HEIGHT / 3
    texture = np.exp(0.18 * rng.standard_normal((HEIGHT, WIDTH)))[..., None]
    return np.asarray(picture * texture * np.where(shaded, SHADE, 1.0))


def exposed(
    light: Floats, film: negative.Backwards, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """A scan of the film that a metered camera made of it."""
    base = strip.base_before_curves(film)
    gray = float(film.before_curves(np.array(scene.MIDDLE_GRAY)))
    more, density = 1.0, light
    for _ in range(8):
        shown = np.clip(light * more, scene.DARKEST, scene.LIGHTEST)
        density = np.minimum(film.before_curves(shown), base)
        more *= 10.0 ** (float(density.mean()) - gray)
    grain = 0.005 * rng.standard_normal(density.shape)
    return np.clip(film.scan(film.film(density) + grain) * 65535, 0, 65535).astype(np.uint16)


def decided(subjects: tuple[str, ...], seed: int) -> RollRecord:
    found = resolve.recipe(library.load("c41-endura-premier"))
    film = negative.invert(replace(found, rgb_gains=GAINS))
    rng = np.random.default_rng(seed)
    scans = []
    for index, subject in enumerate(subjects):
        codes = exposed(heap(subject, rng), film, rng)
        cells = reduce([(0, codes)], [Reduction((0, 0, WIDTH, HEIGHT), 65535.0)])[0]
        said = to_json(Measurement((measure.examine(cells, found),)))
        scans.append(Measured(f"{index}.tif", f"/x/{index}.tif", (rolls.frame(found),), said))
    return Auto("roll").decide(tuple(scans)).rolls[0]


def off(record: RollRecord) -> float:
    """How far its gray is from the truth, density."""
    red, green, blue = np.subtract(record.rgb_gains, GAINS)
    return float(np.hypot(red - green, blue - green))


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))])
def test_a_roll_of_many_subjects_is_graded_right(seed: int) -> None:
    found = decided(MIXED, seed)
    assert off(found) < 0.02
    assert found.rgb_gains[1] == pytest.approx(GAINS[1], abs=0.05)
    assert found.confidence == "low"  # eight pictures without bare film, and nothing bears them out


@pytest.mark.parametrize(
    "subject", ["forest", *(pytest.param(n, marks=pytest.mark.slow) for n in ("wall", "snow"))]
)
def test_a_roll_of_one_subject_is_wrong_within_bounds_and_not_sure(subject: str) -> None:
    found = decided((subject,) * 5, 3)
    assert 0.02 < off(found) < 0.25
    assert found.confidence != "high"
