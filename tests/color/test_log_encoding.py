"""Logarithms of light in the working space: as float64 gives them, to float32's last digits."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from divere_cli.color import bands, exact, log_encoding, precision
from divere_cli.profile import library
from tests.color.recipes import PRINT, Band, colors, recipe

SORTS = ["uint16", "uint8", "float32"]


def sample(sort: str) -> Band:
    codes = colors(11, 40, 300)
    return {
        "uint16": codes,
        "uint8": (codes >> 8).astype(np.uint8),
        "float32": (codes / 65535.0).astype(np.float32),
    }[sort]


def exact_grade(source: str, gamma: float = 1.0) -> exact.ExactGrade:
    space = dataclasses.replace(library.space(source), gamma=gamma)
    return exact.fold(recipe(input_space=space), library.space(PRINT), one_channel=False)


@pytest.mark.parametrize("gamma", [1.0, 2.2])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("source", ["9000ED", "ACEScg"])
def test_logarithms_equal_float64(source: str, sort: str, gamma: float) -> None:
    """Also where the input matrix leaves next to nothing of large numbers."""
    src, made = sample(sort), exact_grade(source, gamma)
    levels = bands.Levels(src.dtype)
    assert made.density is not None
    x = made.transmittance(levels.of(src).reshape(-1, 3))
    want = np.log10(np.clip(x, made.density.low, made.density.high))
    got = log_encoding.Logarithms(made, levels).of(src)
    assert got.shape == (*src.shape[:2], 4)
    off = np.abs(got[..., :3].reshape(-1, 3) / np.log(10.0) - want)
    assert off.max() <= precision.LOG_ERROR["logarithms"]


@pytest.mark.parametrize("sort", SORTS)
def test_logarithms_do_not_depend_on_bands(sort: str) -> None:
    src = sample(sort)
    made = log_encoding.Logarithms(exact_grade("9000ED"), bands.Levels(src.dtype))
    whole = made.of(src)
    for first, last in itertools.pairwise([0, 1, 3, 20, 40]):
        assert (made.of(src[first:last]) == whole[first:last]).all()


def test_more_pixels_than_a_piece() -> None:
    src = np.full((3, log_encoding.PIECE, 3), 30000, np.uint16)
    got = log_encoding.Logarithms(exact_grade("9000ED"), bands.Levels(src.dtype)).of(src)
    assert np.isfinite(got).all()
    assert (got == got[0, 0]).all()
