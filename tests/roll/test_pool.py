"""Pooling: exact, the same in any order, steady against odd frames."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from divere_cli.roll import pool
from divere_cli.roll.bare import Group
from divere_cli.roll.measurement import ChromaMap, FilmBase
from divere_cli.roll.pool import PooledBase
from tests.roll.looks import DENSITY, PRINTED, look

SEEN = Group(DENSITY, PRINTED, frozenset((0, 1)), frozenset(((0, 1), (1, 3))), False, 0.01)


def test_a_peak_is_placed_finer_than_its_bins() -> None:
    for u, v in ((0.1, -0.2), (0.1043, -0.1967), (-0.2871, 0.3318)):
        found = pool.neutral([look((u, v, 1000), middle=(u, v))])
        assert found is not None
        assert (found.u, found.v) == pytest.approx((u, v), abs=0.0015)


def test_the_order_of_frames_changes_nothing() -> None:
    frames = [
        look((0.1 + i / 500, -0.2, 1000), (0.4, 0.1 * i, 800), middle=(0.12, -0.2))
        for i in range(7)
    ]
    wanted = pool.neutral(frames)
    for seed in range(5):
        random.Random(seed).shuffle(frames)
        assert pool.neutral(frames) == wanted


def test_a_strong_color_on_one_frame_does_not_move_the_roll() -> None:
    frames = [look((0.1, -0.2, 1000), middle=(0.1, -0.2)) for _ in range(5)]
    alone = pool.neutral(frames)
    odd = look((-0.4, 0.3, 4000), middle=(-0.4, 0.3))
    found = pool.neutral([*frames, odd])
    assert alone is not None
    assert found is not None
    assert (found.u, found.v) == pytest.approx((alone.u, alone.v), abs=0.001)


def test_of_two_common_colors_the_middle_one_is_gray_unless_bare_film_disagrees() -> None:
    told = look((0.1, -0.2, 1000), (0.1, -0.06, 1000), middle=(0.12, -0.19))
    found = pool.neutral([told])
    assert found is not None
    assert found.v == pytest.approx(-0.2, abs=0.005)
    assert 0.0 < found.rival < 0.9
    other = pool.neutral([told], near=(0.1, -0.03))
    assert other is not None
    assert other.v == pytest.approx(-0.06, abs=0.005)


def test_shadows_choose_among_the_colors_that_pictures_have_and_bare_film_may_add_one() -> None:
    picture = look((0.1, -0.2, 1000), middle=(0.1, -0.2))
    nearest = pool.neutral([picture], near=(0.5, 0.2), reach=0.04, absent=False)
    assert nearest is not None
    assert math.dist((nearest.u, nearest.v), (0.1, -0.2)) < 0.12
    added = pool.neutral([picture], near=(0.5, 0.2), reach=0.04)
    assert added is not None
    assert (added.u, added.v) == pytest.approx((0.5, 0.2), abs=0.01)


def test_no_mid_tones_no_gray() -> None:
    empty = replace(look((0.0, 0.0, 10), middle=(0.0, 0.0)), presence=ChromaMap(0, ()))
    assert pool.neutral([empty]) is None
    assert pool.neutral([]) is None


def test_the_film_base_is_from_profile_then_region_then_frames() -> None:
    known = replace(look((0.0, 0.0, 10), middle=(0.0, 0.0)))
    profile, region = (
        replace(known, base=FilmBase((red, 0.3, 0.5), (2.3, 2.1, 1.9), source, 9, 0.0))
        for red, source in ((0.1, "profile"), (0.2, "given region"))
    )
    for group, given, source, red in (
        (SEEN, [profile, profile], pool.PROFILE, 0.1),
        (SEEN, [region], pool.REGION, 0.2),
        (SEEN, [], pool.SEEN, 0.25),
        (replace(SEEN, blank=True), [], pool.UNEXPOSED, 0.25),
    ):
        found = pool.base_of(group, given)
        assert found is not None
        assert (found.source, found.density[0]) == (source, red)
    assert pool.base_of(None, []) is None
    both = [replace(profile, base=replace(region.base, source="profile")), profile]
    pooled = pool.base_of(None, both)
    assert pooled is not None
    assert pooled.density == pytest.approx((0.15, 0.3, 0.5))
    assert (pooled.frames, pooled.spread) == (2, 0.1)


def test_the_expected_gray_card_is_near_bare_film() -> None:
    base = PooledBase(DENSITY, PRINTED, pool.SEEN, 2, 0.0)
    assert base.card == pytest.approx((0.4 - 0.017, -0.2 - 0.028))


def test_variety_is_the_distance_of_the_frames_chroma() -> None:
    frames = [look((0.1, 0.1, 10), middle=(0.1 + n / 10, 0.2)) for n in range(5)]
    assert pool.variety(frames) == pytest.approx(0.1)
    assert pool.variety(frames[:1]) == 0.0


def test_gray_of_bare_film_may_be_a_color_of_no_picture() -> None:
    frames = [look((0.1, -0.2, 1000), middle=(0.1, -0.2)) for _ in range(3)]
    for near in ((0.6, 0.3), (-0.4, 0.5)):
        found = pool.neutral(frames, near=near)
        assert found is not None
        assert (found.u, found.v) == pytest.approx(near, abs=0.005)
        assert found.pixels == 0


def test_a_distance_uses_u_and_v() -> None:
    assert pool.distance((0.3, -0.1), (0.0, 0.3)) == pytest.approx(0.5)
    assert pool.distance((0.3, -0.1), (0.3, -0.1)) == 0.0
