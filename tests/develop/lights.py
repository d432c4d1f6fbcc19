"""Pictures of a light, and maps of one, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.develop import flat_field
from divere_cli.records.light import LightMap

Floats = NDArray[Any]


def light_map(channels: int = 3, rows: int = 6, columns: int = 8, aspect: float = 1.35) -> LightMap:
    """A map that rises to the right and falls downward, another for each channel."""
    y, x, c = np.mgrid[0:rows, 0:columns, 0:channels].astype(float)
    gain = 1.0 + 0.05 * x - 0.02 * y + 0.1 * c
    return LightMap(
        rows=rows,
        columns=columns,
        channels=channels,
        across=1 / (columns - 2),
        down=1 / (rows - 2),
        aspect=aspect,
        gains=flat_field.packed(gain),
    )


def falloff(
    width: int, height: int, stops: float, rng: np.random.Generator, lamps: float = 0.0
) -> Floats:
    """Light that falls by so many stops to the farthest corner, off center, by channel.

    ``lamps`` is the share by which rows of lamps go up and down.
    """
    cx, cy = rng.uniform(0.4, 0.6, 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = ((x + 0.5) / width - cx) ** 2 + (((y + 0.5) / height - cy) * height / width) ** 2
    out = []
    for _ in range(3):
        most = stops * (1 + 0.1 * rng.uniform(-1, 1))
        light = 1 / (1 + (2 ** (most / 2) - 1) / away.max() * away) ** 2
        if lamps:
            wave = y / height * rng.integers(4, 8) + rng.uniform()
            light = light * (1 + lamps * np.sin(2 * np.pi * wave))
        out.append(light)
    made = np.stack(out, axis=2)
    return np.asarray(made / made.max(axis=(0, 1)), np.float32)


def dusty(
    light: Floats, rng: np.random.Generator, level: float = 0.8, noise: float = 0.004
) -> Floats:
    """A picture of a light: at a level, with dust up to 1.2 % of the width, hairs, noise."""
    height, width = light.shape[:2]
    dust = np.ones((height, width), np.float32)
    for _ in range(55):
        radius = width * rng.uniform(0.0005, 0.006)
        x, y, deep = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.7)
        top, left = max(0, int(y - 3 * radius)), max(0, int(x - 3 * radius))
        part = dust[top : int(y + 3 * radius) + 2, left : int(x + 3 * radius) + 2]
        down, across = np.mgrid[0 : part.shape[0], 0 : part.shape[1]]
        away = np.hypot(across + left - x, down + top - y)
        part *= 1 - deep * np.clip((radius - away) / (0.3 * radius) + 0.5, 0, 1)
    for _ in range(6):
        x, y, turn = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, 6.28)
        for _ in range(width // 10):
            turn += rng.normal(0, 0.03)
            x, y = x + np.cos(turn), y + np.sin(turn)
            if 0 <= x < width - 3 and 0 <= y < height - 3:
                part = dust[int(y) : int(y) + 3, int(x) : int(x) + 3]
                np.minimum(part, 0.6, out=part)
    grain = 1 + noise * rng.standard_normal(light.shape, np.float32)
    return np.asarray(np.clip(light * level * dust[..., None] * grain, 0, 1), np.float32)


def uneven(evened: Floats, side: int = 8) -> Floats:
    """Densities that an evened picture of nothing is off by, over squares, level taken off."""
    rows, columns = evened.shape[0] // side * side, evened.shape[1] // side * side
    part = -np.log10(evened[:rows, :columns])
    cells = part.reshape(rows // side, side, columns // side, side, 3).mean(axis=(1, 3))
    return np.abs(cells - np.median(cells.reshape(-1, 3), axis=0))
