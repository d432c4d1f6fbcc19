"""The scene in front of the camera: a landscape with a ColorChecker and gray ramps.

Covers light in the working space at any place of a frame, band by band: every value depends only
on its coordinates and the seed, so bands are independent. The landscape is lit so that its median
tone is where it is in photographs, a little darker than a gray card (18 %), with the variation of
real subjects, as a light meter ensures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from divere_cli.samples import views
from divere_cli.samples.noise import across, noise, smooth

Floats = NDArray[np.float64]
Kind = Literal["landscape", "colored", "view"]

MIDDLE_GRAY = 0.18
# Density: the median of pictures over a gray card's; how far a frame differs by its subject.
KEY, KEY_SPREAD = 0.035, 0.02
DARKEST, LIGHTEST = 0.006, 0.93

# x, y, width, height in 0..1 of the picture
CHART = (0.055, 0.40, 0.36, 0.36)
STEPS = (0.055, 0.80, 0.36, 0.06)
RAMP = (0.055, 0.87, 0.36, 0.05)
STEP_COUNT = 11
PATCH_FILL = 0.82  # of a patch's cell; the rest is the chart's black frame
FRAME_LIGHT = 0.034

SKY, HAZE = (0.34, 0.47, 0.72), (0.62, 0.62, 0.60)
HILLS = ((0.20, 0.29, 0.44), (0.17, 0.25, 0.24), (0.10, 0.14, 0.07))
SKY_ENDS, GROUND_BEGINS = 0.27, 0.63  # beyond these rows no ridge and no shore reaches
MEADOW = (0.19, 0.20, 0.09)
PETAL = (0.62, 0.05, 0.045)


@dataclass(frozen=True)
class Scene:
    """A scene.

    ``patches`` is the light of the chart, ``(24, 3)``; ``develop`` gives the
    density that light makes, more being darker on the print. ``view`` is which of the
    drawn views a ``view`` shows.
    """

    seed: int
    kind: Kind
    patches: Floats
    develop: Callable[[Floats], Floats]
    view: int = 0

    @cached_property
    def sunlight(self) -> float:
        """Return the light on the landscape that gives the exposure of a light meter."""
        if self.kind == "colored" or self._at_night:
            return 1.0
        xs, ys = (np.arange(90) + 0.5) / 90, (np.arange(60) + 0.5) / 60
        gray = float(self.develop(np.array(MIDDLE_GRAY)))
        target = gray + KEY + np.random.default_rng((self.seed, 0)).normal(0.0, KEY_SPREAD)
        sunlight = 1.0
        for _ in range(12):
            densities = self.develop(self._lit(xs, ys, sunlight)).mean(axis=2)
            sunlight *= 10.0 ** (float(np.median(densities)) - target)
        return sunlight

    @property
    def _at_night(self) -> bool:
        """Whether a light meter would misjudge it."""
        return self.kind == "view" and self.view % len(views.VIEWS) == views.NIGHT

    def light(self, xs: Floats, ys: Floats) -> Floats:
        """Return the light of the picture at columns ``xs`` and rows ``ys``, both 0..1.

        Returns
        -------
        ndarray
            ``(len(ys), len(xs), 3)``, linear, in the working space.
        """
        return self._lit(xs, ys, self.sunlight)

    def _lit(self, xs: Floats, ys: Floats, sunlight: float) -> Floats:
        if self.kind == "colored":
            return np.asarray(np.clip(self._petals(xs, ys), DARKEST, LIGHTEST))
        if self.kind == "view":
            light = views.light(self.view, self.seed, xs, ys) * sunlight
            return np.asarray(np.clip(light, DARKEST, LIGHTEST))
        picture = self._landscape(xs, ys) * sunlight
        _draw(picture, xs, ys, CHART, self._chart)
        _draw(picture, xs, ys, STEPS, _steps)
        _draw(picture, xs, ys, RAMP, _ramp)
        return np.asarray(np.clip(picture, DARKEST, LIGHTEST))

    def _landscape(self, xs: Floats, ys: Floats) -> Floats:
        warmth = np.random.default_rng((self.seed, 1)).uniform(-0.06, 0.06)
        ends = np.searchsorted(ys, (SKY_ENDS, GROUND_BEGINS))
        parts = (
            self._sky(xs, ys[: ends[0]]),
            self._shore(xs, ys[ends[0] : ends[1]]),
            self._field(xs, ys[ends[1] :]),
        )
        return np.concatenate(parts) * (1.0 + np.array([warmth, 0.0, -warmth]))

    def _sky(self, xs: Floats, ys: Floats) -> Floats:
        rng = np.random.default_rng((self.seed, 5))
        clouds = smooth(noise(rng, (5, 9), xs, ys) + 0.5 * noise(rng, (17, 31), xs, ys))
        sky = np.array(SKY) * (1.35 - 0.9 * ys[:, None, None]) ** 1.2
        return np.asarray(sky + clouds[..., None] * (np.array(HAZE) * 1.35 - sky))

    def _shore(self, xs: Floats, ys: Floats) -> Floats:
        """Return sky, hills and ground, for the rows in which all three can occur."""
        rng = np.random.default_rng((self.seed, 6))
        picture = self._sky(xs, ys)
        for depth, color in enumerate(HILLS):
            ridge = 0.34 + 0.07 * depth + 0.05 * _ridge(rng, xs, 4 + 4 * depth)
            slope = np.clip((ys[:, None] - ridge) * 90.0, 0.0, 1.0)[..., None]
            relief = 1.0 + 0.35 * noise(rng, (40, 60), xs, ys)[..., None]
            picture += slope * (np.array(color) * relief - picture)
        shore = 0.58 + 0.02 * _ridge(rng, xs, 6)
        below = np.clip((ys[:, None] - shore) * 60.0, 0.0, 1.0)[..., None]
        return np.asarray(picture + below * (self._field(xs, ys) - picture))

    def _field(self, xs: Floats, ys: Floats) -> Floats:
        rng = np.random.default_rng((self.seed, 7))
        blades = noise(rng, (90, 60), xs, ys) + 0.7 * noise(rng, (260, 180), xs, ys)
        shade = noise(rng, (4, 5), xs, ys)
        field = np.array(MEADOW) * np.exp(0.55 * blades + 0.9 * shade)[..., None]
        stones = np.clip(noise(rng, (14, 18), xs, ys) * 5.0 - 0.4, 0.0, 1.0)[..., None]
        gray = np.exp(0.4 * blades + 1.1 * shade)[..., None] * 0.17
        return np.asarray(field + stones * (gray - field))

    def _petals(self, xs: Floats, ys: Floats) -> Floats:
        rng = np.random.default_rng((self.seed, 2))
        folds = noise(rng, (7, 9), xs, ys) + 0.5 * noise(rng, (30, 40), xs, ys)
        leaf = np.clip(noise(rng, (4, 5), xs, ys) * 5.0 - 2.6, 0.0, 1.0)[..., None]
        petal = np.array(PETAL) * np.exp(0.8 * folds)[..., None]
        return np.asarray(
            petal + leaf * (np.array(MEADOW) * 0.6 * np.exp(folds)[..., None] - petal)
        )

    def _chart(self, us: Floats, vs: Floats) -> Floats:
        column, row = np.minimum((us * 6).astype(int), 5), np.minimum((vs * 4).astype(int), 3)
        inside_x = np.abs(us * 6 - column - 0.5) < PATCH_FILL / 2
        inside_y = np.abs(vs * 4 - row - 0.5) < PATCH_FILL / 2
        patch = self.patches[row[:, None] * 6 + column[None, :]]
        inside = (inside_y[:, None] & inside_x[None, :])[..., None]
        return np.where(inside, patch, FRAME_LIGHT)


def patch_boxes() -> tuple[tuple[float, float, float, float], ...]:
    """Return the boxes of the 24 patches: x, y, width, height in 0..1 of the picture."""
    x, y, width, height = CHART
    cell, tall, margin = width / 6, height / 4, (1.0 - PATCH_FILL) / 2
    return tuple(
        (
            x + (column + margin) * cell,
            y + (row + margin) * tall,
            cell * PATCH_FILL,
            tall * PATCH_FILL,
        )
        for row in range(4)
        for column in range(6)
    )


def step_lights() -> tuple[float, ...]:
    """Return the light of the gray ramp's steps, from light to dark, evenly spaced in density."""
    return tuple(float(v) for v in np.geomspace(0.85, 0.012, STEP_COUNT))


def _steps(us: Floats, vs: Floats) -> Floats:
    step = np.minimum((us * STEP_COUNT).astype(int), STEP_COUNT - 1)
    row = np.array(step_lights())[step]
    return np.broadcast_to(row[None, :, None], (len(vs), len(us), 3))


def _ramp(us: Floats, vs: Floats) -> Floats:
    row = 0.85 * (0.012 / 0.85) ** us
    return np.broadcast_to(row[None, :, None], (len(vs), len(us), 3))


def _draw(
    picture: Floats,
    xs: Floats,
    ys: Floats,
    box: tuple[float, float, float, float],
    paint: Callable[[Floats, Floats], Floats],
) -> None:
    """Paint the pixels of a box over the picture."""
    x, y, width, height = box
    us, vs = (xs - x) / width, (ys - y) / height
    columns, rows = np.flatnonzero((us >= 0) & (us < 1)), np.flatnonzero((vs >= 0) & (vs < 1))
    if len(rows) and len(columns):
        picture[np.ix_(rows, columns)] = paint(us[columns], vs[rows])


def _ridge(rng: np.random.Generator, xs: Floats, cells: int) -> Floats:
    coarse = across(rng.uniform(-1.0, 1.0, (1, cells + 1)), xs)[0]
    fine = across(rng.uniform(-1.0, 1.0, (1, cells * 7 + 1)), xs)[0]
    return np.asarray(coarse + 0.35 * fine)
