"""Exports are complete or absent, and report their error correctly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from divere_cli.color import export
from divere_cli.errors import UsageError
from divere_cli.profile import library
from tests.color.exports import exported
from tests.color.recipes import recipe, stock

FOUND = recipe(
    source="9000ED",
    curves=stock("Kodak Endura Premier"),
    matrix=library.matrix("9000ed_pt400"),
)
SPACE = library.space("DisplayP3")


def test_the_error_falls_with_the_size_and_clf_has_nearly_none(tmp_path: Path) -> None:
    path = str(tmp_path / "x.cube")
    small, large = (exported(FOUND, SPACE, "cube", size, path) for size in (9, 33))
    shaped = exported(FOUND, SPACE, "cube", 33, path, shaper=True)
    exact = exported(FOUND, SPACE, "clf", None, str(tmp_path / "x.clf"))
    assert exact.p99_error < 0.5
    assert exact.mean_delta_e < 1e-3
    assert exact.mean_error < shaped.mean_error < large.mean_error / 2 < small.mean_error / 4
    assert shaped.mean_delta_e < 0.5
    assert large.mean_delta_e < 2.0
    assert (small.size, large.size, exact.size) == (9, 33, 0)


def test_the_reported_error_is_that_of_the_existing_file(tmp_path: Path) -> None:
    """OpenColorIO keeps files by name: the second export must not be judged by the first."""
    path = str(tmp_path / "same.cube")
    exported(recipe("digital"), SPACE, "cube", 9, path)
    second = exported(FOUND, SPACE, "cube", 33, path)
    fresh = exported(FOUND, SPACE, "cube", 33, str(tmp_path / "fresh.cube"))
    assert second.mean_error == fresh.mean_error


def test_clf_knows_no_size() -> None:
    with pytest.raises(UsageError, match="for cube"):
        export.text(FOUND, SPACE, "clf", 33)


def test_delta_e_of_srgb_white_and_black_is_a_hundred() -> None:
    srgb = library.space("sRGB")
    black, white = np.zeros((1, 3)), np.ones((1, 3))
    assert export.delta_e(srgb, white, black) == pytest.approx(100.0)
    # A neutral of 10 % light is L* 37.84 by CIE 15:2004.
    gray = np.full((1, 3), 0.1 ** (1 / 2.2))
    assert export.delta_e(srgb, gray, black) == pytest.approx(37.84, abs=0.01)
