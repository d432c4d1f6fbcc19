"""Holder, holes and rebate are separated from the picture; film base of any color is found."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.roll import regions

Floats = NDArray[np.float64]
ORANGE, BLUISH, GRAY = (0.25, 0.60, 0.85), (0.44, 0.58, 0.37), (0.2, 0.2, 0.2)
EDGE = 6


def strip(base: tuple[float, float, float], seed: int = 1) -> Floats:
    """Density of a picture with bare film around it."""
    rng = np.random.default_rng(seed)
    density = np.array(base) + rng.normal(0, 0.005, (80, 120, 3))
    coarse = rng.uniform(0.15, 1.4, (17, 27, 3)).repeat(4, 0).repeat(4, 1)
    density[EDGE:-EDGE, EDGE:-EDGE] += coarse
    return density


def held(density: Floats, clear: float = 1.0) -> tuple[Floats, NDArray[np.bool_]]:
    """In a holder with sprocket holes; clear is what the light without film reads."""
    linear = 10.0**-density
    linear[2:4, 10:110:12] = clear
    linear[[0, 1, -2, -1]] = 1e-3
    linear[:, [0, 1, -2, -1]] = 1e-3
    return linear, (linear >= 0.995).any(axis=2)


def around(density: Floats, base: tuple[float, float, float] = ORANGE) -> regions.Regions:
    linear, clipped = held(density)
    bare = regions.Base(np.array(base), "plain", 0, 0.0)
    return regions.around(-np.log10(np.maximum(linear, 1e-5)), clipped, bare)


@pytest.mark.parametrize("base", [ORANGE, BLUISH, GRAY], ids=["orange", "bluish", "gray"])
def test_rebate_of_any_color_is_left_out(base: tuple[float, float, float]) -> None:
    found = around(strip(base), base)
    assert not found.picture[:EDGE].any()
    assert not found.picture[:, -EDGE:].any()
    assert found.rebate.any()
    assert (found.outside | found.rebate | found.picture).mean() > 0.99


def test_light_beside_the_film_is_left_out() -> None:
    density = strip(ORANGE)
    density[-9:, :] = 0.05  # light that does not clip, over the rebate and the last of the picture
    lit = np.concatenate([density, np.full((2, density.shape[1], 3), 0.05)])
    bare = regions.Base(np.array(ORANGE), "plain", 0, 0.0)
    found = regions.around(lit, np.zeros(lit.shape[:2], bool), bare)
    assert found.outside[-11:].all()
    assert not found.picture[-11:].any()


def test_on_a_positive_a_light_along_an_edge_is_picture() -> None:
    linear, clipped = held(strip(ORANGE))
    found = regions.find(linear, clipped, negative=False)
    assert found.base is None
    assert not found.rebate.any()
    assert (found.picture | found.outside).all()
    assert (found.outside == regions.find(linear, clipped).outside).all()


def test_only_the_picture_is_left() -> None:
    picture = around(strip(ORANGE)).picture
    inside = np.zeros_like(picture)
    inside[EDGE + 1 : -EDGE - 1, EDGE + 1 : -EDGE - 1] = True
    assert picture[inside].mean() > 0.97
    assert not picture[: EDGE - 1].any()
    assert not picture[:, -EDGE + 1 :].any()


def test_without_bare_film_the_thin_end_is_said_to_be_one() -> None:
    density = strip(ORANGE)[EDGE + 2 : -EDGE - 2, EDGE + 2 : -EDGE - 2]
    found = regions.find(10.0**-density, np.zeros(density.shape[:2], bool))
    assert found.base is not None
    assert found.base.source == "thin end"
    assert (found.base.density > np.array(ORANGE)).all()
    assert found.picture.all()


@pytest.mark.parametrize("what", [0.0, 1.0], ids=["dark", "clipped"])
def test_where_nothing_can_be_measured_nothing_is_picture(what: float) -> None:
    linear = np.full((40, 60, 3), what)
    found = regions.find(linear, linear[..., 0] >= 0.995)
    assert not found.picture.any()
    assert found.base is None


def test_a_dark_spot_inside_the_picture_is_no_holder() -> None:
    linear, clipped = held(strip(ORANGE))
    linear[40:44, 60:64] = 1e-3
    found = regions.find(linear, clipped)
    assert not found.outside[40:44, 60:64].any()


def test_flood_stops_at_walls() -> None:
    through = np.ones((5, 7), bool)
    through[:, 3] = False
    seeds = np.zeros_like(through)
    seeds[2, 0] = True
    reached = regions.flood(through, seeds)
    assert reached[:, :3].all()
    assert not reached[:, 3:].any()


def test_a_given_region_is_the_middle_color_of_its_cells() -> None:
    density = np.array(ORANGE) + np.random.default_rng(3).normal(0, 0.01, (12, 40, 3))
    linear = 10.0**-density
    linear[:2] *= 0.01
    linear[5, 5:15] *= 0.5
    linear[2:4, :10] = 1.0
    linear[11, 0] = 0.0
    found = regions.bare_region(linear, (linear >= 0.995).any(axis=2))
    assert found is not None
    assert found.source == "given region"
    np.testing.assert_allclose(found.density, ORANGE, atol=0.005)
    assert found.cells == 12 * 40 - 2 * 40 - 10 - 20 - 1
    assert found.spread < 0.02


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_black_or_clipped_region_has_no_film_base(value: float) -> None:
    linear = np.full((4, 5, 3), value)
    assert regions.bare_region(linear, linear[..., 0] == 1.0) is None


def test_a_region_of_two_films_is_one_of_them_and_no_mixture() -> None:
    linear = 10.0 ** -np.array([[ORANGE, (1.0, 1.2, 1.4)] * 5])
    found = regions.bare_region(linear, np.zeros((1, 10), bool))
    assert found is not None
    np.testing.assert_allclose(found.density, (1.0, 1.2, 1.4))
    assert found.cells == 5
