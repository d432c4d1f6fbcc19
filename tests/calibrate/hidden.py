"""Hidden charts with truth: a scene with a chart in it, on a film of its own.

The film shares nothing with the grade that is fitted to it: layers that see past their
color, a toe and a shoulder, dyes that leak into each other, a mask, grain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import homography
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import xyz_of_lab

Floats = NDArray[np.float64]

# linear RGB of Rec. 2020 from XYZ under D50 (Bradford): what the layers see
LAYERS = np.array(
    [[1.6473, -0.3935, -0.2359], [-0.6826, 1.6476, 0.0128], [0.0297, -0.0629, 1.2531]]
)
CROSS = np.array([[0.90, 0.07, 0.03], [0.05, 0.90, 0.05], [0.02, 0.07, 0.91]])
LEAK = np.array([[1.0, 0.08, 0.03], [0.16, 1.0, 0.09], [0.05, 0.22, 1.0]])
MASK = np.array([0.28, 0.62, 0.86])
GAMMA = np.array([0.56, 0.62, 0.66])
TOE, SHOULDER = -2.15, 1.5


@dataclass(frozen=True)
class Look:
    """How a chart lies in its scene and how it was lit, exposed and scanned."""

    size: tuple[int, int] = (480, 700)  # rows, columns
    center: tuple[float, float] = (0.5, 0.5)
    width: float = 0.5  # of the picture's long side, along the chart's long side
    angle: float = 0.0  # degrees
    tilt: tuple[float, float] = (0.0, 0.0)
    mirrored: bool = False
    ev: float = 0.0
    warmth: float = 0.0  # log10, red up and blue down
    shade: tuple[float, float] = (0.0, 0.0)  # log10 across the picture and down
    grain: float = 0.008
    blur: int = 1
    fill: float = 0.86
    clutter: int = 30
    frame: float = 0.05  # reflectance between the patches
    kind: str = "chart"  # chart, none, panes, shuffled
    shadow: tuple[int, ...] = ()  # patches a shadow lies on
    clipped: tuple[int, ...] = ()  # patches a reflection burns out
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """A scan of 0..1 ``(h, w, 3)`` and where the chart's field has its corners, in pixels."""

    scan: Floats
    corners: Floats
    light: Floats = field(repr=False)  # linear Rec. 2020, what the film saw


def film(light: Floats, rng: np.random.Generator, grain: float = 0.0) -> Floats:
    """Transmittance of the negative of scene light ``(..., 3)`` in layers' exposure, 1 = white."""
    exposure = np.log10(np.maximum(light @ CROSS.T, 1e-5))
    above = np.logaddexp(0.0, (exposure - TOE) * 4.5) / 4.5
    dye = GAMMA * (above - np.logaddexp(0.0, (exposure - SHOULDER) * 4.0) / 4.0)
    density = dye @ LEAK.T + MASK
    if grain:
        noise = rng.normal(0.0, 1.0, density.shape)
        noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / np.sqrt(3.0)
        density = density + grain * noise * (0.6 + 0.5 * np.sqrt(np.maximum(dye, 0.0)))
    return np.asarray(10.0**-density)


def render(chart: Chart, look: Look) -> Scene:
    """Photograph a scene with the chart in it and scan the negative."""
    rng = np.random.default_rng(look.seed)
    rows, columns = look.size
    lab = np.array([patch.lab for patch in chart.patches])
    patches = np.maximum(xyz_of_lab(lab) @ LAYERS.T, 1e-4)
    light = _clutter(look, rng)
    matrix = _pose(chart, look)
    corners = homography.apply(matrix, _field(chart, look.fill))
    if look.kind != "none":
        if look.kind == "panes":
            patches = np.repeat(rng.uniform(0.2, 0.7, (1, 3)), len(patches), axis=0)
        elif look.kind == "shuffled":
            patches = patches[rng.permutation(len(patches))]
        _draw(light, chart, look, matrix, patches)
    y, x = np.mgrid[0:rows, 0:columns]
    shade = look.shade[0] * (x / columns - 0.5) + look.shade[1] * (y / rows - 0.5)
    color = np.array([look.warmth, 0.0, -look.warmth])
    light = light * 10.0 ** (shade[..., None] + color + look.ev * np.log10(2.0))
    scan = film(light, rng, look.grain)
    for _ in range(look.blur):
        scan = _blurred(scan)
    return Scene(np.clip(scan, 0.0, 1.0), corners, light)


def codes(scene: Scene) -> NDArray[np.uint16]:
    """The scan as 16-bit code values."""
    return np.rint(scene.scan * 65535.0).astype(np.uint16)


def hard(seed: int, kind: str = "chart") -> Look:
    """A look that is hard in a way of its own: turned, tilted, small, shaded, coarse."""
    rng = np.random.default_rng(1000 + seed)
    look = Look(
        center=(rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58)),
        width=rng.uniform(0.18, 0.62),
        angle=rng.uniform(0.0, 360.0),
        tilt=(rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)),
        mirrored=bool(rng.random() < 0.3),
        ev=rng.uniform(-1.5, 2.0),
        warmth=rng.uniform(-0.15, 0.15),
        shade=(rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)),
        grain=rng.uniform(0.003, 0.03),
        blur=int(rng.integers(0, 3)),
        fill=rng.uniform(0.8, 0.89),
        clutter=int(rng.integers(0, 90)),
        frame=rng.uniform(0.03, 0.12),
        kind=kind,
        seed=seed,
    )
    if abs(np.sin(np.radians(look.angle))) > 0.6 and look.width > 0.5:
        look = replace(look, width=0.5)
    return look


def _field(chart: Chart, fill: float) -> Floats:
    half, right, bottom = fill / 2.0, chart.columns - 1.0, chart.rows - 1.0
    return np.array(
        [
            [-half, -half],
            [right + half, -half],
            [right + half, bottom + half],
            [-half, bottom + half],
        ]
    )


def _pose(chart: Chart, look: Look) -> Floats:
    """Chart places to pixels."""
    rows, columns = look.size
    pitch = look.width * max(rows, columns) / chart.columns
    angle = np.radians(look.angle)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * pitch
    if look.mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    to_center = np.eye(3)
    to_center[:2, 2] = -(chart.columns - 1) / 2.0, -(chart.rows - 1) / 2.0
    matrix = np.eye(3)
    matrix[:2, :2] = turn
    matrix[2, :2] = np.array(look.tilt) / chart.columns
    moved = np.eye(3)
    moved[:2, 2] = look.center[0] * columns, look.center[1] * rows
    found = moved @ matrix @ to_center
    return np.asarray(found / found[2, 2])


def _draw(light: Floats, chart: Chart, look: Look, matrix: Floats, patches: Floats) -> None:
    rows, columns = look.size
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    at = homography.apply(np.linalg.inv(matrix), np.stack([x, y], axis=-1))
    with np.errstate(invalid="ignore"):
        inside = (at > -0.85).all(-1)
        inside &= (at[..., 0] < chart.columns - 0.15) & (at[..., 1] < chart.rows - 0.15)
        nearest = np.rint(np.nan_to_num(at))
    light[inside] = look.frame
    column = np.clip(nearest[..., 0], 0, chart.columns - 1)
    row = np.clip(nearest[..., 1], 0, chart.rows - 1)
    off = np.abs(np.nan_to_num(at) - np.stack([column, row], axis=-1)).max(-1)
    on = inside & (off < look.fill / 2.0)
    which = (row * chart.columns + column).astype(int)
    shown = patches.copy()
    shown[list(look.shadow)] *= 0.35
    light[on] = shown[which[on]]
    for patch in look.clipped:
        light[on & (which == patch)] = 60.0


def _clutter(look: Look, rng: np.random.Generator) -> Floats:
    rows, columns = look.size
    base = rng.uniform(0.05, 0.5, 3)
    light = np.ones((rows, columns, 1)) * base
    y, x = np.mgrid[0:rows, 0:columns]
    wave = np.sin(x / rng.uniform(9, 60)) * np.sin(y / rng.uniform(9, 60))
    light = light * (1.0 + 0.25 * wave[..., None])
    for _ in range(look.clutter):
        h, w = rng.integers(6, rows // 3), rng.integers(6, columns // 3)
        top, left = rng.integers(-h // 2, rows), rng.integers(-w // 2, columns)
        color = rng.uniform(0.02, 0.9, 3)
        light[max(top, 0) : top + h, max(left, 0) : left + w] = color
    return light


def _blurred(picture: Floats) -> Floats:
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    down = padded[:-2] + 2.0 * padded[1:-1] + padded[2:]
    return np.asarray((down[:, :-2] + 2.0 * down[:, 1:-1] + down[:, 2:]) / 16.0)
