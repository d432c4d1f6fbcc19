"""Steps 4 to 9 as one linear function of logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from divere_cli.color import density
from divere_cli.errors import ProfileError
from tests.color.recipes import recipe

MATRIX = ((1.2, 0.1, -0.05), (0.02, 0.9, 0.1), (-0.1, 0.0, 1.1))


def plainly(found: Any, x: np.ndarray) -> np.ndarray:
    """Steps 4 to 9, as written."""
    sign = 1.0 if found.film.invert else -1.0
    contrast = 0.7 + (-sign * np.log10(np.maximum(x, 1e-10)) - 0.7) * found.density_gamma
    light = np.maximum(10.0 ** (contrast - found.density_dmax), 1e-10)
    d = -np.log10(light)
    if found.matrix is not None:
        d = (d + found.density_dmax - 4.1) @ np.array(found.matrix).T
        d = 4.1 + d * np.array([found.channel_gamma[0], 1.0, found.channel_gamma[1]])
        d = d - found.density_dmax
    return d - np.array(found.rgb_gains)


@pytest.mark.parametrize("film", ["color_negative_c41", "color_reversal"])
@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"density_gamma": 0.1, "density_dmax": 6.0},
        {"density_gamma": 5.0, "density_dmax": 0.0, "rgb_gains": (1.0, -2.0, 0.5)},
        {"matrix": MATRIX, "channel_gamma": (2.0, 0.5)},
        {"matrix": MATRIX, "density_dmax": 11.0},
    ],
)
def test_the_combined_density_equals_the_single_steps(film: str, figures: dict[str, Any]) -> None:
    found = recipe(film, **figures)
    x = 10.0 ** np.random.default_rng(3).uniform(-12.0, 2.0, (4000, 3))
    x[:3] = [[0.0, 0.0, 0.0], [-1.0, 0.5, 1.0], [1.0, 1.0, 1.0]]
    assert density.fold(found).of(x) == pytest.approx(plainly(found, x), abs=1e-10)


@pytest.mark.parametrize("off", [1e-9, -1e-9])
def test_a_matrix_next_to_the_identity_is_skipped_with_its_channel_gamma(off: float) -> None:
    near = ((1.0, off, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    found = density.fold(recipe(matrix=near, channel_gamma=(2.0, 2.0)))
    assert (found.matrix == np.eye(3)).all()


def test_contrast_of_zero_or_less_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"density_gamma is 0\.0"):
        density.fold(recipe(density_gamma=0.0))
