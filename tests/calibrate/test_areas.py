"""Connected areas and their shapes."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.calibrate import areas


def flooded(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The same labels, one pixel after the other."""
    found = np.full(mask.shape, -1)
    number = 0
    for y, x in zip(*np.nonzero(mask), strict=True):
        if found[y, x] >= 0:
            continue
        found[y, x] = number
        todo = deque([(y, x)])
        while todo:
            row, column = todo.popleft()
            for r, c in (
                (row + 1, column),
                (row - 1, column),
                (row, column + 1),
                (row, column - 1),
            ):
                inside = 0 <= r < mask.shape[0] and 0 <= c < mask.shape[1]
                if inside and mask[r, c] and found[r, c] < 0:
                    found[r, c] = number
                    todo.append((r, c))
        number += 1
    return found


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_labels_are_those_of_a_flood(share: float) -> None:
    mask = np.random.default_rng(3).random((61, 83)) < share
    assert (areas.label(mask) == flooded(mask)).all()


def test_a_comb_is_one_area() -> None:
    mask = np.zeros((20, 41), bool)
    mask[:, ::2] = True
    mask[-1] = True
    assert areas.label(mask).max() == 0


def test_a_patch_in_any_turn_is_one_and_an_l_is_none() -> None:
    y, x = np.mgrid[0:120, 0:120] - 60.0
    for degrees in (0, 17, 45):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        square = (np.abs(c * x + s * y) < 14) & (np.abs(c * y - s * x) < 10)
        found = areas.patch_shaped(square)
        assert found.centers == pytest.approx(np.array([[60.0, 60.0]]), abs=0.6)
        assert found.sizes[0] == pytest.approx(np.sqrt(28 * 20), rel=0.05)
    corner = (np.abs(x) < 14) & (np.abs(y) < 14) & ~((x > -5) & (y > -5))
    assert len(areas.patch_shaped(corner).sizes) == 0
