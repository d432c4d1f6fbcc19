"""Dither: even, without bias, tied to the picture and not to the band."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.color.dither import TILE, Noise


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.999])
def test_the_mean_stays(fraction: float) -> None:
    codes = np.full((TILE, TILE, 3), 100.0 + fraction, np.float32)
    got = Noise().quantized(codes, 0, 255.0)
    assert set(np.unique(got)) <= {100.0, 101.0}
    assert got.mean() == pytest.approx(100.0 + fraction, abs=0.01)


def test_whole_values_and_the_ends_stay_as_they_are() -> None:
    for value in (0.0, 17.0, 255.0):
        codes = np.full((8, 300, 1), value, np.float32)
        assert (Noise().quantized(codes, 3, 255.0) == value).all()


def test_the_row_places_the_noise() -> None:
    whole = Noise().quantized(np.full((40, 600, 3), 9.5, np.float32), 250, 255.0)
    part = Noise().quantized(np.full((10, 600, 3), 9.5, np.float32), 280, 255.0)
    assert (whole[30:] == part).all()
    assert (whole[0] != whole[1]).any()


def test_channels_have_noise_of_their_own() -> None:
    got = Noise().quantized(np.full((64, 64, 3), 9.5, np.float32), 0, 255.0)
    assert abs(np.corrcoef(got[..., 0].ravel(), got[..., 1].ravel())[0, 1]) < 0.1
