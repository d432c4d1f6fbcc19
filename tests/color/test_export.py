"""Exports: whole or not at all, and honest about their error."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from divere_cli.color import export
from divere_cli.errors import OutputUnusable, UsageError
from divere_cli.profile import library
from tests.color.recipes import recipe, stock

FOUND = recipe(
    source="9000ED",
    curves=stock("Kodak Endura Premier"),
    matrix=library.matrix("9000ed_pt400"),
)
SPACE = library.space("DisplayP3")


def test_the_error_falls_with_the_size_and_clf_has_nearly_none(tmp_path: Path) -> None:
    path = str(tmp_path / "x.cube")
    small, large = (export.export(FOUND, SPACE, "cube", size, path) for size in (9, 33))
    shaped = export.export(FOUND, SPACE, "cube", 33, path, shaper=True)
    exact = export.export(FOUND, SPACE, "clf", None, str(tmp_path / "x.clf"))
    assert exact.p99_error < 0.5
    assert exact.mean_delta_e < 1e-3
    assert exact.mean_error < shaped.mean_error < large.mean_error / 2 < small.mean_error / 4
    assert shaped.mean_delta_e < 0.5
    assert large.mean_delta_e < 2.0
    assert (small.size, large.size, exact.size) == (9, 33, 0)


def test_the_error_said_is_that_of_the_file_that_is_there(tmp_path: Path) -> None:
    """OpenColorIO keeps files by name: the second export must not be judged by the first."""
    path = str(tmp_path / "same.cube")
    export.export(recipe("digital"), SPACE, "cube", 9, path)
    second = export.export(FOUND, SPACE, "cube", 33, path)
    fresh = export.export(FOUND, SPACE, "cube", 33, str(tmp_path / "fresh.cube"))
    assert second.mean_error == fresh.mean_error


def test_the_file_is_made_whole_and_with_the_users_permissions(tmp_path: Path) -> None:
    path = tmp_path / "grade.cube"
    path.write_text("old")
    before = os.umask(0o027)
    try:
        export.export(FOUND, SPACE, "cube", 2, str(path))
    finally:
        os.umask(before)
    assert path.read_text().startswith('TITLE "test"\n')
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["grade.cube"]


def test_a_folder_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "no" / "grade.clf")
    with pytest.raises(OutputUnusable, match="cannot be written") as caught:
        export.export(FOUND, SPACE, "clf", None, path)
    assert path in caught.value.message


def test_nothing_is_left_when_the_file_cannot_take_its_place(tmp_path: Path) -> None:
    (tmp_path / "grade.clf").mkdir()
    with pytest.raises(OutputUnusable):
        export.export(FOUND, SPACE, "clf", None, str(tmp_path / "grade.clf"))
    assert os.listdir(tmp_path) == ["grade.clf"]


def test_clf_knows_no_size(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="for cube"):
        export.export(FOUND, SPACE, "clf", 33, str(tmp_path / "x.clf"))
    assert not os.listdir(tmp_path)


def test_delta_e_of_srgb_white_and_black_is_a_hundred() -> None:
    srgb = library.space("sRGB")
    black, white = np.zeros((1, 3)), np.ones((1, 3))
    assert export.delta_e(srgb, white, black) == pytest.approx(100.0)
    # A neutral of 10 % light is L* 37.84 by CIE 15:2004.
    gray = np.full((1, 3), 0.1 ** (1 / 2.2))
    assert export.delta_e(srgb, gray, black) == pytest.approx(37.84, abs=0.01)
