"""Density range and noise of a scan, counted over its inner picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.develop.quality import Measured
from divere_cli.records.outcome import Quality


def counted(codes: NDArray[Any], rows: int = 7) -> Quality:
    height, width, channels = codes.shape
    measured = Measured(width, height, channels)
    for first in range(0, height, rows):
        measured.take(first, codes[first : first + rows])
    assert measured.quality is not None
    return measured.quality


def film(noise: float = 0.0, size: tuple[int, int] = (120, 180)) -> NDArray[np.uint16]:
    """A wedge from density 0.3 to 1.5 down the rows, with noise of that density."""
    rng = np.random.default_rng(3)
    wedge = np.linspace(0.3, 1.5, size[0])[:, None, None] + np.zeros((*size, 3))
    density = wedge + rng.normal(0.0, 1.0, wedge.shape) * noise
    return np.asarray(np.round(10.0**-density * 65535), np.uint16)


def test_the_range_is_that_of_the_inner_picture() -> None:
    found = counted(film())
    assert found.thin[0] == pytest.approx(0.3 + 0.12 * 1.2, abs=0.03)
    assert found.range[1] == pytest.approx(0.95 * 0.8 * 1.2, abs=0.04)


@pytest.mark.parametrize("noise", [0.004, 0.02])
def test_noise_is_measured_as_density(noise: float) -> None:
    for value in counted(film(noise)).noise:
        assert value == pytest.approx(noise, rel=0.3)


def test_a_picture_s_own_edges_are_no_noise() -> None:
    codes = film(0.004)
    codes[:, ::40] = 3000
    assert max(counted(codes).noise) < 0.006


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_every_kind_of_samples_is_counted_alike(kind: str) -> None:
    unit = film() / 65535.0
    full = 1.0 if kind == "float32" else float(np.iinfo(kind).max)
    found = counted((unit * full).astype(kind))
    assert found.thin == pytest.approx(counted(film()).thin, abs=0.02)


def test_the_height_of_bands_moves_nothing() -> None:
    codes = film(0.01)
    assert counted(codes, 1) == counted(codes, 120)


def test_a_gray_scan_has_one_channel_and_a_tiny_one_nothing() -> None:
    assert len(counted(film()[:, :, :1]).noise) == 1
    assert Measured(4, 4, 3).quality is None
