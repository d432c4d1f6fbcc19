"""Golden pictures: changed pixels need a new version of the grade."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli import GRADE
from tests import golden

# A platform may round otherwise (a fused multiply-add): by one step of 8 or 16 bits.
STEPS = 1
FLOAT_STEP = 2.0 / 65535


@pytest.fixture(scope="module")
def stored() -> dict[str, golden.Array]:
    with np.load(golden.STORED) as file:
        return dict(file)


@pytest.fixture(scope="module")
def made() -> dict[str, golden.Array]:
    return dict(golden.made())


def far(one: golden.Array, other: golden.Array) -> float:
    """Return the largest difference of two pictures, in steps of their own type."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return float("inf")
    step = FLOAT_STEP if one.dtype.kind == "f" else 1.0
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max() / step)


def test_pixels_are_those_of_this_version_of_the_grade(
    stored: dict[str, golden.Array], made: dict[str, golden.Array]
) -> None:
    known = int(stored["grade"])
    assert known == GRADE, (
        f"divere_cli.GRADE is {GRADE} and the golden pictures are of grade {known}: "
        "store them anew by `python -m tests.golden`"
    )
    assert set(made) == set(stored) - {"grade"}
    changed = {
        name: far(picture, stored[name])
        for name, picture in made.items()
        if far(picture, stored[name]) > STEPS
    }
    assert not changed, (
        "pixels of unchanged presets and options changed. If that is meant, raise "
        f"divere_cli.GRADE and run `python -m tests.golden`: {changed}"
    )


def test_a_difference_of_one_step_is_a_platform_s_and_two_are_a_change() -> None:
    picture = golden.scan(3, "uint16")
    picture[0, 0, 0] = 100
    for steps, expected in ((1, True), (2, False)):
        other = picture.copy()
        other[0, 0, 0] += steps
        assert (far(picture, other) <= STEPS) is expected
    assert far(picture, picture[:, :-1]) == float("inf")
    assert far(picture, picture.astype(np.uint8)) == float("inf")
