"""The neutral picker: gray by the whole grade, as bright as before."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from divere_cli.color import exact
from divere_cli.errors import LimitExceeded
from divere_cli.profile import library, resolve
from divere_cli.review import neutral

SRGB = library.output_space("sRGB")


@pytest.mark.parametrize(
    "name", ["c41-endura-premier", "c41-2383", "c41-neutral", "reversal-neutral"]
)
@pytest.mark.parametrize("cast", [(0.1, 0.0, -0.15), (-0.2, 0.05, 0.2)])
def test_a_place_becomes_gray_and_keeps_its_brightness(
    name: str, cast: tuple[float, float, float]
) -> None:
    recipe = resolve.recipe(library.load(name))
    color = np.array([0.12, 0.05, 0.03]) if recipe.film.invert else np.array([0.2, 0.16, 0.15])
    start = dataclasses.replace(recipe, rgb_gains=cast)
    before = exact.fold(start, SRGB, one_channel=False).rgb(color[None])[0]
    level = float(before @ exact.LUMINANCE)
    if not 0.02 < level < 0.98:
        pytest.skip("the place is black or white under this profile")
    gains = neutral.gains(start, color, SRGB)
    after = exact.fold(dataclasses.replace(recipe, rgb_gains=gains), SRGB, one_channel=False).rgb(
        color[None]
    )[0]
    assert np.ptp(after) < 1.5 / 255
    assert abs(float(after.mean()) - level) < 1.5 / 255


def test_black_and_white_has_nothing_to_balance() -> None:
    recipe = resolve.recipe(library.load("bw-ilford-mgfb-2"))
    with pytest.raises(LimitExceeded):
        neutral.gains(recipe, np.array([0.1, 0.1, 0.1]), SRGB)


def test_a_black_or_white_point_cannot_be_balanced() -> None:
    recipe = resolve.recipe(library.load("c41-endura-premier"))
    with pytest.raises(LimitExceeded, match=r"too dark or too light|no gains"):
        neutral.gains(recipe, np.array([1.0, 1.0, 1.0]), SRGB)
