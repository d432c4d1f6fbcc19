"""Plain areas in the middle of a frame, one of which may be a gray card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.roll import plain_areas

CARD = (0.9, 1.3, 1.5)
Floats = NDArray[np.float64]


def leaves(rows: int = 100, columns: int = 150) -> Floats:
    """A picture without any plain area."""
    rng = np.random.default_rng(1)
    return np.asarray(rng.uniform(0.6, 1.9, (rows, columns, 3)))


def with_area(density: Floats, box: tuple[int, int, int, int], color: object) -> Floats:
    x, y, width, height = box
    noise = np.random.default_rng(2).normal(0.0, 0.004, (height, width, 3))
    density[y : y + height, x : x + width] = np.array(color) + noise
    return density


def found(density: Floats) -> tuple[plain_areas.Area, ...]:
    return plain_areas.find(density, np.ones(density.shape[:2], np.bool_))


def test_a_card_in_the_middle_is_found_with_its_share() -> None:
    (area,) = found(with_area(leaves(), (60, 40, 30, 20), CARD))
    assert np.allclose(area.density, CARD, atol=0.003)
    assert abs(area.share - 600 / 15000) < 0.002


def test_leaves_are_no_plain_area() -> None:
    assert found(leaves()) == ()


def test_a_card_at_the_edge_is_not_found() -> None:
    assert found(with_area(leaves(), (0, 0, 25, 18), CARD)) == ()


def test_a_card_that_fills_the_frame_is_one_area() -> None:
    (area,) = found(with_area(leaves(), (0, 0, 150, 100), CARD))
    assert area.share > 0.99


def test_the_gray_patches_of_a_chart_are_areas() -> None:
    density = leaves()
    for n in range(6):
        with_area(density, (35 + 14 * n, 45, 12, 12), np.array(CARD) + 0.12 * n)
    assert len(found(density)) == 6


def test_a_clipped_card_is_not_measured() -> None:
    density = with_area(leaves(), (60, 40, 30, 20), CARD)
    valid = np.ones(density.shape[:2], np.bool_)
    valid[40:60, 60:90] = False
    assert plain_areas.find(density, valid) == ()
