"""Box means: exact, whatever the bands; and the areas of a rectangle of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.develop import proxy
from divere_cli.errors import CorruptInput
from divere_cli.image.layout import Layout

LAYOUTS = [Layout(3, 16), Layout(1, 16), Layout(3, 8), Layout(3, 32, "float")]


def picture(layout: Layout, height: int = 23, width: int = 31) -> NDArray[Any]:
    random = np.random.default_rng(4)
    shape = (height, width, layout.channels)
    if layout.sample == "float":
        return random.random(shape, np.float32)
    return random.integers(0, 1 << layout.bits, shape).astype(layout.dtype)


def expected(samples: NDArray[Any], factor: int) -> NDArray[np.float64]:
    """Means of boxes by the plain definition, in 0..1."""
    full = {"uint8": 255.0, "uint16": 65535.0}.get(str(samples.dtype), 1.0)
    height, width, channels = samples.shape
    rows, columns = -(-height // factor), -(-width // factor)
    made = np.empty((rows, columns, channels))
    for y in range(rows):
        for x in range(columns):
            box = samples[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
            made[y, x] = box.reshape(-1, channels).astype(np.float64).mean(axis=0) / full
    return made


def reduced(samples: NDArray[Any], layout: Layout, factor: int, band: int) -> proxy.Proxy:
    height, width, _ = samples.shape
    reduction = proxy.Reduction(width, height, layout, factor)
    for first in range(0, height, band):
        reduction.take(np.ascontiguousarray(samples[first : first + band]))
    return reduction.finish()


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("factor", [1, 2, 3, 7, 40])
def test_means_are_those_of_boxes(layout: Layout, factor: int) -> None:
    samples = picture(layout)
    made = reduced(samples, layout, factor, band=5)
    full = 1.0 if layout.sample == "float" else 65535.0
    assert made.about.layout.bits == (32 if layout.sample == "float" else 16)
    np.testing.assert_allclose(made.samples / full, expected(samples, factor), atol=0.51 / 65535)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_bands_move_nothing(layout: Layout) -> None:
    samples = picture(layout)
    first = reduced(samples, layout, 4, band=23)
    for band in (1, 3, 4, 8):
        np.testing.assert_array_equal(reduced(samples, layout, 4, band).samples, first.samples)


def test_clipping_is_counted_before_the_means() -> None:
    samples = np.full((8, 8, 3), 30_000, np.uint16)
    samples[:, :4, 0] = 65_535
    samples[:4, :, 2] = 0
    about = reduced(samples, Layout(3, 16), 4, band=8).about
    assert about.top == (0.5, 0.0, 0.0)
    assert about.bottom == (0.0, 0.0, 0.5)


def test_nan_is_no_light_in_proxies() -> None:
    samples = np.array([[[np.nan], [np.inf], [-np.inf], [0.5]]], np.float32)
    made = reduced(samples, Layout(1, 32, "float"), 1, band=1)
    np.testing.assert_array_equal(made.samples.ravel(), [0.0, 1.0, 0.0, 0.5])


def test_a_proxy_of_a_proxy_is_the_scan_at_once() -> None:
    layout = Layout(3, 16)
    samples = picture(layout, 24, 32)
    once = reduced(samples, layout, 8, band=24)
    twice = proxy.smaller(reduced(samples, layout, 2, band=24), 4)
    assert twice.about.factor == 8
    assert (twice.about.width, twice.about.height) == (32, 24)
    assert np.abs(twice.samples.astype(int) - once.samples.astype(int)).max() <= 1


def test_area_is_exact_for_boxes_and_shares_between() -> None:
    samples = picture(Layout(1, 16), 12, 18)
    made = proxy.area(samples, (0.0, 0.0, 18.0, 12.0), 6, 4)
    np.testing.assert_array_equal(made, np.rint(expected(samples, 3) * 65535))
    ramp = np.tile(np.arange(10, dtype=np.float32)[None, :, None], (4, 1, 1))
    halves = proxy.area(ramp, (0.5, 0.0, 8.5, 4.0), 4, 2)
    np.testing.assert_allclose(halves[0, :, 0], [1.0, 3.0, 5.0, 7.0], atol=1e-5)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "proxy", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def test_a_proxy_survives_a_round_trip(file: int) -> None:
    made = reduced(picture(Layout(3, 16)), Layout(3, 16), 2, band=9)
    proxy.save(file, made)
    back = proxy.load(file)
    assert back is not None
    assert back.about == made.about
    np.testing.assert_array_equal(back.samples, made.samples)
    assert not back.samples.flags.writeable


def test_an_incomplete_proxy_is_not_loaded(file: int) -> None:
    assert proxy.load(file) is None
    os.pwrite(file, b"\0" * 9000, 0)  # room was taken, nothing is in it yet
    assert proxy.load(file) is None
    os.pwrite(file, (proxy.MAGIC + b'{"width": 1}').ljust(proxy.HEAD), 0)
    with pytest.raises(CorruptInput):
        proxy.load(file)
