"""Pixels that float32 gets wrong: found wherever they are, and only they."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from divere_cli.color import bands, chain, doubt, folding
from divere_cli.profile import library
from divere_cli.records import Curves
from tests.color.recipes import PRINT, Band, colors, recipe, stock, wanted

ENDURA_STOCK = "Kodak Endura Premier"


def prepared(source: str, output: str, **figures: Any) -> tuple[Any, chain.Plan, doubt.Doubt]:
    found = recipe(source=source, **figures)
    folded = folding.fold(found, library.space(output), one_channel=False)
    plan = chain.plan(folded, 16, 16)
    return found, plan, doubt.Doubt(folded, plan, bands.Levels(np.uint16), 16)


def converted(plan: chain.Plan, src: Band) -> Band:
    out = np.empty_like(src)
    processor = chain.processor(plan.transform, plan.logarithm == "fast", np.uint16, np.uint16)
    bands.run(processor, src, out)
    return out


@pytest.mark.parametrize(
    ("source", "output", "matrix", "contrast"),
    [
        ("KodakEnduraPremier", "sRGB", "9000ed_pt400_dir", 1.0),
        ("Hasselblad_X5", "DisplayP3", "9000ed_pt400_dir", 1.0),
        ("Hasselblad_X5", PRINT, "X5_5219_Daylight", 1.6),
        ("ACEScg", PRINT, "X5_5219_Daylight", 2.5),
    ],
)
def test_float32_alone_is_wrong_and_settling_makes_it_right(
    source: str, output: str, matrix: str, contrast: float
) -> None:
    found, plan, made = prepared(
        source, output, density_gamma=contrast, matrix=library.matrix(matrix)
    )
    src = np.concatenate([colors(seed, 200, 500) for seed in range(3)])
    want = wanted(found, library.space(output), src)
    result = converted(plan, src)
    assert np.abs(result - want).max() > 2.0
    made.settle(src, result)
    assert np.abs(result - want).max() <= 2.0


def test_ordinary_pixels_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture as negatives are: nothing is computed a second time."""
    _, plan, made = prepared("9000ED", "DisplayP3", curves=stock(ENDURA_STOCK))
    scene = np.random.default_rng(1).uniform(0.05, 0.6, (64, 256, 1)) * np.array([1.0, 0.6, 0.35])
    src = (scene * 65535).astype(np.uint16)
    result = converted(plan, src)

    def never(*_: object) -> None:
        pytest.fail("an ordinary pixel was in doubt")

    monkeypatch.setattr(folding.Folded, "rgb", never)
    made.settle(src, result)


def test_few_are_in_doubt_even_of_random_colors() -> None:
    _, plan, made = prepared("9000ED", "sRGB", curves=stock(ENDURA_STOCK))
    src = colors(7, 400, 500)
    result = converted(plan, src)
    found = np.union1d(made._of_scan(src), made._of_positive(src, result))
    assert 0 < found.size < 0.02 * src.size / 3


def test_whether_a_pixel_is_in_doubt_is_its_own_affair() -> None:
    """The look at whole columns may only ever leave out pixels that are in no doubt."""
    _, _, made = prepared("ACEScg", PRINT, matrix=library.matrix("9000ed_pt400_dir"))
    src = colors(8, 64, 100)
    together = made._of_scan(src)
    alone = [
        row * 100 + column
        for row in range(64)
        for column in range(100)
        if made._of_scan(src[row : row + 1, column : column + 1]).size
    ]
    assert alone
    assert together.tolist() == alone


def test_only_matrices_that_take_away_raise_doubts_of_the_scan() -> None:
    _, _, made = prepared("KodakEnduraPremier", PRINT)
    assert made.share == 0.0
    assert made._of_scan(colors(1)).size == 0


def test_one_table_to_the_encoded_value_raises_no_doubt_of_the_positive() -> None:
    _, _, made = prepared("9000ED", PRINT)
    assert made.code == 0.0
    _, _, glaring = prepared("9000ED", PRINT, screen_glare_compensation=0.02)
    assert glaring.code > 0.0


def test_a_linear_output_space_needs_no_second_look() -> None:
    _, _, made = prepared("KodakEnduraPremier", "ACEScg", curves=Curves())
    assert made.code == 0.0
