"""Scans of dusty film with their truth, for tests of the infrared repair.

A picture on film (a photograph where the caller has one, else one that is made
here: sky, hills, foliage, walls, a face-like blob, fine texture), its density
and grain; dust, hairs and scratches as density; infrared as the red layer's
crosstalk plus the defects, softer, moved as a whole, with noise and a slow
level.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Film:
    """What a simulated scan is like; lengths in pixels, densities in D."""

    height: int = 900
    width: int = 1200
    specks: int = 45
    hairs: int = 6
    scratches: int = 5
    covered: float = 0.0  # more dust until so much of the picture is covered
    crosstalk: float = 0.06
    shift: tuple[float, float] = (0.0, 0.0)
    grain: float = 0.022
    noise: float = 0.008
    soft: float = 0.5  # sigma by which infrared is softer
    through: float = 0.6  # of a scratch's density that infrared sees
    half: bool = False
    silver: bool = False
    bits: int = 16
    bare: int = 0  # rows of bare light at the top
    holder: int = 0  # columns of black holder at the left


@dataclass(frozen=True)
class Scan:
    """A scan and its truth. ``defects`` is their density in the picture."""

    rgb: NDArray[Any]
    infrared: NDArray[Any]
    clean: NDArray[Any]
    defects: Floats
    places: NDArray[np.int32]  # number of the defect at each pixel, 0 none


def scan(film: Film, seed: int, photograph: Floats | None = None) -> Scan:
    """Make a scan; ``photograph`` is linear light of 0..1, (height, width, 3), or None."""
    random = np.random.default_rng(seed)
    shape = (film.height, film.width)
    light = picture(shape, random) if photograph is None else fitted(photograph, shape, random)
    base = negative(light) if not film.silver else silver(light)
    base += grain((*shape, 3), random, film.grain, film.silver)
    defects, seen, places = _defects(film, random)
    base[: film.bare] = 0.01
    base[:, : film.holder] = 4.0
    clean = to_codes(base, film.bits)
    rgb = to_codes(base + defects[..., np.newaxis], film.bits)
    plane = 0.03 + (base[..., 0] if film.silver else film.crosstalk * base[..., 0]) + seen
    plane[: film.bare] = 0.0 + seen[: film.bare]
    plane[:, : film.holder] = 4.0
    infrared = _infrared(plane, film, random)
    return Scan(rgb, infrared, clean, defects, places)


def picture(shape: tuple[int, int], random: np.random.Generator) -> Floats:
    """A photograph-like picture in linear light, 0..1, (rows, columns, 3)."""
    rows, columns = shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    y /= rows
    x /= columns
    sky = np.stack([0.35 + 0.3 * y, 0.5 + 0.25 * y, 0.8 - 0.1 * y], -1)
    ridge = 0.35 + 0.08 * np.sin(7 * x + random.uniform(0, 6)) + 0.03 * np.sin(23 * x)
    leaves = fractal(shape, random, 1.1)
    hill = np.stack([0.08 + 0.12 * leaves, 0.14 + 0.22 * leaves, 0.05 + 0.05 * leaves], -1)
    out = np.where((y > ridge)[..., np.newaxis], hill, sky)
    for _ in range(14):
        top, left = random.uniform(0.3, 0.9), random.uniform(0, 0.9)
        tall, wide = random.uniform(0.03, 0.3), random.uniform(0.02, 0.2)
        inside = (y > top) & (y < top + tall) & (x > left) & (x < left + wide)
        color = random.uniform(0.02, 0.9, 3)
        out[inside] = color * (0.7 + 0.5 * leaves[inside])[:, np.newaxis]
    for _ in range(6):
        cy, cx, radius = random.uniform(0.2, 0.9), random.uniform(0, 1), random.uniform(0.03, 0.12)
        ball = np.clip(1 - ((y - cy) ** 2 + (x - cx) ** 2) / radius**2, 0, 1)[..., np.newaxis]
        out = np.where(ball > 0, random.uniform(0.1, 0.8, 3) * (0.2 + 0.8 * ball), out)
    wires = np.abs(((x * random.uniform(8, 20) + y * 3) % 1) - 0.5) < 0.006
    out[wires & (y < ridge)] *= 0.3
    out = soften(np.moveaxis(out, -1, 0).astype(np.float32), 0.8)
    return np.clip(np.moveaxis(out, 0, -1), 0.004, 1).astype(np.float32)


def fitted(photograph: Floats, shape: tuple[int, int], random: np.random.Generator) -> Floats:
    """A part of a photograph, mirrored where it is too small."""
    rows, columns = shape
    tall, wide = photograph.shape[:2]
    reps = (-(-rows // tall) + 1, -(-columns // wide) + 1)
    row = np.concatenate([photograph if n % 2 == 0 else photograph[::-1] for n in range(reps[0])])
    whole = np.concatenate([row if n % 2 == 0 else row[:, ::-1] for n in range(reps[1])], axis=1)
    top, left = random.integers(0, tall), random.integers(0, wide)
    return np.clip(whole[top : top + rows, left : left + columns], 0.004, 1)


def negative(light: Floats) -> Floats:
    """Density of color negative film: an S-shaped curve over its base, layers mixed."""
    exposure = np.log10(np.maximum(light, 1e-3)) + 2.2
    mix = np.array([[1, 0.06, 0.02], [0.08, 1, 0.05], [0.04, 0.12, 1]], np.float32)
    layers = 1.9 / (1 + np.exp(-1.35 * (exposure - 1.5)))
    base = np.array([0.22, 0.55, 0.85], np.float32)
    return (layers @ mix.T * np.array([0.75, 0.85, 0.95], np.float32) + base).astype(np.float32)


def silver(light: Floats) -> Floats:
    gray = light @ np.array([0.3, 0.6, 0.1], np.float32)
    density = 0.25 + 1.9 / (1 + np.exp(-1.3 * (np.log10(np.maximum(gray, 1e-3)) + 0.7)))
    return np.repeat(density[..., np.newaxis], 3, -1).astype(np.float32)


def grain(
    shape: tuple[int, int, int], random: np.random.Generator, size: float, same: bool = False
) -> Floats:
    """Grain of deviation ``size``, blurred as by a scanner; one for all layers or not."""
    out = []
    for _ in range(1 if same else 3):
        layer = soften(random.standard_normal(shape[:2]).astype(np.float32), 0.6)
        out.append(layer * (size / layer.std()))
    return np.stack(out * (3 if same else 1), -1).astype(np.float32)


def _defects(film: Film, random: np.random.Generator) -> tuple[Floats, Floats, NDArray[np.int32]]:
    shape = (film.height, film.width)
    picture_density = np.zeros(shape, np.float32)
    infrared = np.zeros(shape, np.float32)
    places = np.zeros(shape, np.int32)

    def add(top: int, left: int, patch: Floats, share: float) -> None:
        number[0] += 1
        at, part = _overlap(shape, top, left, patch)
        picture_density[at] = np.maximum(picture_density[at], part)
        infrared[at] = np.maximum(infrared[at], part * share)
        places[at] = np.where(part > 0.06, number[0], places[at])

    number = [0]
    for _ in range(film.specks):
        add(*_speck(film, random), random.uniform(0.85, 1.05))
    for _ in range(film.hairs):
        add(*_hair(film, random, random.uniform(2, 5), random.uniform(0.25, 0.9), 260), 0.95)
    for _ in range(film.scratches):
        add(*_scratch(film, random), film.through)
    while film.covered and (picture_density > 0.06).mean() < film.covered:
        for _ in range(10):
            add(*_speck(film, random), random.uniform(0.85, 1.05))
    return picture_density, infrared, places


def _overlap(
    shape: tuple[int, int], top: int, left: int, patch: Floats
) -> tuple[tuple[slice, slice], Floats]:
    rows = slice(max(top, 0), max(min(top + patch.shape[0], shape[0]), max(top, 0)))
    columns = slice(max(left, 0), max(min(left + patch.shape[1], shape[1]), max(left, 0)))
    part = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return (rows, columns), part


def _speck(film: Film, random: np.random.Generator) -> tuple[int, int, Floats]:
    radius = float(np.exp(random.uniform(np.log(1.3), np.log(11))))
    size = int(2 * radius + 9)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) - size / 2
    angle = np.arctan2(y, x)
    wobble = (
        1
        + 0.25 * np.sin(2 * angle + random.uniform(0, 6))
        + 0.12 * np.sin(3 * angle + random.uniform(0, 6))
    )
    edge = np.clip(radius * wobble - np.hypot(y, x) + 0.5, 0, 1)
    patch = soften(edge.astype(np.float32), 0.6) * np.float32(random.uniform(0.15, 1.2))
    top, left = random.integers(-size, film.height), random.integers(-size, film.width)
    return int(top), int(left), patch


def _hair(
    film: Film, random: np.random.Generator, wide: float, density: float, long: float
) -> tuple[int, int, Floats]:
    steps = int(random.uniform(0.4, 1) * long)
    turn = np.cumsum(random.normal(0, 0.03, steps)) + random.uniform(0, 6.3)
    path = np.cumsum(np.stack([np.sin(turn), np.cos(turn)], -1), axis=0)
    return _line(film, random, path, wide, density)


def _scratch(film: Film, random: np.random.Generator) -> tuple[int, int, Floats]:
    steps = int(random.uniform(0.2, 0.9) * film.width)
    angle = random.choice([0.0, np.pi / 2, random.uniform(0, np.pi)]) + random.normal(0, 0.02)
    path = np.arange(steps)[:, np.newaxis] * np.array([np.sin(angle), np.cos(angle)])
    return _line(film, random, path, random.uniform(1.2, 2.6), random.uniform(0.15, 0.45))


def _line(
    film: Film, random: np.random.Generator, path: NDArray[Any], wide: float, density: float
) -> tuple[int, int, Floats]:
    border = int(wide) + 4
    path = path - path.min(axis=0) + border
    size = np.ceil(path.max(axis=0)).astype(int) + border
    patch = np.zeros(size, np.float32)
    reach = int(wide) + 2
    for y, x in path:
        top, left = int(y) - reach, int(x) - reach
        rows, columns = np.mgrid[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        near = np.clip(wide / 2 - np.hypot(rows - y, columns - x) + 0.5, 0, 1)
        at, part = _overlap(patch.shape, top, left, near.astype(np.float32))
        patch[at] = np.maximum(patch[at], part)
    patch = soften(patch, 0.5) * np.float32(density)
    top = random.integers(-size[0] // 2, film.height - size[0] // 2)
    left = random.integers(-size[1] // 2, film.width - size[1] // 2)
    return int(top), int(left), patch


def _infrared(plane: Floats, film: Film, random: np.random.Generator) -> NDArray[Any]:
    height, width = plane.shape
    soft = moved(soften(plane.astype(np.float32), film.soft), film.shift)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    soft += 0.02 * np.sin(2 * y / height + x / width) + 0.01 * x / width
    if film.half:
        even = soft[: height // 2 * 2, : width // 2 * 2]
        light = 10.0**-even
        light = light.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        soft = -np.log10(light).astype(np.float32)
    soft = soft + random.normal(0, film.noise, soft.shape).astype(np.float32)
    return to_codes(soft[..., np.newaxis] + np.float32(0.06), film.bits)


def moved(plane: Floats, shift: tuple[float, float]) -> Floats:
    """Move content down and right by a fraction of a pixel, borders repeated (cubic)."""
    for axis, amount in enumerate(shift):
        whole, part = int(np.floor(amount)), float(amount - np.floor(amount))
        length = plane.shape[axis]
        taps = _cubic(part)
        out = np.zeros_like(plane)
        for step, weight in zip(range(-2, 2), taps, strict=True):
            at = np.clip(np.arange(length) - whole + step, 0, length - 1)
            out += np.float32(weight) * np.take(plane, at, axis=axis)
        plane = out
    return plane


def _cubic(part: float) -> list[float]:
    """Catmull-Rom weights of samples -2, -1, 0, 1 for content moved by ``part``."""
    t = 1 - part
    return [
        0.5 * (-t + 2 * t**2 - t**3),
        0.5 * (2 - 5 * t**2 + 3 * t**3),
        0.5 * (t + 4 * t**2 - 3 * t**3),
        0.5 * (-(t**2) + t**3),
    ]


def soften(plane: Floats, sigma: float) -> Floats:
    """A Gaussian over the last two axes, borders repeated."""
    if not sigma:
        return plane
    radius = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (-2, -1):
        length = plane.shape[axis]
        out = np.zeros_like(plane)
        for step, weight in zip(range(-radius, radius + 1), taps, strict=True):
            at = np.clip(np.arange(length) + step, 0, length - 1)
            out += np.float32(weight) * np.take(plane, at, axis=axis)
        plane = out
    return plane


def fractal(shape: tuple[int, int], random: np.random.Generator, power: float) -> Floats:
    """Texture with a spectrum of 1/f to the ``power``, 0..1."""
    noise = np.fft.rfft2(random.standard_normal(shape))
    fy, fx = np.fft.fftfreq(shape[0])[:, np.newaxis], np.fft.rfftfreq(shape[1])
    out = np.fft.irfft2(noise / np.maximum(np.hypot(fy, fx), 1e-3) ** power, s=shape)
    return np.clip(0.5 + out / (4 * out.std()), 0, 1).astype(np.float32)


def to_codes(density: Floats, bits: int) -> NDArray[Any]:
    top = 2**bits - 1
    light = np.clip(10.0 ** -density.astype(np.float64), 0, 1)
    return np.rint(light * top).astype(np.uint16 if bits == 16 else np.uint8)


def quiet(film: Film) -> Film:
    """The same film without any defect."""
    return replace(film, specks=0, hairs=0, scratches=0, covered=0.0)
