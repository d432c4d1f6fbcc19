"""The estimated accuracy of a grade."""

from __future__ import annotations

from typing import Any

import pytest

from divere_cli.color import exact, ocio, precision
from divere_cli.profile import library
from tests.color.recipes import PRINT, recipe, stock

ENDURA = stock("Kodak Endura Premier")


def judged(output: str = PRINT, depth: int = 16, **figures: Any) -> precision.Accuracy:
    found = recipe(**figures)
    exact_grade = exact.fold(found, library.space(output), one_channel=False)
    return ocio.plan(exact_grade, 16, depth).accuracy


def test_an_extreme_grade_needs_more_than_float32() -> None:
    assert judged(curves=ENDURA).float32
    matrix = ((9.0, 9.0, 9.0), (9.0, -9.0, 9.0), (9.0, 9.0, -9.0))
    assert not judged(density_gamma=5.0, matrix=matrix).float32


@pytest.mark.parametrize("output", [PRINT, "ACEScg"])
def test_without_an_output_matrix_or_a_gamma_nothing_is_in_doubt(output: str) -> None:
    found = judged(output, curves=ENDURA)
    assert (found.near, found.least, found.below) == (0.0, 0.0, 0.0)


def test_small_values_are_doubtful_with_an_output_matrix_and_a_gamma() -> None:
    found = judged("sRGB", curves=ENDURA)
    assert 0.0 < found.near < found.below < 1e-3
    assert found.least == 0.0


def test_a_harder_print_has_a_higher_limit_of_doubt() -> None:
    hard, soft = (judged("sRGB", curves=stock(f"Ilford MGFB {grade}")) for grade in (3, "00"))
    assert hard.near > soft.near


@pytest.mark.parametrize("output", [PRINT, "sRGB"])
def test_values_just_above_the_screen_glare_are_doubtful(output: str) -> None:
    found = judged(output, curves=ENDURA, screen_glare_compensation=0.02)
    assert 0.0 < found.least <= found.below
    assert judged(output, depth=8, curves=ENDURA, screen_glare_compensation=0.02).below == 0.0
