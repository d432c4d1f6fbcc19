"""Samples as numbers, and bands handed to OpenColorIO."""

from __future__ import annotations

import numpy as np
import PyOpenColorIO
import pytest

from divere_cli.color import bands, ocio


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_code_values_are_scaled_to_one(dtype: type, top: int) -> None:
    got = bands.Levels(dtype).of(np.array([0, 1, top], dtype))
    assert got.dtype == np.float64
    assert got.tolist() == [0.0, 1.0 / top, 1.0]


def test_floats_are_unchanged_except_nan() -> None:
    levels = bands.Levels(np.float32)
    samples = np.array([-0.5, 1.5, np.nan, np.inf], np.float32)
    assert levels.of(samples).tolist() == [-0.5, 1.5, 0.0, 1e6]
    assert levels.clean(samples).dtype == np.float32
    assert levels.clean(samples).tolist() == [-0.5, 1.5, 0.0, 1e6]


def test_integer_samples_are_not_copied() -> None:
    samples = np.zeros((2, 2, 3), np.uint16)
    assert bands.Levels(np.uint16).clean(samples) is samples


def test_rows_go_in_order_and_nothing_beside_the_band_is_touched() -> None:
    src = np.arange(5 * 7 * 3, dtype=np.uint16).reshape(5, 7, 3)
    out = np.full((7, 7, 3), 9, np.uint16)
    twice = PyOpenColorIO.MatrixTransform.Scale([2.0, 2.0, 2.0, 1.0])
    bands.run(ocio.processor(twice, np.uint16, np.uint16), src, out[1:6])
    assert (out[1:6] == src * 2).all()
    assert (out[[0, 6]] == 9).all()
