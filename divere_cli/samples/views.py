"""Drawn views that look like photographs: mountains, a lake, a coast, dunes, a meadow, a street.

Covers linear light of six subjects at any place of a frame, as :mod:`divere_cli.samples.scene`
needs it: every value depends only on its coordinates and the seed. This code draws everything; the
project contains no photograph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from divere_cli.samples.noise import across, noise, smooth

Floats = NDArray[np.float64]
Color = tuple[float, float, float]

OCTAVES = 7


def light(number: int, seed: int, xs: Floats, ys: Floats) -> Floats:
    """Return the light of one view.

    Parameters
    ----------
    number : int
        Number of the view, modulo the number of views.
    seed : int
    xs, ys : ndarray
        Columns and rows, 0 to 1 of the picture.

    Returns
    -------
    ndarray
        ``(len(ys), len(xs), 3)``, linear, in the working space.
    """
    return VIEWS[number % len(VIEWS)](seed, xs, ys)


def _mountains(seed: int, xs: Floats, ys: Floats) -> Floats:
    picture = _sky(seed, xs, ys, (0.20, 0.34, 0.66), (0.62, 0.68, 0.76))
    haze = np.array((0.50, 0.58, 0.70))
    rock, forest = np.array((0.16, 0.15, 0.14)), np.array((0.045, 0.075, 0.035))
    for depth in range(4):
        rng = np.random.default_rng((seed, 20, depth))
        crest = 0.26 + 0.13 * depth - (0.17 - 0.045 * depth) * _crest(rng, xs, 3 + 2 * depth)
        if depth > 1:
            crest = crest - 0.022 * depth * _trees(rng, xs, 60 * depth)
        slope = _below(ys, crest, 900.0)
        relief = np.exp(0.55 * _fractal(rng, (6, 10), xs, ys) + 0.5 * _faces(rng, xs, ys))
        color = rock if depth < 2 else forest
        land = color * relief[..., None]
        if depth < 2:
            down = (ys[:, None] - crest) * 5.0 + 0.7 * _fractal(rng, (8, 12), xs, ys)
            snow = np.clip(1.3 - 3.0 * down, 0.0, 1.0)[..., None] * (1.0 - 0.6 * depth)
            land = land + snow * (np.array((0.70, 0.74, 0.80)) * relief[..., None] ** 0.4 - land)
        far = (0.62, 0.40, 0.16, 0.0)[depth]
        picture += slope * (land + far * (haze - land) - picture)
    return picture


def _lake(seed: int, xs: Floats, ys: Floats) -> Floats:
    shore = 0.56
    rng = np.random.default_rng((seed, 30))
    ripple = 0.012 * noise(rng, (140, 9), xs, ys).mean(axis=1) * (ys > shore)
    mirrored = np.where(ys > shore, np.clip(2.0 * shore - ys + ripple, 0.0, shore), ys)
    picture = _mountains(seed + 1, xs, mirrored / shore * 0.80)
    water = _below(ys, np.full_like(xs, shore), 500.0)
    waves = np.exp(0.16 * noise(rng, (220, 26), xs, ys) + 0.1 * noise(rng, (60, 8), xs, ys))
    deep = picture * waves[..., None] * 0.72 + np.array((0.010, 0.018, 0.022))
    return np.asarray(picture + water * (deep - picture))


def _coast(seed: int, xs: Floats, ys: Floats) -> Floats:
    rng = np.random.default_rng((seed, 40))
    horizon = 0.52
    picture = _sky(seed, xs, ys, (0.20, 0.30, 0.52), (0.80, 0.46, 0.22))
    across_x, down = xs[None, :] - 0.62, (ys[:, None] - 0.47) / 1.5
    sun = np.exp(-np.hypot(across_x, down) * 7.0)[..., None]
    picture += sun * np.array((0.85, 0.42, 0.12))
    sea = np.array((0.10, 0.13, 0.17)) * np.exp(0.25 * _fractal(rng, (90, 12), xs, ys))[..., None]
    column = np.exp(-((across_x * 2.2) ** 2) * 14.0)
    glint = np.clip(_fractal(rng, (160, 22), xs, ys) * 2.2 + 0.1, 0.0, 2.0) * column
    sea = sea + glint[..., None] * np.array((0.60, 0.34, 0.14))
    picture += _below(ys, np.full_like(xs, horizon), 700.0) * (sea - picture)
    cliff = horizon + 0.01 - 0.30 * np.clip(0.42 - xs, 0.0, 1.0) ** 0.8
    cliff = cliff - 0.03 * _crest(rng, xs, 14) * (xs < 0.42) + 3.0 * np.clip(xs - 0.40, 0.0, 1.0)
    rock = np.array((0.075, 0.062, 0.050)) * np.exp(0.8 * _faces(rng, xs, ys))[..., None]
    beach = horizon + 0.33 + 0.25 * (xs - 0.3) + 0.02 * _crest(rng, xs, 5)
    sand = np.array((0.24, 0.17, 0.11)) * np.exp(0.22 * _fractal(rng, (70, 50), xs, ys))[..., None]
    picture += (
        _below(ys, cliff, 800.0)
        * _below(-ys, np.full_like(xs, -horizon - 0.04), 60.0)
        * (rock - picture)
    )
    picture += _below(ys, beach, 60.0) * (sand - picture)
    return picture


def _dunes(seed: int, xs: Floats, ys: Floats) -> Floats:
    picture = _sky(seed, xs, ys, (0.14, 0.26, 0.56), (0.52, 0.62, 0.72), clouds=0.25)
    for depth in range(4):
        rng = np.random.default_rng((seed, 50, depth))
        crest = 0.40 + 0.14 * depth - 0.10 * _wave(rng, xs, 2 + depth)
        under = ys[:, None] - crest
        side = smooth(
            np.clip(0.5 + 3.0 * _wave(rng, xs, 3 + depth)[None, :] - 5.0 * under, 0, 1), 0
        )
        ripples = np.exp(0.10 * noise(rng, (260 - 30 * depth, 26), xs, ys))
        lit, shade = np.array((0.58, 0.36, 0.17)), np.array((0.20, 0.115, 0.062))
        sand = (shade + side[..., None] * (lit - shade)) * ripples[..., None]
        sand = sand * np.exp(0.12 * _fractal(rng, (5, 8), xs, ys))[..., None]
        far = (0.30, 0.14, 0.05, 0.0)[depth]
        sand = sand + far * (np.array((0.55, 0.58, 0.62)) - sand)
        picture += _below(ys, crest, 700.0) * (sand - picture)
    return picture


def _meadow(seed: int, xs: Floats, ys: Floats) -> Floats:
    picture = _sky(seed, xs, ys, (0.22, 0.38, 0.70), (0.66, 0.72, 0.76))
    rng = np.random.default_rng((seed, 60))
    woods = 0.47 - 0.05 * _trees(rng, xs, 34) - 0.03 * _crest(rng, xs, 6)
    leaves = (
        np.array((0.05, 0.085, 0.03)) * np.exp(0.7 * _fractal(rng, (40, 60), xs, ys))[..., None]
    )
    picture += _below(ys, woods, 400.0) * (leaves - picture)
    field = 0.535 + 0.02 * _crest(rng, xs, 4)
    blades = _fractal(rng, (70, 130), xs, ys) + 0.5 * noise(rng, (300, 420), xs, ys)
    grass = np.array((0.13, 0.17, 0.045)) * np.exp(0.5 * blades)[..., None]
    dots = np.clip(noise(rng, (150, 220), xs, ys) * 9.0 - 6.6, 0.0, 1.0)[..., None]
    dots = dots * np.clip((ys[:, None, None] - 0.58) * 4.0, 0.0, 1.0)
    grass = grass + dots * (np.array((0.72, 0.16, 0.10)) - grass)
    picture += _below(ys, field, 200.0) * (grass - picture)
    trunk = (
        np.exp(-(((xs[None, :] - 0.27) / 0.011) ** 4))
        * _below(ys, np.full_like(xs, 0.36), 90.0)[..., 0]
    )
    trunk = trunk * (ys[:, None] < 0.60)
    picture += trunk[..., None] * (np.array((0.045, 0.032, 0.022)) - picture)
    away = np.hypot((xs[None, :] - 0.27) / 0.15, (ys[:, None] - 0.27) / 0.21)
    crown = smooth(np.clip((1.0 - away) * 3.0 + 1.1 * _fractal(rng, (18, 26), xs, ys), 0.0, 1.0), 0)
    sunny = np.exp(0.7 * _fractal(rng, (40, 60), xs, ys) + 1.2 * (0.27 - ys[:, None]) * 4.0)
    foliage = np.array((0.075, 0.12, 0.03)) * sunny[..., None]
    return np.asarray(picture + crown[..., None] * (foliage - picture))


def _street(seed: int, xs: Floats, ys: Floats) -> Floats:
    """Return a street at night, whose dark areas stay dark."""
    ground = 0.68
    mirrored = np.where(ys > ground, 2.0 * ground - ys, ys)
    rng = np.random.default_rng((seed, 70))
    picture = np.zeros((len(ys), len(xs), 3)) + np.array((0.010, 0.013, 0.026))
    edges = np.sort(rng.uniform(0.0, 1.0, 7))
    house = np.searchsorted(edges, xs)
    tops = rng.uniform(0.10, 0.45, 8)[house]
    walls = np.array((0.020, 0.017, 0.015)) * rng.uniform(0.6, 2.0, (8, 1))[house]
    body = _below(mirrored, tops, 900.0)
    picture += body * (walls[None] - picture)
    columns, rows = (xs * 46.0).astype(int), (mirrored * 34.0).astype(int)
    lit = rng.uniform(0.0, 1.0, (47, 80)) > 0.72
    inside = (np.abs(xs * 46.0 % 1.0 - 0.5) < 0.30)[None, :]
    inside = inside & (np.abs(mirrored * 34.0 % 1.0 - 0.5) < 0.33)[:, None]
    warm = rng.uniform(0.5, 1.0, (47, 80, 1)) * np.array((0.62, 0.38, 0.15))
    window = (lit[columns][:, rows].T & inside)[..., None] * (body > 0.9)
    picture += window * warm[columns][:, rows].transpose(1, 0, 2) * (mirrored < 0.62)[:, None, None]
    for lamp in range(6):
        x, y = (lamp + 0.5) / 6 + rng.uniform(-0.03, 0.03), 0.50 + rng.uniform(-0.02, 0.02)
        color = np.array(((0.95, 0.62, 0.25), (0.80, 0.85, 0.90), (0.90, 0.16, 0.10))[lamp % 3])
        away = np.hypot((xs[None, :] - x) * 1.5, mirrored[:, None] - y)
        picture += (np.exp(-((away / 0.011) ** 2)) + 0.10 * np.exp(-away / 0.045))[
            ..., None
        ] * color
    wet = _below(ys, np.full_like(xs, ground), 600.0)
    shimmer = np.exp(0.6 * _fractal(rng, (50, 90), xs, ys) - 0.9)[..., None]
    return np.asarray(picture + wet * (picture * shimmer - picture))


def _sky(seed: int, xs: Floats, ys: Floats, high: Color, low: Color, clouds: float = 1.0) -> Floats:
    rng = np.random.default_rng((seed, 10))
    share = np.clip(ys * 1.9, 0.0, 1.0)[:, None, None] ** 0.8
    sky = np.array(high) + share * (np.array(low) - np.array(high))
    cover = _fractal(rng, (5, 7), xs, ys) + 0.25 * noise(rng, (3, 2), xs, ys)
    veil = smooth(np.clip(cover * 1.6 + 0.05, 0.0, 1.0), 0.0)[..., None] * clouds
    shaded = np.clip(0.80 - 0.35 * _fractal(rng, (9, 13), xs, ys), 0.35, 1.1)[..., None]
    return np.asarray(sky + veil * (np.array((0.80, 0.81, 0.83)) * shaded - sky))


def _fractal(rng: np.random.Generator, cells: tuple[int, int], xs: Floats, ys: Floats) -> Floats:
    """Return noise of many octaves, about -1 to 1."""
    total, weight = np.zeros((len(ys), len(xs))), 1.0
    rows, columns = cells
    for _ in range(OCTAVES):
        if max(rows, columns) > 900:
            break
        total += weight * noise(rng, (rows, columns), xs, ys)
        rows, columns, weight = rows * 2 + 1, columns * 2 + 1, weight * 0.58
    return total / 1.3


def _faces(rng: np.random.Generator, xs: Floats, ys: Floats) -> Floats:
    """Return light and shade on folded ground: ridges of noise."""
    return np.asarray(1.0 - 2.6 * np.abs(_fractal(rng, (9, 12), xs, ys)))


def _crest(rng: np.random.Generator, xs: Floats, cells: int) -> Floats:
    """Return a ragged line, about -1 to 1."""
    total, weight = np.zeros(len(xs)), 1.0
    for _ in range(6):
        total += weight * across(rng.uniform(-1.0, 1.0, (1, cells + 1)), xs)[0]
        cells, weight = cells * 2 + 1, weight * 0.5
    return total / 1.2


def _wave(rng: np.random.Generator, xs: Floats, cells: int) -> Floats:
    """Return a smooth line, about -1 to 1."""
    return np.asarray(across(rng.uniform(-1.0, 1.0, (1, cells + 1)), xs)[0])


def _trees(rng: np.random.Generator, xs: Floats, count: int) -> Floats:
    """Return tree tops, 0 to 1."""
    position = xs * count
    tree = np.minimum(position.astype(int), count - 1)
    height = rng.uniform(0.35, 1.0, count)[tree]
    return np.asarray(height * (1.0 - 2.0 * np.abs(position - tree - 0.5)) ** 0.8)


def _below(ys: Floats, line: Floats, sharp: float) -> Floats:
    """Return 1 below a line and 0 above it, ``(rows, columns, 1)``."""
    return np.asarray(np.clip((ys[:, None] - line[None, :]) * sharp, 0.0, 1.0)[..., None])


VIEWS: tuple[Callable[[int, Floats, Floats], Floats], ...] = (
    _mountains,
    _coast,
    _meadow,
    _dunes,
    _lake,
    _street,
)
NIGHT = VIEWS.index(_street)
