"""The parts of the infrared room, each by itself."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from divere_cli.infrared import crosstalk, fill, grain, register
from divere_cli.infrared.blur import blur, gaussian, inner
from divere_cli.infrared.density import codes, density
from divere_cli.infrared.extent import Extent
from divere_cli.infrared.level import cells, level
from divere_cli.infrared.placement import Placement, sample
from divere_cli.infrared.rows import Rows
from tests.infrared.running import bands
from tests.infrared.simulator import moved, picture, soften


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_codes_come_back_from_density(dtype: type[np.unsignedinteger]) -> None:
    stored = np.arange(1, np.iinfo(dtype).max + 1).astype(dtype)
    assert np.array_equal(codes(density(stored), np.dtype(dtype)), stored)
    assert density(np.array([np.iinfo(dtype).max], dtype))[0] == 0
    assert density(np.array([0], dtype))[0] == density(np.array([1], dtype))[0]


def test_floats_are_densities_of_light() -> None:
    light = np.array([1.0, 0.1, 0.0, -0.2], np.float32)
    assert density(light) == pytest.approx([0, 1, 5, 5], abs=1e-6)
    assert codes(density(light[:2]), np.dtype(np.float32)) == pytest.approx(light[:2])


def test_a_blur_is_a_gaussian() -> None:
    spot = np.zeros((1, 31, 31), np.float32)
    spot[0, 15, 15] = 1
    out = blur(spot, gaussian(1.5, 6))
    y, x = np.mgrid[-9:10, -9:10]
    expected = np.exp(-(y**2 + x**2) / (2 * 1.5**2))
    assert out[0] == pytest.approx(expected / expected.sum(), abs=2e-5)


def test_what_a_stack_holds_changes_no_bit() -> None:
    random = np.random.default_rng(3)
    stack = random.random((7, 40, 40), dtype=np.float32)
    kernel = gaussian(2.29, 6)
    together = blur(stack, kernel)
    assert all(np.array_equal(together[n], blur(stack[n : n + 1], kernel)[0]) for n in range(7))


def test_rows_look_back_and_ahead() -> None:
    pixels = np.arange(50 * 3, dtype=np.uint16).reshape(50, 3, 1)
    rows = Rows(bands(pixels, 7), 50)
    for top in range(0, 50, 5):
        rows.reach(min(top + 12, 49))
        view = rows.view(max(top - 4, 0), min(top + 13, 50))
        assert np.array_equal(view, pixels[max(top - 4, 0) : top + 13])
        rows.release(top + 1)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.4, -1.3), (-5.0, 6.5)])
def test_a_shift_is_found_by_dust(shift: tuple[float, float]) -> None:
    random = np.random.default_rng(9)
    pairs = []
    for _ in range(4):
        dust = np.zeros((256, 256), np.float32)
        for y, x in random.integers(8, 248, (12, 2)):
            dust[y - 2 : y + 3, x - 2 : x + 2] = 0.5
        dust = soften(dust, 0.7)
        film = 0.5 * picture((256, 256), random)[..., 0]
        noise = random.normal(0, 0.01, (2, 256, 256)).astype(np.float32)
        pairs.append((moved(dust, shift) + noise[0], film + dust + noise[1]))
    found = register.shift(pairs, dust=True)
    assert found == pytest.approx(shift, abs=0.3)


def test_no_shift_is_made_up() -> None:
    random = np.random.default_rng(10)
    noise = random.normal(0, 0.01, (4, 2, 256, 256)).astype(np.float32)
    assert register.shift([(one, other) for one, other in noise], dust=True) is None
    assert register.shift([(one, other) for one, other in noise], dust=False) is None
    assert register.shift([], dust=True) is None


@pytest.mark.parametrize("true", [0.0, 0.03, 0.09, 0.8])
def test_the_slope_of_crosstalk_is_measured(true: float) -> None:
    random = np.random.default_rng(11)
    pairs = []
    for _ in range(3):
        red = 1.2 * picture((256, 256), random)[..., 0]
        pairs.append((true * red + random.normal(0, 0.008, red.shape).astype(np.float32), red))
    assert crosstalk.slope(pairs) == pytest.approx(true, abs=0.003 + 0.03 * true)


def test_the_level_jumps_to_the_higher_side() -> None:
    samples = np.full((64, 64), 0.05, np.float32)
    samples[:, 32:] = 0.2
    found = level(cells(samples, 4))
    assert found.window(0, 0, 256, 1).max() == pytest.approx(0.05)
    assert found.window(0, 112, 256, 1).min() == pytest.approx(0.2)
    one = found.window(64, 96, 32 + 18, 32 + 18)[9:, 9:]
    assert found.around(np.array([[2, 3]]), 9)[0][18:, 18:] == pytest.approx(one[:-9, :-9])


def test_half_size_samples_lie_between() -> None:
    placement = Placement((5, 8), (10, 16))
    ramp = (2 * np.arange(8) + 0.5 + np.zeros((5, 1))).astype(np.float32)
    across = placement.positions(1, 0, 16)
    found = sample(ramp, placement.positions(0, 0, 10), across)
    assert found[4, 1:15] == pytest.approx(np.arange(1, 15))
    assert placement.ratio == 2
    assert placement.fits
    assert not Placement((5, 7), (10, 16)).fits


def test_a_fill_continues_what_is_around() -> None:
    y, x = np.mgrid[0:48, 0:48].astype(np.float32)
    plane = (1 + 0.01 * y - 0.02 * x)[np.newaxis, np.newaxis]
    clean = np.ones((1, 1, 48, 48), np.float32)
    clean[..., 20:26, 22:27] = 0
    spoiled = np.where(clean > 0, plane, np.float32(3))
    out, weight = fill.fill(spoiled, clean, fill.NEAR)
    assert out[0, 0] == pytest.approx(inner(plane, fill.NEAR)[0, 0], abs=0.04)
    assert weight.min() > 0.2


def test_a_far_fill_reaches_over_a_large_place() -> None:
    plane = np.full((1, 2, 96, 96), 0.7, np.float32)
    clean = np.ones((1, 1, 96, 96), np.float32)
    clean[..., 28:68, 28:68] = 0
    out, weight = fill.fill(plane * clean, clean, fill.FAR)
    assert out == pytest.approx(np.full((1, 2, 32, 32), 0.7), abs=1e-4)
    assert weight.min() > 0


def test_grain_is_the_same_with_any_numpy() -> None:
    whole = np.rint(grain.texture(0)[:64, :64] * 1000).astype(np.int16)
    assert zlib.crc32(whole.tobytes()) == GRAIN
    y, x = np.mgrid[256 + 32 : 256 + 64, 512 + 64 : 512 + 96]
    window = grain.at(y, x, 3)
    assert np.array_equal(window[..., 0], grain.texture(0)[32:64, 64:96])
    assert abs(np.corrcoef(window[..., 0].ravel(), window[..., 1].ravel())[0, 1]) < 0.1


def test_the_biggest_place_is_found() -> None:
    mask = np.zeros((70, 90), bool)
    mask[3:6, 3:6] = True
    mask[40:52, 60:75] = True
    extent = Extent(70, 90)
    tops, lefts = (side.ravel() for side in np.mgrid[0:96:32, 0:96:32])
    whole = np.pad(mask, ((0, 26), (0, 6)))
    parts = [whole[y : y + 32, x : x + 32] for y, x in zip(tops, lefts, strict=True)]
    extent.take(tops, lefts, np.stack(parts))
    pixels, x, y = extent.biggest()
    assert pixels == 12 * 15
    assert abs(x - 67) <= 4
    assert abs(y - 46) <= 4
    assert extent.share() == pytest.approx((9 + 180) / (70 * 90))


GRAIN = 2827094567
