"""Which transforms stand for a grade, and how they are computed."""

from __future__ import annotations

from typing import Any

import PyOpenColorIO
import pytest

from divere_cli.color import chain, folding
from divere_cli.errors import Internal
from divere_cli.profile import library
from tests.color.recipes import PRINT, recipe, stock


def names(plan: chain.Plan) -> list[str]:
    return [type(t).__name__.removesuffix("Transform") for t in plan.transform]


def planned(output: str = PRINT, bits: int = 16, depth: int = 16, **figures: Any) -> chain.Plan:
    folded = folding.fold(recipe(**figures), library.space(output), one_channel=False)
    return chain.plan(folded, bits, depth)


ENDURA = stock("Kodak Endura Premier")


def test_channels_that_stay_apart_need_two_tables_and_a_matrix() -> None:
    plan = planned(curves=ENDURA)
    assert names(plan) == ["Lut1D", "Matrix", "Lut1D"]
    assert plan.logarithm == "table"


def test_another_input_space_needs_a_logarithm_and_may_be_fast() -> None:
    plan = planned(source="9000ED", curves=ENDURA)
    assert names(plan) == ["Matrix", "Range", "Log", "Matrix", "Lut1D"]
    assert plan.logarithm == "fast"


def test_after_an_output_matrix_sixteen_bits_need_lossless_logarithms() -> None:
    plan = planned("sRGB", source="9000ED", curves=ENDURA)
    assert names(plan)[-3:] == ["Lut1D", "Matrix", "Lut1D"]
    assert plan.logarithm == "lossless"
    assert planned("sRGB", depth=8, source="9000ED", curves=ENDURA).logarithm == "fast"
    assert planned("DisplayP3", bits=8, depth=8, source="9000ED").logarithm == "fast"


def test_high_contrast_needs_lossless_logarithms() -> None:
    assert planned(source="9000ED", density_gamma=3.0, curves=ENDURA).logarithm == "lossless"


def test_floats_are_never_looked_up_by_code() -> None:
    assert names(planned(bits=32, curves=ENDURA))[:3] == ["Matrix", "Range", "Log"]


def test_dark_prints_get_the_longer_encoding_table() -> None:
    assert planned("sRGB", curves=ENDURA).encode_size == 1 << 16
    assert planned("sRGB").encode_size == 1 << 18
    assert planned("ACEScg").encode_size == 0


@pytest.mark.parametrize("name", sorted(library.curves()))
def test_the_points_of_every_print_stock_lie_on_entries(name: str) -> None:
    """Kodak's are measured at even steps: not a hundredth of a code value is lost."""
    plan = planned(curves=stock(name))
    assert plan.table_error < (0.01 if name.startswith("Kodak") else 0.25)
    assert plan.float32


def test_what_opencolorio_refuses_is_our_error() -> None:
    broken = PyOpenColorIO.FileTransform(src="/nowhere.clf")
    with pytest.raises(Internal, match="OpenColorIO refuses"):
        chain.processor(broken, False, "uint16", "uint16")
