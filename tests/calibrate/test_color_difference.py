"""Lab and CIEDE2000 against colour-science and the published test pairs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from divere_cli.calibrate.color_difference import D50, ciede2000, lab, xyz_of_lab

# Sharma, Wu and Dalal, 2005, table 1: pairs 1, 4, 7, 10, 14, 17, 20, 25 and 34
PAIRS = (
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0010), 7.1792),
    ((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49), 4.7461),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
)


def colour():  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("colour")


@pytest.mark.parametrize(("one", "other", "expected"), PAIRS)
def test_published_pairs(one: tuple[float, ...], other: tuple[float, ...], expected: float) -> None:
    assert ciede2000(one, other) == pytest.approx(expected, abs=5e-5)
    assert ciede2000(other, one) == pytest.approx(expected, abs=5e-5)


def test_differences_of_random_colors_are_those_of_colour_science() -> None:
    rng = np.random.default_rng(0)
    one = rng.uniform([0, -100, -100], [100, 100, 100], (5000, 3))
    other = one + rng.normal(0.0, 15.0, one.shape)
    expected = colour().delta_E(one, other, method="CIE 2000")
    assert np.abs(ciede2000(one, other) - expected).max() < 1e-9


def test_lab_is_that_of_colour_science_and_goes_back() -> None:
    rng = np.random.default_rng(1)
    xyz = np.concatenate([rng.uniform(0.0, 1.0, (500, 3)), rng.uniform(0.0, 0.01, (100, 3))])
    science = colour()
    expected = science.XYZ_to_Lab(xyz, science.XYZ_to_xy(D50))
    assert np.abs(lab(xyz) - expected).max() < 1e-9
    assert np.abs(xyz_of_lab(lab(xyz)) - xyz).max() < 1e-12


def test_equal_grays_do_not_differ() -> None:
    assert ciede2000((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) == 0.0
    assert ciede2000((50.0, 0.0, 0.0), (50.0, 0.0, 0.0)) == 0.0
