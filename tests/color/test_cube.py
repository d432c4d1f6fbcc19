"""The lattice of a cube file: its points equal the grade, red changes first."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.color import cube, exact
from divere_cli.errors import UsageError
from divere_cli.profile import library
from tests.color.recipes import PRINT, recipe, stock


def exact_grade(film: str = "color_negative_c41") -> exact.ExactGrade:
    found = recipe(film, curves=stock("Kodak Supra Endura"), rgb_gains=(0.1, 0.0, -0.1))
    return exact.fold(found, library.space(PRINT), one_channel=False)


def test_the_lattice_holds_the_grade_red_fastest() -> None:
    levels = np.array([0.01, 0.1, 0.3])
    points = [(r, g, b) for b in levels for g in levels for r in levels]
    want = exact_grade().encoded(np.array(points))
    assert cube.lattice(exact_grade(), levels) == pytest.approx(want, abs=1e-15)


def test_a_plain_cube_has_only_title_size_and_rows() -> None:
    lines = cube.text(exact_grade(), 'my "film"\n', 4, shaper=False).splitlines()
    assert lines[:2] == ['TITLE "my film"', "LUT_3D_SIZE 4"]
    rows = np.array([[float(word) for word in line.split()] for line in lines[2:]])
    want = cube.lattice(exact_grade(), np.array([1e-3, 1 / 3, 2 / 3, 1.0]))
    assert rows == pytest.approx(want, abs=5.1e-8)


def test_the_other_form_has_a_table_for_every_code_value_first() -> None:
    lines = cube.text(exact_grade(), "film", 5, shaper=True).splitlines()
    assert lines[0] == "# film"
    assert "LUT_1D_SIZE 65536" in lines
    assert "LUT_3D_SIZE 5" in lines
    assert len(lines) == 5 + 65536 + 5**3


def test_shaping_has_an_inverse_and_keeps_the_ends() -> None:
    x = np.linspace(0.0, 1.0, 1001)
    assert cube.unshaped(cube.shaped(x)) == pytest.approx(x, abs=1e-14)
    assert cube.shaped(np.array([0.0, 1.0])) == pytest.approx([0.0, 1.0], abs=1e-15)


def test_black_and_white_film_gives_gray() -> None:
    rows = cube.lattice(exact_grade("b&w_negative"), np.linspace(0.0, 1.0, 3))
    assert rows.shape == (27, 3)
    assert (rows == rows[:, :1]).all()


@pytest.mark.parametrize("size", [-1, 0, 1, 130])
def test_an_invalid_lattice_size_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="allowed: 2 to 129"):
        cube.text(exact_grade(), "film", size, shaper=False)
