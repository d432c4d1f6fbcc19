"""Simulate strips of 135 film with perforations and DX edge codes.

Geometry in mm: ``u`` along the film, ``v`` from the edge that has the code
(perforations from 2.0 to 4.79 mm). Light around or a holder, edge print beside
the codes, grain, flare, tilt, a rebate that is partly cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MODULE = 13.0 / 31
HALF_FRAME = 19.0
HEIGHT = 35.0


@dataclass(frozen=True)
class Strip:
    """A scan of a piece of film."""

    dx: tuple[int, int] = (115, 4)
    first: int | None = 24  # half frame of the first code; None: codes without frame number
    start: float = 3.0  # mm of the first code from the left of the scan
    long: float = 62.0  # mm in view
    tall: float = 14.0  # mm of the film in view, from the edge with the code
    around: float = 3.0  # mm of light or holder beyond that edge
    scale: float = 40.0
    tilt: float = 0.0  # degrees
    holder: bool = False
    slide: bool = False
    codes: bool = True
    flipped: bool = False  # the edge with the code on top
    mirrored: bool = False
    upright: bool = False
    grain: float = 0.03
    flare: float = 0.02
    bits: str = "uint8"
    pictures: float | None = None  # mm where a picture of 36 x 24 begins, each 38 mm; None: all
    damage: float = 0.0  # share of the data's modules that are turned over, each code by itself


def bits(dx: tuple[int, int], half: int | None) -> list[int]:
    """The data row: 10101 0 part 1, 0, part 2, (frame, half, 0), parity, 0 101."""
    middle = [0, *_binary(dx[0], 7), 0, *_binary(dx[1], 4)]
    if half is not None:
        middle += [*_binary(half // 2, 6), half % 2, 0]
    return [1, 0, 1, 0, 1, *middle, sum(middle) % 2, 0, 1, 0, 1]


def clock(count: int) -> list[int]:
    """The clock row: 5 dark modules, light and dark ones in turn from light to light, 3 dark."""
    return [1] * 5 + [n % 2 for n in range(count - 8)] + [1] * 3


def _binary(value: int, count: int) -> list[int]:
    return [value >> place & 1 for place in reversed(range(count))]


def picture(strip: Strip, seed: int) -> NDArray[np.uint8]:
    """Return a scan of the strip as stored: (rows, columns), linear transmitted light."""
    random = np.random.default_rng(seed)
    scale = strip.scale
    rows = round((strip.tall + strip.around) * scale)
    columns = round(strip.long * scale)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / np.float32(scale)
    angle = np.deg2rad(strip.tilt)
    middle = strip.long / 2
    u = np.float32(np.cos(angle)) * (x - middle) + np.float32(np.sin(angle)) * y + middle
    # the film's edge lies below, `around` mm from the border of the scan
    v = (strip.tall + np.float32(np.sin(angle)) * (x - middle)) - np.float32(np.cos(angle)) * y
    density = _density(strip, u, v, random)
    light = 10.0**-density
    light = _soft(light, 0.02 * scale)
    light = light + strip.flare * (0.3 + 0.7 * light.mean())
    noise = _soft(random.standard_normal(light.shape).astype(np.float32), 0.6)
    light *= 10 ** (-strip.grain / noise.std() * noise * (0.15 + 0.85 * (density > 0.05)))
    codes = np.clip(light / 1.1, 0, 1)
    out = np.rint(255 * codes).astype(np.uint8)
    if strip.flipped:
        out = out[::-1, ::-1]
    if strip.mirrored:
        out = out[:, ::-1]
    return np.ascontiguousarray(np.rot90(out) if strip.upright else out)


def _density(
    strip: Strip, u: NDArray[np.float32], v: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.float32]:
    base, mark = (2.6, 0.35) if strip.slide else (0.45, 1.5)
    density = np.full(u.shape, base, np.float32)
    image = v > 5.5
    wave = 0.5 + 0.4 * np.sin(u * random.uniform(0.2, 2) + v * random.uniform(0.2, 2))
    if strip.pictures is not None:
        image = ((u - strip.pictures) % 38 < 36) & (v > 5.5) & (v < 29.5)
    density[image] = (base * (0.3 if strip.slide else 1) + 0.9 * wave)[image]
    if strip.codes:
        _codes(strip, density, u, v, mark, random)
    _print(density, u, v, mark, random, strip)
    hole = np.abs((u - random.uniform(0, 4.75)) % 4.75 - 1.5) < 0.99
    density[hole & (v > 2.0) & (v < 4.79)] = 0.0
    density[v < 0] = 3.5 if strip.holder else 0.0
    return density


def _codes(
    strip: Strip,
    density: NDArray[np.float32],
    u: NDArray[np.float32],
    v: NDArray[np.float32],
    mark: float,
    random: np.random.Generator,
) -> None:
    for number in range(-1, int(strip.long / HALF_FRAME) + 2):
        half = None if strip.first is None else strip.first + number
        if half is not None and not 0 <= half < 128:
            continue
        data = bits(strip.dx, half)
        if strip.damage:
            data = [bit ^ int(random.random() < strip.damage) for bit in data]
        left = strip.start + number * HALF_FRAME
        at = np.floor((u - left) / MODULE).astype(int)
        inside = (at >= 0) & (at < len(data))
        at = np.clip(at, 0, len(data) - 1)
        tracks = ((clock(len(data)), 1.0, 1.65), (data, 0.3, 1.0))
        for track, low, high in tracks:
            on = np.array(track, bool)[at] & inside & (v > low) & (v <= high)
            density[on] = mark


def _print(
    density: NDArray[np.float32],
    u: NDArray[np.float32],
    v: NDArray[np.float32],
    mark: float,
    random: np.random.Generator,
    strip: Strip,
) -> None:
    """Draw letters and arrows between the codes: strokes of random width."""
    for number in range(-1, int(strip.long / HALF_FRAME) + 2):
        left = strip.start + number * HALF_FRAME + 13.6
        for place in np.arange(left, left + 4.6, 0.7):
            wide, low = random.uniform(0.1, 0.5), random.uniform(0.3, 0.8)
            on = (u > place) & (u < place + wide) & (v > low) & (v < low + random.uniform(0.3, 1))
            density[on] = mark


def _soft(plane: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    radius = int(np.ceil(2.5 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        length = plane.shape[axis]
        out = np.zeros_like(plane)
        for step, weight in zip(range(-radius, radius + 1), taps, strict=True):
            at = np.clip(np.arange(length) + step, 0, length - 1)
            out += np.float32(weight) * np.take(plane, at, axis=axis)
        plane = out
    return plane
