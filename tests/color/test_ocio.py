"""The OpenColorIO transforms of a grade, and their processors."""

from __future__ import annotations

from typing import Any

import PyOpenColorIO
import pytest

from divere_cli.color import exact, ocio
from divere_cli.errors import Internal
from divere_cli.profile import library, resolve
from tests.color.recipes import ENDURA as ENDURA_SPACE
from tests.color.recipes import PRINT, recipe, stock


def names(plan: ocio.Plan) -> list[str]:
    return [type(t).__name__.removesuffix("Transform") for t in plan.transform]


def planned(output: str = PRINT, bits: int = 16, depth: int = 16, **figures: Any) -> ocio.Plan:
    exact_grade = exact.fold(recipe(**figures), library.space(output), one_channel=False)
    return ocio.plan(exact_grade, bits, depth)


ENDURA = stock("Kodak Endura Premier")


def test_channels_that_stay_apart_need_two_tables_and_a_matrix() -> None:
    plan = planned(curves=ENDURA)
    assert names(plan) == ["Lut1D", "Matrix", "Lut1D"]
    assert plan.reads == "samples"
    assert plan.linear is None


def test_where_an_input_matrix_mixes_them_logarithms_come_from_elsewhere() -> None:
    plan = planned(source="9000ED", curves=ENDURA)
    assert plan.reads == "logarithms"
    assert names(plan) == ["Matrix", "Lut1D"]


def test_floats_are_never_looked_up_by_code() -> None:
    assert planned(bits=32, curves=ENDURA).reads == "logarithms"


@pytest.mark.parametrize(("source", "before"), [(ENDURA_SPACE, 1), ("9000ED", 0)])
def test_another_output_space_is_one_more_matrix_and_one_more_table(
    source: str, before: int
) -> None:
    plan = planned("sRGB", source=source, curves=ENDURA)
    assert names(plan) == ["Lut1D"] * before + ["Matrix", "Lut1D", "Matrix", "Lut1D"]
    assert plan.fine is not None


def test_nothing_is_looked_at_again_where_light_is_linear_or_of_eight_bits() -> None:
    for plan in (planned("ACEScg", curves=ENDURA), planned("sRGB", depth=8, curves=ENDURA)):
        assert plan.accuracy.below == 0.0
        assert plan.fine is None


def test_files_compute_logarithms_and_give_dark_prints_the_longer_table() -> None:
    exact_grade = exact.fold(recipe(source="9000ED"), library.space("sRGB"), one_channel=False)
    made = list(ocio.float_transform(exact_grade))
    kinds = [type(t).__name__.removesuffix("Transform") for t in made]
    assert kinds == ["Matrix", "Range", "Log", "Matrix", "Lut1D", "Matrix", "Lut1D"]
    assert made[-1].getLength() == 1 << 18


@pytest.mark.parametrize("name", library.names())
def test_shipped_profiles_need_only_tables_and_matrices_in_float32(name: str) -> None:
    """OpenColorIO makes no logarithm and no power: 13 and 25 ns a pixel, the rest takes 10."""
    found = resolve.recipe(library.load(name))
    exact_grade = exact.fold(found, library.output_space("sRGB"), one_channel=False)
    plan = ocio.plan(exact_grade, 16, 16)
    assert set(names(plan)) == {"Lut1D", "Matrix"}
    assert plan.accuracy.float32
    assert plan.accuracy.below < 2e-3


@pytest.mark.parametrize("name", sorted(library.curves()))
def test_the_points_of_every_print_stock_lie_on_entries(name: str) -> None:
    """Kodak's are measured at even steps: not a hundredth of a code value is lost."""
    plan = planned(curves=stock(name))
    assert plan.accuracy.table_error < (0.01 if name.startswith("Kodak") else 0.25)
    assert plan.accuracy.float32


def test_an_opencolorio_error_becomes_our_error() -> None:
    broken = PyOpenColorIO.FileTransform(src="/nowhere.clf")
    with pytest.raises(Internal, match="OpenColorIO refuses"):
        ocio.processor(broken, "uint16", "uint16")
