"""Homographies between the corners of a chart and the picture."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.calibrate import homography

SQUARE = np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 3.0], [0.0, 3.0]])


def test_four_corners_are_met_and_more_are_fitted() -> None:
    target = np.array([[10.0, 20.0], [210.0, 35.0], [190.0, 150.0], [22.0, 130.0]])
    matrix = homography.fit(SQUARE, target)
    assert matrix is not None
    assert homography.apply(matrix, SQUARE) == pytest.approx(target, abs=1e-8)
    inner = np.random.default_rng(0).uniform(0.0, 3.0, (20, 2))
    again = homography.fit(inner, homography.apply(matrix, inner))
    assert again == pytest.approx(matrix, abs=1e-6)


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.array([[t, 2 * t] for t in range(5)])])
def test_points_on_a_line_make_none(points: np.ndarray) -> None:
    assert homography.fit(points.astype(float), points.astype(float)) is None
