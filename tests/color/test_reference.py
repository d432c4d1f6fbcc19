"""The reference compared with DiVERE's export and with figures computed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from divere_cli.color import reference
from divere_cli.profile import library, loading, resolve
from divere_cli.records.grade import Curves, Recipe
from tests.color.recipes import ENDURA, PRINT, graded, recipe

ORACLE = Path(__file__).parents[2] / "../shared/oracle"
NAMES = (
    [case["name"] for case in json.loads((ORACLE / "cases.json").read_text())]
    if ORACLE.is_dir()
    else []
)
needs_oracle = pytest.mark.skipif(not NAMES, reason="../shared/oracle is not here")


@pytest.fixture(scope="module")
def oracle() -> tuple[dict[str, Any], dict[str, Any]]:
    cases = json.loads((ORACLE / "cases.json").read_text())
    with np.load(ORACLE / "pairs.npz") as pairs:
        return {case["name"]: case for case in cases}, dict(pairs)


def _case(oracle: tuple[dict[str, Any], dict[str, Any]], name: str) -> tuple[Recipe, Any, int]:
    case = oracle[0][name]
    preset = loading.preset(case["preset"], f"{name}.json")
    turns = (case["preset"]["metadata"].get("orientation") or 0) // 90
    return resolve.recipe(preset), library.output_space(case["color_space"]), turns


@needs_oracle
@pytest.mark.parametrize("source", ["A", "B"])
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_divere_to_the_code_value(
    oracle: tuple[dict[str, Any], dict[str, Any]], name: str, source: str
) -> None:
    found, output, turns = _case(oracle, name)
    got = np.rot90(reference.code_values(found, output, oracle[1][source]), turns)
    want = oracle[1][f"{name}|{source}"].astype(np.float64)
    off = np.abs(got.reshape(want.shape) - want)
    assert off.max() <= 1.0
    assert (off == 0.0).mean() > 0.9999


@needs_oracle
@pytest.mark.parametrize("source", ["A", "B"])
@pytest.mark.parametrize("name", NAMES)
def test_the_grade_is_divere_within_two_code_values(
    oracle: tuple[dict[str, Any], dict[str, Any]], name: str, source: str
) -> None:
    found, output, turns = _case(oracle, name)
    got = np.rot90(graded(found, output, oracle[1][source]), turns).astype(np.float64)
    want = oracle[1][f"{name}|{source}"].astype(np.float64)
    assert np.abs(got.reshape(want.shape) - want).max() <= 2.0


def test_a_neutral_grade_by_hand() -> None:
    """x = 10^-1: D = 1, D' = 1 - 2.5, d = 1.5, y = 10^-1.5, encoded by 1/2.2."""
    x = np.full((1, 3), 0.1)
    got = reference.encoded(recipe(), library.output_space(PRINT), x)
    assert got == pytest.approx((10.0**-1.5) ** (1 / 2.2), rel=1e-12)


def test_every_figure_by_hand() -> None:
    found = recipe(
        density_gamma=1.2,
        density_dmax=2.0,
        rgb_gains=(0.1, 0.0, -0.1),
        matrix=((1.1, 0.1, 0.0), (0.0, 0.9, 0.0), (0.0, 0.2, 1.0)),
        channel_gamma=(1.5, 0.8),
        screen_glare_compensation=0.01,
    )
    density = np.array([0.5, 0.8, 1.4])
    d = -(0.7 + (density - 0.7) * 1.2 - 2.0)
    v = d + 2.0 - 4.1
    mixed = np.array([1.1 * v[0] + 0.1 * v[1], 0.9 * v[1], 0.2 * v[1] + v[2]])
    d = 4.1 + mixed * np.array([1.5, 1.0, 0.8]) - 2.0 - np.array([0.1, 0.0, -0.1])
    want = np.clip(np.clip(10.0**-d, 0, 1) - 0.01, 0, 1) ** (1 / 2.2)
    got = reference.encoded(found, library.output_space(PRINT), 10.0 ** -density[None])
    assert got[0] == pytest.approx(want, rel=1e-12)


def test_reversal_does_not_turn_light_into_density() -> None:
    found = recipe("color_reversal", density_dmax=0.0)
    got = reference.encoded(found, library.output_space(ENDURA), np.array([[0.5, 0.25, 0.1]]))
    assert got[0] == pytest.approx([0.5, 0.25, 0.1], rel=1e-12)


def test_where_the_scan_is_black_reversal_stops_at_a_density_of_ten() -> None:
    found = recipe("color_reversal", density_dmax=2.0, matrix=((0.1, 0, 0), (0, 1, 0), (0, 0, 1)))
    got = reference.print_light(found, np.zeros((1, 3)))
    # d = 10, then 4.1 + 0.1 * (10 + 2 - 4.1) - 2
    assert got[0, 0] == pytest.approx(10.0 ** -(4.1 + 0.79 - 2.0), rel=1e-12)


def test_channel_gamma_does_nothing_without_a_matrix() -> None:
    x = np.random.default_rng(1).random((50, 3))
    output = library.output_space("DisplayP3")
    plain = reference.encoded(recipe(), output, x)
    assert (reference.encoded(recipe(channel_gamma=(2.0, 0.5)), output, x) == plain).all()


def test_the_diagonal_curve_does_not_clip() -> None:
    """Density 6 is darker than a curve can be: only no curve at all keeps it."""
    x = np.full((1, 3), 10.0**3.5)
    output = library.output_space(ENDURA)
    diagonal = recipe(curves=Curves(rgb=((0.0, 0.0), (1.0, 1.0))))
    acting = recipe(curves=Curves(rgb=((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))))
    assert reference.encoded(diagonal, output, x)[0, 0] == pytest.approx(1e-6, rel=1e-9)
    assert reference.encoded(acting, output, x)[0, 0] == pytest.approx(1 / 65536, rel=1e-9)


def test_film_types_without_steps_leave_them_out() -> None:
    found = recipe("digital", density_dmax=0.0, matrix=((2, 0, 0), (0, 2, 0), (0, 0, 2)))
    got = reference.encoded(found, library.output_space(ENDURA), np.array([[0.5, 0.25, 0.1]]))
    assert got[0] == pytest.approx([0.5, 0.25, 0.1], rel=1e-12)


def test_black_and_white_is_the_luminance_of_encoded_values() -> None:
    found = recipe("b&w_reversal", density_dmax=0.0)
    got = reference.encoded(found, library.output_space(PRINT), np.array([[0.5, 0.25, 0.1]]))
    want = np.array([0.5, 0.25, 0.1]) ** (1 / 2.2) @ [0.2126, 0.7152, 0.0722]
    assert got.shape == (1, 1)
    assert got[0, 0] == pytest.approx(want, rel=1e-12)
