"""Curves: piecewise linear, constant beyond the ends, and their corners."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from divere_cli.color import curves, reference
from divere_cli.profile import library
from divere_cli.records.grade import Curves
from tests.color.recipes import recipe, stock

L = curves.DENSITY_RANGE


@pytest.mark.parametrize("name", sorted(library.curves()))
def test_a_tone_is_the_references_curves_and_light(name: str) -> None:
    found = recipe(curves=stock(name), screen_glare_compensation=0.003)
    d = np.linspace(-1.0, 6.0, 3001)
    through = reference.through_curves(found, np.repeat(d[:, None], 3, axis=1))
    want = np.maximum(0.0, np.clip(10.0**-through, 0.0, 1.0) - 0.003)
    for index, tone in enumerate(curves.tones(found)):
        assert tone.light(d) == pytest.approx(want[:, index], abs=1e-14)


def test_points_out_of_order_are_sorted() -> None:
    """DiVERE's Ilford curves come in descending x, and its export makes them one gray."""
    forward = stock("Ilford MGFB 2").rgb
    backward = curves.tones(recipe(curves=Curves(rgb=forward[::-1])))
    d = np.linspace(0.0, 5.0, 400)
    assert (backward[0].light(d) == curves.tones(recipe(curves=Curves(forward)))[0].light(d)).all()
    assert np.ptp(backward[0].light(d)) > 0.5


def test_master_comes_before_the_channel() -> None:
    own = Curves(rgb=((0.0, 0.5), (1.0, 1.0)), r=((0.0, 0.0), (0.5, 0.9), (1.0, 1.0)))
    red, green, _ = curves.tones(recipe(curves=own))
    densest = np.array([L])
    assert green.light(densest) == pytest.approx(10 ** -(0.5 * L))
    assert red.light(densest) == pytest.approx(10 ** -(0.1 * L))


@pytest.mark.parametrize("film", ["color_negative_c41", "digital"])
def test_an_empty_curve_and_the_diagonal_have_no_effect(film: str) -> None:
    diagonal = ((0.0, 0.0), (1.0, 1.0))
    for tone in curves.tones(recipe(film, curves=Curves(rgb=diagonal, r=()))):
        assert tone.curves == ()
        assert tone.light(np.array([6.0]))[0] == pytest.approx(1e-6)


def test_between_corners_the_tone_bends_nowhere() -> None:
    found = recipe(
        curves=Curves(
            rgb=((0.1, 0.2), (0.4, 0.3), (0.8, 0.95)), g=((0.25, 0.1), (0.6, 0.5), (0.9, 0.9))
        ),
        screen_glare_compensation=0.004,
    )
    for tone in curves.tones(found):
        corners = np.unique([-1.0, *tone.corners(), 6.0])
        for low, high in itertools.pairwise(corners):
            d = np.linspace(low, high, 9)[1:-1]
            light = tone.light(d) + 0.004
            if high - low < 1e-9 or light.min() <= 0.004:
                continue
            logarithm = np.log10(light)
            assert np.diff(logarithm, 2) == pytest.approx(0.0, abs=1e-9)
