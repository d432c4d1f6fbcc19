"""Exposure of a roll and of its frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.roll import exposure, pool
from divere_cli.roll.pool import PooledBase
from tests.roll.looks import DENSITY, PRINTED, look, lumas

BASE = PooledBase(DENSITY, PRINTED, pool.SEEN, 2, 0.0)
PICTURE = look((0.1, -0.2, 1000), middle=(0.1, -0.2))


def test_the_key_is_the_median_of_what_is_above_bare_film() -> None:
    assert exposure.key(PICTURE, None) == pytest.approx(1.3)
    assert exposure.key(PICTURE, BASE) == pytest.approx(1.3)
    edge = BASE.level - exposure.ABOVE_BASE
    dark = replace(PICTURE, lumas=lumas(edge))
    assert exposure.key(dark, None) == pytest.approx(edge)
    assert exposure.key(dark, BASE) == pytest.approx(edge - 0.2, abs=0.01)


@pytest.mark.parametrize(
    ("scatter", "least", "most"),
    [(0.0, 0.15, 0.2), (0.09, 0.2, 0.45), (0.18, 0.5, 0.7), (0.3, 0.7, 0.8)],
)
def test_the_share_follows_the_roll_s_own_spread(scatter: float, least: float, most: float) -> None:
    rng = np.random.default_rng(4)
    shares = [
        exposure.share(list(rng.normal(1.3, np.hypot(exposure.SUBJECTS, scatter), 36)))
        for _ in range(20)
    ]
    assert least <= float(np.median(shares)) <= most


def test_pictures_and_bare_film_agree_on_a_metered_roll() -> None:
    metered = BASE.level - exposure.CARD_UNDER_BASE + exposure.CARD_UNDER_PICTURES
    for variety in (0.0, 0.09):
        card = exposure.card([metered + 0.03] * 12, BASE, 1.0, variety)
        share = exposure.PICTURES + (1.0 - exposure.PICTURES) * 0.03 / exposure.APART
        wanted = metered + share * 0.03 - exposure.CARD_UNDER_PICTURES
        assert card == pytest.approx(wanted, abs=0.001)


def test_a_roll_of_many_subjects_may_be_exposed_for_two_stops_slower_film() -> None:
    metered = BASE.level - exposure.CARD_UNDER_BASE
    keys = [metered + exposure.CARD_UNDER_PICTURES - 0.36] * 12
    assert exposure.card(keys, BASE, 1.0, variety=0.09) < metered - 0.2
    assert exposure.card(keys, BASE, 1.0, variety=0.05) > metered - 0.08


@pytest.mark.parametrize("away", [0.15, -0.3], ids=["thin film", "dense film"])
def test_how_far_pictures_are_trusted_grows_with_their_variety_and_does_not_jump(
    away: float,
) -> None:
    metered = BASE.level - exposure.CARD_UNDER_BASE
    keys = [metered + exposure.CARD_UNDER_PICTURES + away] * 12
    cards = [exposure.card(keys, BASE, 1.0, variety / 1000) for variety in range(121)]
    moved = [(card - metered) / away for card in cards]
    assert moved[0] < moved[-1] - 0.2
    assert min(np.diff(moved)) >= 0.0
    assert max(np.diff(moved)) < 0.04


@pytest.mark.parametrize("darker", [0.35, -0.35], ids=["night", "snow"])
def test_nights_and_snow_keep_their_mood_where_bare_film_shows(darker: float) -> None:
    metered = BASE.level - exposure.CARD_UNDER_BASE + exposure.CARD_UNDER_PICTURES
    keys = [metered + darker] * 12
    shown = exposure.card(keys, BASE, 1.0, variety=0.01) - (metered - exposure.CARD_UNDER_PICTURES)
    assert abs(shown) < 0.08
    hidden = exposure.card(keys, None, 1.0, variety=0.01) - (metered - exposure.CARD_UNDER_PICTURES)
    assert hidden == pytest.approx(darker)


def test_without_a_jump_frames_with_little_texture_keep_their_mood() -> None:
    pulls = [exposure.pull(darker / 100, 0.5, 1.0) for darker in range(-80, 81)]
    assert np.abs(np.diff(pulls)).max() < 0.006
    assert exposure.pull(0.8, 0.5, 1.0) == pytest.approx(0.4)
    assert exposure.pull(0.8, 0.5, 0.0) == pytest.approx(0.5 * exposure.MOOD)
    assert exposure.pull(0.1, 0.5, 0.0) == pytest.approx(0.05)
