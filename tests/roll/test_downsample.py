"""Cells are the means of their pixels, whatever the bands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.roll import downsample
from divere_cli.roll.downsample import Grid, Reduction, reduce

FULL = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


def picture(dtype: str, height: int = 90, width: int = 130, channels: int = 3) -> NDArray[Any]:
    values = np.random.default_rng(2).random((height, width, channels))
    return (values * FULL[dtype]).astype(dtype)


def bands(image: NDArray[Any], rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
    for first in range(0, len(image), rows):
        yield first, image[first : first + rows]


def reduced(image: NDArray[Any], rows: int = 17, box: Any = None) -> Grid:
    height, width = image.shape[:2]
    full = FULL[str(image.dtype)]
    return reduce(bands(image, rows), [Reduction(box or (0, 0, width, height), full)])[0]


@pytest.mark.parametrize("dtype", FULL)
def test_bands_of_any_height_give_the_same_bits(dtype: str) -> None:
    image = picture(dtype, 700, 900)
    first = reduced(image, 700)
    for rows in (1, 13, 64):
        other = reduced(image, rows)
        np.testing.assert_array_equal(other.mean, first.mean)
        np.testing.assert_array_equal(other.clipped, first.clipped)


def blocks(image: NDArray[np.uint16], side: int) -> NDArray[np.float64]:
    height, width, channels = image.shape
    parts = image.reshape(height // side, side, width // side, side, channels)
    return np.asarray(parts.mean(axis=(1, 3)) / 65535.0)


@pytest.mark.parametrize(
    ("height", "width", "side"),
    [(1600, 800, 10), (88, 132, downsample.LEAST_SIDE)],
    ids=["", "small"],
)
def test_a_cell_is_the_mean_of_its_block(height: int, width: int, side: int) -> None:
    image = picture("uint16", height, width)
    found = reduced(image)
    np.testing.assert_allclose(found.mean, blocks(image, side), rtol=1e-12)
    assert found.pixels_per_cell == side * side


def test_large_cells_are_sampled_evenly() -> None:
    ramp = np.linspace(0, 65535, 6400).astype(np.uint16)
    image = np.broadcast_to(ramp[None, :, None], (40, 6400, 3))
    found = reduced(np.ascontiguousarray(image))
    assert found.pixels_per_cell < 400
    np.testing.assert_allclose(np.diff(found.mean[0, :, 0]), 40 / 6400, rtol=3e-3)


def test_only_the_crop_counts() -> None:
    image = picture("uint16")
    inside = reduced(image, box=(20, 30, 100, 78))
    other = image.copy()
    other[:30], other[78:], other[:, :20], other[:, 100:] = 0, 65535, 7, 65535
    beside = reduced(other, box=(20, 30, 100, 78))
    np.testing.assert_array_equal(inside.mean, beside.mean)
    np.testing.assert_array_equal(inside.clipped, beside.clipped)
    np.testing.assert_allclose(inside.mean, blocks(image[30:78, 20:100], downsample.LEAST_SIDE))


@pytest.mark.parametrize("dtype", FULL)
def test_one_clipped_channel_clips_a_cell(dtype: str) -> None:
    image = (picture(dtype) * 0.9).astype(dtype)
    image[40, 50, 2] = FULL[dtype]
    assert np.argwhere(reduced(image).clipped).tolist() == [
        [40 // downsample.LEAST_SIDE, 50 // downsample.LEAST_SIDE]
    ]


def test_a_gray_scan_has_three_equal_channels() -> None:
    found = reduced(picture("uint16", channels=1))
    assert (found.mean == found.mean[..., :1]).all()


def test_infinities_of_a_float_scan_are_white_and_nan_is_black() -> None:
    image = picture("float32") * np.float32(0.9)
    side = downsample.LEAST_SIDE
    for column, value in enumerate((np.nan, np.inf, -np.inf)):
        image[:side, column * side : (column + 1) * side] = value
    found = reduced(image)
    assert found.mean[0, :3, 0].tolist() == [0.0, 1.0, 0.0]
    assert found.clipped[0, :3].tolist() == [False, True, False]


def test_memory_is_that_of_the_grid() -> None:
    height, width = 3000, 4000
    reduction = Reduction((0, 0, width, height), 65535.0)
    kept = reduction.sums.nbytes + reduction.clips.nbytes + reduction.counts.nbytes
    assert kept < downsample.CELLS**2 * 32 < height * width
