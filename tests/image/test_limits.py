"""Impossible sizes are refused exactly at their limits."""

from __future__ import annotations

import pytest

from divere_cli.errors import LimitExceeded
from divere_cli.image import limits


@pytest.mark.parametrize(("width", "height"), [(1, 1), (200_000, 1), (10, 10)])
def test_sizes_that_are_let_pass(width: int, height: int) -> None:
    limits.check_size(width, height, 200_000)


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (0, 1, "a side must be"),
        (1, 0, "a side must be"),
        (200_001, 1, "a side must be"),
        (1, 2**32 - 1, "a side must be"),
        (101, 1, "101 x 1 pixels are more than the limit of 100"),
    ],
)
def test_sizes_that_are_refused(width: int, height: int, said: str) -> None:
    with pytest.raises(LimitExceeded, match=said):
        limits.check_size(width, height, 100)


def test_a_small_file_may_expand_and_a_large_one_not_by_much() -> None:
    limits.check_expansion(limits.BOMB_BYTES, 1)
    limits.check_expansion(500 * 1_000_000, 1_000_000)
    with pytest.raises(LimitExceeded, match="would expand to 500000001"):
        limits.check_expansion(500_000_001, 1_000_000)
