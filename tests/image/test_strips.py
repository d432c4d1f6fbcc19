"""Regrouping rows: the same strips however the rows come."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.image.strips import Strips

PICTURE = np.random.default_rng(3).integers(0, 65536, (37, 5, 3), dtype=np.uint16)


@pytest.mark.parametrize("height", [1, 4, 37, 50])
@pytest.mark.parametrize("given", [1, 3, 4, 8, 20, 37])
def test_strips_do_not_depend_on_how_rows_come(height: int, given: int) -> None:
    strips = Strips(height, (5, 3), "u2")
    made = []
    for first in range(0, 37, given):
        rows = PICTURE[first : first + given].copy()
        made += [strip.copy() for strip in strips.add(rows)]
        rows[:] = 0  # the array is free for other use
    made += [strip.copy() for strip in strips.last()]
    assert [len(strip) for strip in made] == [
        min(height, 37 - first) for first in range(0, 37, height)
    ]
    np.testing.assert_array_equal(np.concatenate(made), PICTURE)


def test_other_shapes_and_types_do_not_fit() -> None:
    strips = Strips(4, (5, 3), "u2")
    assert strips.fits(PICTURE)
    assert not strips.fits(PICTURE[:, :4])
    assert not strips.fits(PICTURE.astype(np.uint8))
