"""The grades of a sheet and their positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.profile import library, resolve
from divere_cli.proof import layout, variants
from divere_cli.proof.orders import Named
from divere_cli.records.grade import Recipe


@pytest.fixture
def recipe() -> Recipe:
    found = resolve.recipe(library.load("c41-endura-premier"))
    return replace(found, rgb_gains=(0.1, -0.2, 0.3), density_gamma=1.1)


def test_the_ring_is_the_center_and_each_channel_two_steps_each_way(recipe: Recipe) -> None:
    made = variants.variants("color", (Named("x", recipe),), 0.05)
    moved = sorted(
        tuple(np.round(np.subtract(v.recipe.rgb_gains, (0.1, -0.2, 0.3)), 6)) for v in made
    )
    expected = [(0.0, 0.0, 0.0)]
    for channel in range(3):
        for steps in (-2, -1, 1, 2):
            one = [0.0, 0.0, 0.0]
            one[channel] = round(0.05 * steps, 6)
            expected.append(tuple(one))
    assert moved == sorted(expected)
    by_name = {v.lines[0]: v for v in made}
    assert by_name["red 2"].recipe.rgb_gains[0] == pytest.approx(0.2)
    assert by_name["yellow 1"].lines[1] == "0.1, -0.2, 0.25"
    assert [v.lines[0] for v in made if v.center] == ["center"]


def test_complements_are_opposite(recipe: Recipe) -> None:
    at = {
        v.lines[0]: np.array(v.at) for v in variants.variants("color", (Named("x", recipe),), 0.05)
    }
    for one, other in (("red", "cyan"), ("green", "magenta"), ("blue", "yellow")):
        for ring in (1, 2):
            middle = (at[f"{one} {ring}"] + at[f"{other} {ring}"]) / 2.0
            assert middle == pytest.approx(at["center"])
    assert len({tuple(place) for place in at.values()}) == 13


def test_strips_of_nine(recipe: Recipe) -> None:
    exposures = variants.variants("exposure", (Named("x", recipe),), 0.1)
    shifts = [v.recipe.rgb_gains[0] - 0.1 for v in exposures]
    assert shifts == pytest.approx([0.1 * step for step in range(-4, 5)])
    assert all(
        np.subtract(v.recipe.rgb_gains, recipe.rgb_gains) == pytest.approx([shift] * 3)
        for v, shift in zip(exposures, shifts, strict=True)
    )
    contrasts = variants.variants("contrast", (Named("x", recipe),), 0.05)
    assert [v.recipe.density_gamma for v in contrasts] == pytest.approx(
        [1.1 + 0.05 * step for step in range(-4, 5)]
    )
    assert contrasts[0].lines[1] == "0.9"


def test_values_stay_in_the_range_of_a_preset(recipe: Recipe) -> None:
    far = replace(recipe, rgb_gains=(4.99, 0.0, -4.99), density_gamma=0.2)
    for vary in ("color", "exposure", "contrast"):
        for made in variants.variants(vary, (Named("x", far),), 0.5):
            assert np.abs(made.recipe.rgb_gains).max() <= 5.0
            assert 0.1 <= made.recipe.density_gamma <= 5.0


@pytest.mark.parametrize("size", [400, 1000, 2400])
@pytest.mark.parametrize("aspect", [0.3, 0.66, 1.0, 1.5, 6.0])
def test_the_long_edge_is_the_size_and_no_tile_leaves_the_sheet(
    size: int, aspect: float, recipe: Recipe
) -> None:
    places = [v.at for v in variants.variants("color", (Named("x", recipe),), 0.05)]
    plan = layout.fitted(places, aspect, 2, size)
    assert max(plan.width, plan.height) == size
    boxes = []
    for at in places:
        left, top = plan.top_left(at)
        assert left >= 0
        assert top >= plan.head
        assert left + plan.tile_width <= plan.width
        assert top + plan.tile_height + plan.label <= plan.height
        boxes.append((left, top))
    assert len(set(boxes)) == len(places)
