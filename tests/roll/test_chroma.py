"""Presence: a color in all tones counts more than one that fills a single tone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.roll import chroma, pool
from divere_cli.roll.measurement import BIN

Floats = NDArray[np.float64]


def cells(*parts: tuple[int, tuple[float, float], tuple[float, float]]) -> tuple[Floats, Floats]:
    """Print densities of parts, each (count, (u, v), (lightest, darkest)), with a little grain."""
    rng = np.random.default_rng(4)
    rows = []
    for count, (u, v), (low, high) in parts:
        green = rng.uniform(low, high, count)
        rows.append(np.stack([green + u, green, green + v], axis=1))
    printed = np.concatenate(rows) + rng.normal(0, 0.004, (sum(p[0] for p in parts), 3))
    return printed, printed.mean(axis=1)


def highest(printed: Floats, luma: Floats) -> tuple[float, float]:
    found = pool.added([chroma.maps(printed, luma)[0]])
    u, v = max(found, key=lambda place: found[place])
    return u * BIN, v * BIN


def test_gray_in_all_tones_beats_a_sky_three_times_as_large() -> None:
    sky, gray = (2700, (0.3, 0.0), (1.0, 1.08)), (900, (0.1, -0.2), (0.9, 1.7))
    u, v = highest(*cells(sky, gray))
    assert abs(u - 0.1) <= 0.015
    assert abs(v + 0.2) <= 0.015


def test_counts_are_the_cells() -> None:
    printed, luma = cells((500, (0.1, 0.0), (1.0, 1.5)), (300, (-0.2, 0.1), (1.0, 1.5)))
    found = pool.added([chroma.maps(printed, luma)[1]])
    assert sum(found.values()) == 800


def test_chroma_far_from_the_median_is_left_out() -> None:
    printed, luma = cells((500, (0.0, 0.0), (1.0, 1.5)), (20, (1.5, 0.0), (1.0, 1.5)))
    found = pool.added([chroma.maps(printed, luma)[1]])
    assert sum(found.values()) == 500


def test_the_center_is_that_of_all_tones_not_of_the_largest() -> None:
    printed, luma = cells((2000, (0.3, 0.0), (1.0, 1.04)), (2000, (0.0, 0.0), (0.6, 1.8)))
    u, v, spread = chroma.center(printed, luma)
    assert abs(u) < 0.05
    assert abs(v) < 0.02
    assert 0.0 < spread < 0.31
