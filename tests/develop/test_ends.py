"""Clipped ends of a scan are counted over its inner picture and named."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.develop.ends import Ends


def counted(codes: np.ndarray, rows: int = 7) -> Ends:
    height, width, channels = codes.shape
    ends = Ends(width, height, channels)
    for first in range(0, height, rows):
        ends.take(first, codes[first : first + rows])
    return ends


def plain(kind: type = np.uint16) -> np.ndarray:
    full = 1.0 if kind is np.float32 else float(np.iinfo(kind).max)
    return (np.random.default_rng(1).uniform(0.2, 0.8, (60, 90, 3)) * full).astype(kind)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_good_scan_has_no_clipping_warning(kind: type) -> None:
    found = counted(plain(kind))
    assert found.clipped is not None
    assert found.clipped.top == (0.0, 0.0, 0.0)
    assert found.warnings == ()


def test_the_channel_is_named_with_its_share() -> None:
    codes = plain()
    codes[:30, :, 0] = 65535
    codes[40:, :, 2] = 0
    found = counted(codes)
    assert found.clipped is not None
    assert found.clipped.top[0] == pytest.approx(0.5, abs=0.01)
    assert found.clipped.bottom[2] == pytest.approx(14 / 48, abs=0.01)
    white, black = found.warnings
    assert "red 50.0%" in white
    assert "blue" in black
    assert "green" not in white + black


def test_a_holder_and_light_beside_the_film_are_not_counted_as_clipping() -> None:
    codes = plain()
    codes[:5], codes[-5:] = 0, 65535
    assert counted(codes).warnings == ()


def test_the_height_of_bands_moves_nothing() -> None:
    codes = plain()
    codes[::3] = 65535
    assert counted(codes, 1).clipped == counted(codes, 60).clipped
