"""Plain lines along the sides: bare film, light and walls; never the picture."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.roll import lines

Floats = NDArray[np.float64]
ORANGE, BLUISH, GRAY = (0.25, 0.60, 0.85), (0.44, 0.58, 0.37), (0.2, 0.2, 0.2)
ROWS, COLUMNS = 80, 120


def picture(base: tuple[float, float, float] = ORANGE) -> Floats:
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0.3, 1.4, (21, 31, 3)).repeat(4, 0).repeat(4, 1)[:ROWS, :COLUMNS]
    return np.asarray(np.array(base) + coarse + rng.normal(0, 0.005, (ROWS, COLUMNS, 3)))


def lined(base: tuple[float, float, float], holder: int = 0, rebate: int = 3) -> Floats:
    """A picture with a holder and bare film on its left and at its top."""
    density = picture(base)
    bare = np.array(base) + np.random.default_rng(2).normal(0, 0.004, density.shape)
    inside = holder + rebate
    density[:inside], density[:, :inside] = bare[:inside], bare[:, :inside]
    density[:holder], density[:, :holder] = 3.0, 3.0
    return density


def every(density: Floats) -> NDArray[np.bool_]:
    return np.ones(density.shape[:2], bool)


@pytest.mark.parametrize("base", [ORANGE, BLUISH, GRAY], ids=["orange", "bluish", "gray"])
@pytest.mark.parametrize("holder", [0, 8], ids=["bare", "inside a holder of 10 %"])
def test_bare_film_of_any_color_is_seen(base: tuple[float, float, float], holder: int) -> None:
    density = lined(base, holder)
    found = lines.plain(density, every(density))
    assert found[0].density == pytest.approx(base, abs=0.005)
    assert found[0].sides == (0, 3)
    assert found[0].lines == 6
    assert not found[0].blank


def test_a_picture_has_none() -> None:
    density = picture()
    assert lines.plain(density, every(density)) == ()


def test_sprocket_holes_do_not_hide_a_rebate() -> None:
    density = lined(ORANGE, rebate=6)
    density[1:5, ::8], density[1:5, 1::8] = 0.0, 0.0
    valid = density[..., 0] > 0.0
    assert lines.plain(density, valid)[0].sides == (0, 3)


def test_a_blank_is_one_color_and_no_more() -> None:
    density = np.array(ORANGE) + np.random.default_rng(3).normal(0, 0.008, (ROWS, COLUMNS, 3))
    (found,) = lines.plain(density, every(density))
    assert found.blank
    assert found.density == pytest.approx(ORANGE, abs=0.003)


def test_a_frame_that_cannot_be_measured_has_no_lines() -> None:
    density = picture()
    assert lines.plain(density, ~every(density)) == ()
