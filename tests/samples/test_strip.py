"""Scanned film: independent of bands, no density below bare film, correct borders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.profile import library, resolve
from divere_cli.samples import chart, negative, strip
from divere_cli.samples.strip import Film, Frame

RECIPE = replace(
    resolve.recipe(library.load("c41-endura-premier")), rgb_gains=(-0.05, -0.45, -0.60)
)
BACKWARDS = negative.invert(RECIPE)
PATCHES = chart.light(RECIPE.working_space)
FRAME = Frame("a.tif", "landscape", 150, 100, seed=5, border="holder", dust=9)


def film(frame: Frame) -> Film:
    return Film(frame, BACKWARDS, PATCHES)


@pytest.mark.parametrize("height", [1, 7, 64])
@pytest.mark.parametrize("border", ["none", "rebate", "holder"])
def test_the_height_of_a_band_changes_no_pixel(height: int, border: strip.Border) -> None:
    made = film(replace(FRAME, border=border))
    bands = [made.codes(first, min(100, first + height)) for first in range(0, 100, height)]
    np.testing.assert_array_equal(np.concatenate(bands), made.codes(0, 100))


def test_bare_film_is_orange_and_the_thinnest_there_is() -> None:
    blank = film(replace(FRAME, kind="blank", border="none", dust=0, grain=0.0)).codes(0, 100)
    red, green, blue = blank[0, 0]
    assert red > green > blue
    assert (blank == blank[0, 0]).all()
    plain = replace(FRAME, border="none", dust=0, grain=0.0)
    assert (film(plain).codes(0, 100) <= blank[0, 0]).all()


def test_an_underexposed_frame_is_thinner_and_keeps_its_film_base() -> None:
    plain = replace(FRAME, border="rebate", dust=0, grain=0.0)
    even, under = (film(replace(plain, exposure=e)).codes(0, 100) for e in (0.0, 0.2))
    assert (under >= even).all()
    assert under.mean() > 1.05 * even.mean()
    np.testing.assert_array_equal(under[0], even[0])


def test_exposure_is_density() -> None:
    plain = replace(FRAME, border="none", dust=0, grain=0.0)
    even, over = (film(replace(plain, exposure=e)).codes(0, 100) for e in (0.0, -0.1))
    factor = np.log10(even / over)
    expected = BACKWARDS.film(np.full(3, 1.4)) - BACKWARDS.film(np.full(3, 1.5))
    np.testing.assert_allclose(np.median(factor, axis=(0, 1)), expected, atol=2e-3)


def test_a_holder_is_dark_and_its_holes_are_clear() -> None:
    codes = film(FRAME).codes(0, 100)
    assert (codes[0] == strip.HOLDER_CODE).all()
    assert (codes[:, -1] == strip.HOLDER_CODE).all()
    clear = (codes == strip.FULL_CODE).all(axis=2)
    assert clear.any()
    x, y, width, height = FRAME.picture
    assert not clear[y : y + height, x : x + width].any()


def test_a_leader_is_dense_then_bare() -> None:
    row = film(replace(FRAME, kind="leader", border="none", dust=0, grain=0.0)).codes(50, 51)[0]
    assert row[0].max() < row[-1].min()
    assert (row[0] == row[40]).all()


def test_grain_is_coarser_than_pixels_and_of_its_strength() -> None:
    plain = replace(FRAME, kind="blank", border="none", dust=0, grain=0.02)
    density = -np.log10(film(plain).codes(0, 100) / 65535)
    assert density.std(axis=(0, 1)) == pytest.approx(0.02 * 0.3, rel=0.1)
    side = np.corrcoef(density[:, 1:, 0].ravel(), density[:, :-1, 0].ravel())[0, 1]
    assert 0.4 < side < 0.6
