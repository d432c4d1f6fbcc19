"""Reduced pictures: the same for any bands, without ringing, with the same light."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from divere_cli.image import resample
from divere_cli.image.parallel import Parallel
from divere_cli.image.resample import Shrink, size_of

RNG = np.random.default_rng(4)


def shrunk(picture: np.ndarray, longest: int, step: int, threads: int = 1) -> np.ndarray:
    height, width = picture.shape[:2]
    with Parallel(threads) as parallel:
        work = Shrink(picture.shape, size_of(width, height, longest), parallel)
        parts = [
            part for row in range(0, height, step) for part in work.add(picture[row : row + step])
        ]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("size", "longest", "wanted"),
    [
        ((6000, 4000), 2048, (2048, 1365)),
        ((4000, 6000), 2048, (1365, 2048)),
        ((300, 200), 2048, (300, 200)),
        ((2048, 1), 100, (100, 1)),
        ((10_000, 3), 10, (10, 1)),
    ],
)
def test_the_long_edge_is_kept_to_and_nothing_grows(
    size: tuple[int, int], longest: int, wanted: tuple[int, int]
) -> None:
    assert size_of(*size, longest) == wanted


@pytest.mark.parametrize("longest", [1, 33, 400, 1300])
def test_bands_and_threads_change_nothing(longest: int) -> None:
    picture = RNG.random((617, 1313, 3), np.float32)
    whole = shrunk(picture, longest, 617)
    assert np.array_equal(shrunk(picture, longest, 1), whole)
    assert np.array_equal(shrunk(picture, longest, 100, threads=3), whole)


@pytest.mark.parametrize("longest", [40, 333, 900])
def test_rows_in_bands_equal_pillows_resize_of_the_picture(longest: int) -> None:
    picture = RNG.random((701, 1000, 1), np.float32)
    size = size_of(1000, 701, longest)
    want = np.asarray(Image.fromarray(picture[:, :, 0]).resize(size, Image.Resampling.HAMMING))
    assert (
        np.abs(shrunk(picture, longest, 64)[:, :, 0] - want).max() < 1e-5
    )  # of 1; Pillow takes a box in float32


@pytest.mark.parametrize("longest", [50, 211, 640])
def test_an_edge_does_not_ring(longest: int) -> None:
    """The stated bound: nothing leaves the range of what it is made of."""
    picture = np.full((800, 1200, 1), 0.2, np.float32)
    picture[:, 411:] = 0.7
    picture[307:, 600:] = 0.05
    found = shrunk(picture, longest, 90)
    assert found.min() >= 0.05 - 1e-6
    assert found.max() <= 0.7 + 1e-6


def test_light_is_kept() -> None:
    picture = RNG.random((640, 960, 3), np.float32) ** 4
    found = shrunk(picture, 120, 77)
    np.testing.assert_allclose(found.mean(axis=(0, 1)), picture.mean(axis=(0, 1)), rtol=2e-3)


def test_memory_does_not_grow_with_the_picture() -> None:
    with Parallel() as parallel:
        work = Shrink((50_000, 400, 3), size_of(400, 50_000, 500), parallel)
        rows = np.ones((50, 400, 3), np.float32)
        most = 0
        for _ in range(1000):
            work.add(rows)
            most = max(most, work._waiting.nbytes)
    assert most < 50_000 * 400 * 3 * 4 / 50


def test_the_filter_is_hamming() -> None:
    assert resample._FILTER == Image.Resampling.HAMMING
