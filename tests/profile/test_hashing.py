"""Parts without effect and the order of points do not change the hash."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.profile import hashing


@given(st.lists(st.sampled_from([0.0, 9e-9, -1.1e-8, 9e-6, 1.1e-5, -1e-5]), min_size=9, max_size=9))
def test_the_identity_is_judged_as_numpy_does(noise: list[float]) -> None:
    matrix = np.eye(3) + np.reshape(noise, (3, 3))
    rows: Any = tuple(tuple(float(v) for v in row) for row in matrix)
    assert hashing.is_identity(rows) == np.allclose(matrix, np.eye(3))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2))
def test_sorted_points_are_the_same_points(points: list[tuple[float, float]]) -> None:
    found = hashing.ordered(tuple(points))
    if found:
        assert sorted(found) == sorted(points)
        assert [x for x, _ in found] == sorted(x for x, _ in points)
    else:
        assert sorted(points) == [(0.0, 0.0), (1.0, 1.0)]
