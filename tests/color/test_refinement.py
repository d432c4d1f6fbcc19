"""Pixels for which float32 is not enough are found, and only these."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from divere_cli.color import bands, log_encoding, ocio, refinement
from divere_cli.color import exact as folding
from divere_cli.profile import library
from divere_cli.records.grade import Curves
from tests.color.recipes import PRINT, Band, colors, recipe, stock, wanted

ENDURA_STOCK = "Kodak Endura Premier"


def prepared(
    source: str, output: str, **figures: Any
) -> tuple[Any, ocio.Plan, refinement.Refinement]:
    found = recipe(source=source, **figures)
    exact_grade = folding.fold(found, library.space(output), one_channel=False)
    levels, plan = bands.Levels(np.uint16), ocio.plan(exact_grade, 16, 16)
    return found, plan, refinement.Refinement(exact_grade, plan, levels, np.uint16)


def converted(plan: ocio.Plan, made: refinement.Refinement, src: Band) -> tuple[Band, Band]:
    """What the transforms read of a band, and what they make of it."""
    read, out = src, np.empty_like(src)
    if plan.reads == "logarithms":
        read = log_encoding.Logarithms(made._exact, made._levels).of(src)
    bands.run(ocio.processor(plan.transform, read.dtype, np.uint16), read, out)
    return read, out


@pytest.mark.parametrize(
    ("source", "output", "contrast"),
    [
        ("KodakEnduraPremier", "sRGB", 1.0),
        ("Hasselblad_X5", "DisplayP3", 1.0),
        ("ACEScg", "AdobeRGB", 2.0),
    ],
)
def test_float32_alone_is_wrong_and_settling_makes_it_right(
    source: str, output: str, contrast: float
) -> None:
    matrix = library.matrix("9000ed_pt400_dir")
    found, plan, made = prepared(source, output, density_gamma=contrast, matrix=matrix)
    src = np.concatenate([colors(seed, 200, 500) for seed in range(3)])
    want = wanted(found, library.space(output), src)
    read, result = converted(plan, made, src)
    assert np.abs(result - want).max() > 2.0
    made.settle(src, read, result)
    assert np.abs(result - want).max() <= 2.0


def test_ordinary_pixels_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture as negatives are: nothing is computed a second time."""
    _, plan, made = prepared("9000ED", "DisplayP3", curves=stock(ENDURA_STOCK))
    scene = np.random.default_rng(1).uniform(0.05, 0.6, (64, 256, 1)) * np.array([1.0, 0.6, 0.35])
    src = (scene * 65535).astype(np.uint16)
    read, result = converted(plan, made, src)

    def never(*_: object) -> None:
        pytest.fail("an ordinary pixel was in doubt")

    monkeypatch.setattr(folding.ExactGrade, "rgb", never)
    made.settle(src, read, result)


def test_few_pixels_even_of_random_colors_are_computed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, plan, made = prepared("9000ED", "sRGB", curves=stock(ENDURA_STOCK))
    src, exact, rgb = colors(7, 400, 500), [], folding.ExactGrade.rgb

    def counted(self: folding.ExactGrade, x: Band) -> Band:
        exact.append(len(x))
        return rgb(self, x)

    monkeypatch.setattr(folding.ExactGrade, "rgb", counted)
    read, result = converted(plan, made, src)
    dark = made._dark(result).size
    made.settle(src, read, result)
    assert 0 < sum(exact) < dark < 0.1 * src.size / 3
    assert sum(exact) < 0.02 * src.size / 3


def test_a_color_far_outside_the_gamut_is_zero_without_refinement() -> None:
    """Zero stands for certainly none: a third of random colors has it in sRGB."""
    found, plan, made = prepared("9000ED", "sRGB", curves=stock(ENDURA_STOCK))
    src = colors(9, 200, 500)
    _, result = converted(plan, made, src)
    dark = np.zeros(src.shape[:2], bool).ravel()
    dark[made._dark(result)] = True
    out = (result.reshape(-1, 3) == 0) & ~dark[:, None]
    assert out.any(axis=1).mean() > 0.1
    assert (wanted(found, library.space("sRGB"), src).reshape(-1, 3)[out] == 0).all()


@pytest.mark.parametrize("source", ["KodakEnduraPremier", "9000ED"])
def test_whether_a_pixel_is_doubtful_depends_on_it_alone(source: str) -> None:
    _, plan, made = prepared(source, "sRGB", curves=stock(ENDURA_STOCK))
    src = colors(8, 64, 100)
    read, together = converted(plan, made, src)
    dark = made._dark(together)
    alone = together.copy()
    made.settle(src, read, together)
    for pixel in dark:
        row, column = divmod(int(pixel), 100)
        here = np.s_[row : row + 1, column : column + 1]
        result = alone[here].copy()
        made.settle(src[here].copy(), read[here].copy(), result)
        alone[here] = result
    assert dark.size > 20
    assert (alone == together).all()


def test_one_table_to_the_encoded_value_raises_no_doubt_of_the_positive() -> None:
    _, _, made = prepared("9000ED", PRINT)
    assert made.code == 0.0
    _, _, glaring = prepared("9000ED", PRINT, screen_glare_compensation=0.02)
    assert glaring.code > 0.0


def test_a_linear_output_space_needs_no_second_look() -> None:
    _, _, made = prepared("KodakEnduraPremier", "ACEScg", curves=Curves())
    assert made.code == 0.0
