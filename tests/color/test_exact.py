"""The exact grade equals the reference for any recipe."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from divere_cli.color import exact, reference
from divere_cli.profile import library
from divere_cli.records.grade import Recipe
from tests.color.recipes import OUTPUTS, PRINT, colors, recipe, recipes


@settings(max_examples=40, deadline=None, derandomize=True)
@given(found=recipes(), output=st.sampled_from(OUTPUTS), seed=st.integers(0, 2**32))
def test_the_exact_grade_equals_the_reference(found: Recipe, output: str, seed: int) -> None:
    space = library.space(output)
    x = colors(seed, 8, 100).reshape(-1, 3) / 65535.0
    got = exact.fold(found, space, one_channel=False).encoded(x)
    off = np.abs(got - reference.encoded(found, space, x)) * 65535
    # A corner of a curve or of a clamp may fall to either side of a value.
    assert np.quantile(off, 0.99) < 1e-2
    assert off.max() < 1.0


def test_equal_primaries_leave_one_table_to_the_end() -> None:
    assert exact.fold(recipe(), library.space(PRINT), one_channel=False).joint
    assert not exact.fold(recipe(), library.space("sRGB"), one_channel=False).joint


def test_nan_is_no_light() -> None:
    x = np.array([[np.nan, np.inf, -np.inf], [0.1, 0.2, 0.3]])
    assert exact.finite(x).tolist() == [[0.0, 1e6, -1e6], [0.1, 0.2, 0.3]]
    assert exact.finite(x[1:]) is not None
