"""Samples before the grade: untouched without steps; with them the same whatever the bands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.develop import source
from divere_cli.develop.flat_field import FlatField
from divere_cli.errors import LimitExceeded
from divere_cli.image.layout import Header
from divere_cli.image.parallel import Parallel
from divere_cli.image.reader import Band, Reader
from divere_cli.records.job import Frame
from tests.develop.lights import light_map
from tests.develop.test_scan import RECIPE, SCAN, job, save, target

HEIGHT, WIDTH = 97, 53


class Rows(Reader):
    """Samples from memory, in bands of a height."""

    def __init__(self, samples: NDArray[Any], rows: int) -> None:
        bits = samples.itemsize * 8
        kind = "float" if samples.dtype.kind == "f" else "uint"
        super().__init__(
            Header("tiff", samples.shape[1], samples.shape[0], samples.shape[2], bits, 0, kind)
        )
        self._samples, self._rows = samples, rows

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        for first in range(0, len(self._samples), rows or self._rows):
            yield first, self._samples[first : first + (rows or self._rows)]

    def close(self) -> None: ...


def samples(dtype: str, channels: int = 3) -> NDArray[Any]:
    rng = np.random.default_rng(4)
    if dtype == "float32":
        return rng.random((HEIGHT, WIDTH, channels), np.float32)
    return rng.integers(0, np.iinfo(dtype).max, (HEIGHT, WIDTH, channels), dtype, endpoint=True)


def whole(opened: source.Source) -> NDArray[Any]:
    return np.concatenate([band.copy() for _, band in opened.bands()])


def test_without_steps_bands_are_the_reader_s_own() -> None:
    reader = Rows(samples("uint16"), 10)
    opened = source.Source(reader)
    assert opened.header is reader.header
    for (_, mine), (_, theirs) in zip(opened.bands(), reader.bands(), strict=True):
        assert mine.base is theirs.base
        assert mine.__array_interface__["data"] == theirs.__array_interface__["data"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (7, 3), (64, 1), (HEIGHT, 2)])
def test_a_step_makes_the_same_pixels_whatever_bands_and_threads(
    dtype: str, channels: int, rows: int, threads: int
) -> None:
    scan = samples(dtype, channels)
    step = FlatField(light_map(channels), WIDTH, HEIGHT, channels)
    expected = np.empty(scan.shape, np.uint16 if dtype == "uint16" else np.float32)
    step.apply(0, scan, 1 / 255 if dtype == "uint8" else 1.0, expected)
    with Parallel(threads) as parallel, source.Source(Rows(scan, rows), (step,), parallel) as made:
        assert made.layout.dtype == expected.dtype
        assert made.layout.channels == channels
        assert np.array_equal(whole(made), expected)


def test_codes_of_16_bits_stay_codes_and_are_rounded() -> None:
    scan = samples("uint16")
    step = FlatField(light_map(3), WIDTH, HEIGHT, 3)
    light = np.empty(scan.shape, np.float32)
    step.apply(0, scan, 1 / 65535, light)
    codes = whole(source.Source(Rows(scan, 9), (step,)))
    assert codes.dtype == np.uint16
    assert np.abs(codes / 65535 - light).max() < 0.51 / 65535
    assert codes.max() == 65535  # brighter places are cut as the scan's own are


def test_steps_come_one_after_the_other() -> None:
    class Half:
        codes = False

        def apply(self, first: int, given: NDArray[Any], scale: float, out: Any) -> None:
            np.multiply(given, np.float32(0.5 * scale), out=out)

    scan = samples("uint16")
    made = source.Source(Rows(scan, 9), (Half(), Half()))
    assert np.allclose(whole(made), scan / 65535 / 4, atol=1e-6)


def test_the_first_step_gets_the_codes_of_the_reader() -> None:
    def dark(bands: Iterator[Band]) -> Iterator[Band]:
        for first, band in bands:
            assert band.dtype == np.uint16
            yield first, band // 2

    scan = samples("uint16")
    assert np.array_equal(whole(source.Source(Rows(scan, 9), before=dark)), scan // 2)


def test_a_job_s_scan_is_opened_with_its_light(tmp_path: Path) -> None:
    save(tmp_path)
    plain = job(tmp_path, Frame(target(tmp_path, "out.tif"), RECIPE))
    with source.open(plain) as opened:
        assert np.array_equal(whole(opened), SCAN)
    lit = replace(plain, flat_field=light_map(3))
    with source.open(lit) as opened:
        step = FlatField(light_map(3), SCAN.shape[1], SCAN.shape[0], 3)
        expected = np.empty(SCAN.shape, SCAN.dtype)
        step.apply(0, SCAN, 1.0, expected)
        assert np.array_equal(whole(opened), expected)


def test_a_scan_that_is_too_large_is_closed_and_refused(tmp_path: Path) -> None:
    save(tmp_path)
    small = replace(job(tmp_path, Frame(target(tmp_path, "out.tif"), RECIPE)), max_pixels=100)
    with pytest.raises(LimitExceeded):
        source.open(small)
