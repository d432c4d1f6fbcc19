"""The inverse grade followed by the reference gives the original light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.color import reference
from divere_cli.errors import ProfileError
from divere_cli.profile import library, resolve
from divere_cli.records.grade import Recipe
from divere_cli.samples import negative

GAINS = (0.1, -0.3, -0.5)


def recipe(name: str) -> Recipe:
    return replace(resolve.recipe(library.load(name)), rgb_gains=GAINS)


def other_input(found: Recipe) -> Recipe:
    return replace(
        found,
        input_space=replace(library.space("9000ED"), gamma=1.8),
        channel_gamma=(1.1, 0.9),
        density_gamma=1.4,
    )


@pytest.mark.parametrize("name", ["c41-endura-premier", "c41-neutral", "9000ed-gold200-135"])
@pytest.mark.parametrize("change", [lambda r: r, other_input], ids=["as shipped", "other input"])
def test_the_grade_brings_back_the_density_before_the_curves(name: str, change: object) -> None:
    found = change(recipe(name))  # type: ignore[operator]
    backwards = negative.invert(found)
    before = np.random.default_rng(1).uniform(0.9, 1.9, (500, 3))
    scan = 10.0 ** -backwards.film(before)
    seen = backwards.scan(backwards.film(before))
    inside = (seen > 0.0).all(axis=1) & (seen < 1.0).all(axis=1) & (scan <= 1.0).all(axis=1)
    assert inside.sum() > 100
    linear = reference.between(
        found.input_space, found.working_space, "ratio", seen**found.input_space.gamma
    )
    bare = replace(found, film=replace(found.film, density_curve=False))
    light = reference.print_light(bare, linear)
    expected = before[inside] + backwards.offsets
    np.testing.assert_allclose(-np.log10(light[inside]), expected, atol=1e-9)


def test_neutral_light_is_equal_density_before_the_paper() -> None:
    backwards = negative.invert(recipe("c41-endura-premier"))
    gray = np.geomspace(0.01, 0.9, 20)[:, None] * np.ones(3)
    assert np.ptp(backwards.before_curves(gray), axis=1).max() == 0.0


@pytest.mark.parametrize("name", ["c41-endura-premier", "c41-2383"])
def test_the_paper_prints_the_light_it_was_asked_for_but_for_its_own_cast(name: str) -> None:
    backwards = negative.invert(recipe(name))
    gray = np.geomspace(0.02, 0.8, 20)[:, None] * np.ones(3)
    printed = backwards.printed(backwards.before_curves(gray))
    off = np.log10(printed / gray)
    assert np.abs(off.mean(axis=1)).max() < 2e-3
    assert 0.01 < np.abs(off).max() < 0.1


def test_black_and_white_film_is_refused() -> None:
    with pytest.raises(ProfileError, match="no color negative"):
        negative.invert(resolve.recipe(library.load("bw-neutral")))
