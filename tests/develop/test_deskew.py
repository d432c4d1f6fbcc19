"""Leveled pictures: compared with a drawn scene, for any band height, at the scan's border."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.develop.deskew import Deskew, applies, inside, level, small
from divere_cli.image.geometry import Box
from divere_cli.image.parallel import Parallel

WIDTH, HEIGHT = 300, 220
BOX = Box(20, 15, 285, 205)
Floats = NDArray[np.float64]


def scene(x: Floats, y: Floats) -> Floats:
    """A scene by its place in the picture, pixels from its middle."""
    waves = [np.sin(0.11 * x + c) * np.cos(0.07 * y) for c in range(3)]
    fine = 0.15 * np.sin(0.9 * x + 0.7 * y)
    return np.stack([0.5 + 0.2 * wave + fine for wave in waves], axis=2)


def scan(turn: float) -> NDArray[np.uint16]:
    """The scene, turned counter-clockwise about the middle of the box."""
    a = np.deg2rad(turn)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    dx, dy = x - (BOX.left + BOX.right) / 2, y - (BOX.top + BOX.bottom) / 2
    turned = scene(np.cos(a) * dx - np.sin(a) * dy, np.sin(a) * dx + np.cos(a) * dy)
    return np.asarray(np.rint(turned * 65535), np.uint16)


def drawn(pixels: NDArray[np.uint16], turn: float, rows: int, threads: int = 1) -> Floats:
    with Parallel(threads) as parallel:
        made = Deskew(BOX, turn, (WIDTH, HEIGHT), 3, parallel)
        parts = [
            part.copy()
            for first in range(0, HEIGHT, rows)
            for _, part in made.take(first, pixels[first : first + rows])
        ]
    whole = np.concatenate(parts)
    assert whole.shape == (made.height, made.width, 3)
    return whole.astype(np.float64)


@pytest.mark.parametrize("turn", [1.5, -3.0, 0.3, 8.0])
def test_the_scene_is_level_again(turn: float) -> None:
    made = drawn(scan(turn), turn, 32)
    y, x = np.mgrid[0 : made.shape[0], 0 : made.shape[1]] + 0.5
    truth = scene(x - made.shape[1] / 2, y - made.shape[0] / 2)
    assert np.abs(made - truth).max() < 0.004  # its fine waves are 5.5 pixels long
    assert np.abs(made - truth).mean() < 0.0015


@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (7, 2), (64, 2), (HEIGHT, 3)])
def test_the_same_pixels_whatever_the_bands_and_threads(rows: int, threads: int) -> None:
    pixels = np.random.default_rng(4).integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16)
    assert (drawn(pixels, -2.2, rows, threads) == drawn(pixels, -2.2, 50)).all()


def test_a_picture_at_the_border_of_the_scan_is_complete() -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 30000, np.uint16)
    with Parallel(1) as parallel:
        made = Deskew(Box(0, 0, WIDTH, HEIGHT), 2.0, (WIDTH, HEIGHT), 3, parallel)
        parts = [part.copy() for _, part in made.take(0, pixels)]
    whole = np.concatenate(parts)
    assert whole.shape == (made.height, made.width, 3)
    assert np.abs(whole - 30000 / 65535).max() < 1e-6


def test_the_level_picture_has_the_box_as_its_turned_outline() -> None:
    a = np.deg2rad(1.3)
    across = 600 * np.cos(a) + 400 * np.sin(a)
    down = 600 * np.sin(a) + 400 * np.cos(a)
    assert level(Box(0, 0, round(across), round(down)), -1.3) == (600, 400)


@pytest.mark.parametrize("turn", [1.5, -3.0])
def test_a_small_picture_is_turned_like_the_large_one(turn: float) -> None:
    box = scan(turn)[BOX.top : BOX.bottom, BOX.left : BOX.right] / np.float32(65535)
    made = small(box.astype(np.float32), turn)
    large = drawn(scan(turn), turn, 32)
    assert made.shape == large.shape
    assert np.abs(made - large)[4:-4, 4:-4].max() < 0.08  # bilinear: fine waves lose a part
    assert np.abs(made - large).mean() < 0.015


@pytest.mark.parametrize("turn", [0.8, -1.5, 4.0])
def test_what_is_measured_of_a_turned_picture_has_no_film_beside_it(turn: float) -> None:
    corners = BOX.left, BOX.top, BOX.right, BOX.bottom
    left, top, right, bottom = inside(corners, turn)
    width, height = level(BOX, turn)
    a = np.deg2rad(turn)
    for x, y in ((left, top), (right, top), (left, bottom), (right, bottom)):
        dx, dy = x - (BOX.left + BOX.right) / 2, y - (BOX.top + BOX.bottom) / 2
        assert abs(np.cos(a) * dx - np.sin(a) * dy) <= width / 2 + 1
        assert abs(np.sin(a) * dx + np.cos(a) * dy) <= height / 2 + 1
    assert inside(corners, 0.0) == corners


def test_a_level_picture_is_not_resampled() -> None:
    assert not applies(0.0)
    assert not applies(0.001)
    assert applies(-0.5)
    assert not applies(90.0)
