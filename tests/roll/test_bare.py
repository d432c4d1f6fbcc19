"""Film base is the color that a second frame confirms; light, walls and slides are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from divere_cli.roll import bare
from divere_cli.roll.measurement import FrameLooks, PlainColor
from tests.roll.looks import DENSITY, REBATE, frame, look, shifted

PICTURE = look((0.1, -0.2, 1000), middle=(0.1, -0.2))
NOTHING = frame(PICTURE)
SHOWS = frame(PICTURE, REBATE)
LIGHT = PlainColor((0.03, 0.03, 0.03), (2.5, 2.4, 2.3), (0, 1, 2, 3), 12)


def base(*frames: FrameLooks) -> tuple[float, ...] | None:
    found = bare.find(frames)
    return None if found is None else found.density


def test_the_same_color_on_a_second_frame_is_film_base() -> None:
    near = shifted(REBATE, 0.01)
    found = bare.find([SHOWS, NOTHING, frame(PICTURE, near)])
    assert found is not None
    assert found.density == pytest.approx(shifted(REBATE, 0.005).density)
    assert found.frames == {0, 2}
    assert found.spread == pytest.approx(0.005)


def test_a_strip_of_wall_on_one_frame_is_not() -> None:
    assert base(SHOWS, NOTHING, NOTHING) is None


def test_dense_land_below_a_few_of_many_skies_is_not() -> None:
    land = replace(shifted(REBATE, 0.6), sides=(2,))
    sky = frame(PICTURE, thin=(1.1, 1.5, 1.9))
    below = frame(PICTURE, land, thin=(1.1, 1.5, 1.9))
    assert base(*[below] * 2, *[sky] * 8) is None
    assert base(*[below] * 5, *[sky] * 5) == land.density  # a dark scan of film is seen on more


def test_one_frame_alone_shows_it_on_two_sides_or_on_none() -> None:
    assert base(SHOWS) == DENSITY
    assert base(frame(PICTURE, replace(REBATE, sides=(1,)))) is None


def test_one_blank_frame_shows_the_film_base() -> None:
    blank = replace(REBATE, blank=True)
    assert base(frame(PICTURE, blank), NOTHING, NOTHING) == DENSITY


def test_a_color_denser_than_pictures_is_no_film_base() -> None:
    dark_edge = shifted(REBATE, 0.4)
    assert base(*[frame(PICTURE, dark_edge)] * 3, *[NOTHING] * 3) is None
    assert base(*[frame(PICTURE, dark_edge)] * 2, *[SHOWS] * 2) == DENSITY


def test_light_beside_the_film_is_thinner_and_no_base() -> None:
    both = frame(PICTURE, LIGHT, REBATE)
    assert base(both, both, both) == DENSITY
    half = PlainColor((0.14, 0.3, 0.42), (2.3, 2.0, 1.9), (1,), 1)
    mixed = frame(PICTURE, LIGHT, half, REBATE)
    assert base(mixed, both, mixed, both, both) == DENSITY


def test_without_a_denser_color_the_thinnest_is_film_base() -> None:
    clear = [frame(PICTURE, LIGHT)] * 3
    assert base(*clear) == LIGHT.density


def test_a_frame_is_measured_with_the_base_of_its_roll() -> None:
    other = shifted(REBATE, 0.3)
    shown = frame(PICTURE, other, REBATE)
    assert bare.look(shown, DENSITY) is shown.looks[2]
    assert bare.look(shown, None) is shown.looks[0]
    assert bare.look(NOTHING, DENSITY) is NOTHING.looks[0]
    lit = frame(PICTURE, LIGHT)
    assert bare.look(lit, DENSITY) is lit.looks[1]
    known = replace(shown, given=PICTURE)
    assert bare.look(known, DENSITY) is PICTURE


def test_no_film_is_thinner_than_its_base() -> None:
    assert not bare.is_thinner(SHOWS, DENSITY)
    assert bare.is_thinner(frame(PICTURE, thin=(0.3, 0.5, 0.9)), DENSITY)
