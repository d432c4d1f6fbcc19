"""Each part of the infrared room computes what its description says."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from divere_cli.infrared import crosstalk, fill, find, grain, register
from divere_cli.infrared.blur import Floats, added, blur, gaussian
from divere_cli.infrared.density import codes, density, logarithm
from divere_cli.infrared.extent import Extent
from divere_cli.infrared.level import Level, cells, level
from divere_cli.infrared.marks import Marks, packed, unpacked
from divere_cli.infrared.placement import Placement, sample
from divere_cli.infrared.places import places
from divere_cli.infrared.rows import Rows
from tests.infrared.running import bands
from tests.infrared.simulator import moved, picture, soften


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_codes_are_the_inverse_of_logarithms(dtype: type[np.unsignedinteger]) -> None:
    stored = np.arange(1, np.iinfo(dtype).max + 1).astype(dtype)
    assert np.array_equal(codes(logarithm(stored), np.dtype(dtype)), stored)
    assert density(np.array([np.iinfo(dtype).max], dtype))[0] == 0
    assert density(np.array([0], dtype))[0] == density(np.array([1], dtype))[0]
    assert density(stored) == pytest.approx(np.log10(stored[-1] / stored), abs=2e-6)


def test_floats_are_densities_of_light() -> None:
    light = np.array([1.0, 0.1, 0.0, -0.2], np.float32)
    assert density(light) == pytest.approx([0, 1, 5, 5], abs=1e-6)
    assert codes(logarithm(light[:2]), np.dtype(np.float32)) == pytest.approx(light[:2])


def test_a_blur_is_a_gaussian() -> None:
    spot = np.zeros((1, 31, 31), np.float32)
    spot[0, 15, 15] = 1
    out = blur(spot, gaussian(1.5, 6))
    y, x = np.mgrid[-9:10, -9:10]
    expected = np.exp(-(y**2 + x**2) / (2 * 1.5**2))
    assert out[0] == pytest.approx(expected / expected.sum(), abs=2e-5)


def test_the_size_of_a_stack_changes_no_bit() -> None:
    random = np.random.default_rng(3)
    stack = random.random((40, 44, 44), dtype=np.float32)
    sums = random.random((40, 4, 44, 44), dtype=np.float32)
    for together, each in (
        (find.scales(stack), [find.scales(one) for one in np.split(stack, 40)]),
        (fill_near(sums), [fill_near(one.copy()) for one in np.split(sums, 40)]),
        (
            fill.far(sums[..., :48, :48]),
            [fill.far(one[..., :48, :48]) for one in np.split(sums, 40)],
        ),
    ):
        for planes, alone in zip(together, zip(*each, strict=True), strict=True):
            assert np.array_equal(planes, np.concatenate(alone))


def fill_near(sums: Floats) -> tuple[Floats, Floats]:
    scales = fill.near(sums)
    return scales.finest[..., :40, :40], scales.means()


@pytest.mark.parametrize(
    ("steps", "kernel"),
    [((1, 1), [1, 2, 1]), ((1, 1, 2), [1, 2, 2, 2, 1]), ((1, 2, 3), [1, 1, 1, 2, 1, 1, 1])],
)
def test_sums_of_neighbors_are_filters(steps: tuple[int, ...], kernel: list[int]) -> None:
    spot = np.zeros((2, 9, 11), np.float32)
    spot[1, 6, 7] = 1
    out = added(spot, steps)[:, : 9 - sum(steps), : 11 - sum(steps)]
    expected = np.zeros((2, 9, 11))
    reach = len(kernel) // 2
    for y, down in enumerate(kernel):
        for x, across in enumerate(kernel):
            if 0 <= 6 - 2 * reach + y < 9 and 0 <= 7 - 2 * reach + x < 11:
                expected[1, 6 - 2 * reach + y, 7 - 2 * reach + x] = down * across
    assert np.array_equal(out, expected[:, : 9 - sum(steps), : 11 - sum(steps)])


def test_scales_are_gaussians() -> None:
    spot = np.zeros((1, 44, 44), np.float32)
    spot[0, 22, 22] = 1
    scales = find.scales(spot)
    for plane, unit, sigma, side in (
        (scales[1], find.FINE_UNIT, 1.0, 1),
        (scales[2], find.COARSE_UNIT, 2.7, 2),
    ):
        y, x = np.mgrid[-16:16, -16:16]
        expected = np.exp(-(y**2 + x**2) / (2 * sigma**2))
        expected = (expected / expected.sum()).reshape(32 // side, side, 32 // side, side)
        assert plane[0] / unit == pytest.approx(expected.mean(axis=(1, 3)), abs=2e-2)


def test_rows_are_kept_in_a_ring_and_cut_at_the_border() -> None:
    pixels = np.random.default_rng(4).integers(0, 999, (90, 40, 3)).astype(np.uint16)
    rows = Rows(bands(pixels, 7), 90, 32)
    padded = np.pad(pixels, ((5, 5), (5, 5), (0, 0)), mode="edge")
    for top in range(-5, 79, 6):
        rows.reach(top + 16)
        tops, lefts = np.array([top, top, top + 2]), np.array([-5, 12, 27])
        windows = rows.windows(tops, lefts, 14, 18)
        for window, y, x in zip(windows, tops, lefts, strict=True):
            assert np.array_equal(window, padded[y + 5 : y + 19, x + 5 : x + 23])


def test_rows_come_back_without_a_copy_up_to_where_the_ring_begins_again() -> None:
    pixels = np.arange(50 * 3, dtype=np.uint16).reshape(50, 3, 1)
    rows = Rows(bands(pixels, 7), 50, 20)
    rows.reach(34)
    assert np.array_equal(rows.view(16, 34), pixels[16:20])
    view = rows.view(20, 34)
    assert np.array_equal(view, pixels[20:34])
    at = rows.positions(np.array([21, 33]), np.array([0, 2]))
    rows.put(at, np.array([[7, 8]], np.uint16))
    assert view[1, 0] == 7
    assert view[13, 2] == 8


@pytest.mark.parametrize("outside", [False, True])
def test_marks_are_bits_of_tiles(*, outside: bool) -> None:
    height, width = 150, 75
    mask = np.random.default_rng(5).random((height, width)) < 0.1
    whole = np.pad(mask, ((0, 10), (0, 21)))
    padded = np.pad(mask, ((32, 42), (32, 53)), constant_values=outside)
    marks = Marks(height, width, 3, outside=outside)
    for row in range(5):
        tiles = np.array([[row, column] for column in range(3)])
        boxes = whole[row * 32 : row * 32 + 32].reshape(32, 3, 32).swapaxes(0, 1)
        marks.begin(row, row + 1)
        marks.put(tiles, packed(np.ascontiguousarray(boxes)))
        assert np.array_equal(unpacked(marks.words(tiles)), boxes)
        stop = min(row * 32 + 32, height)
        assert np.array_equal(marks.rows(row * 32, stop), mask[row * 32 : stop])
        if not 1 <= row <= 3:
            continue
        middle = np.array([[row - 1, column] for column in range(3)])
        for border in (0, 6, 32):
            for tile, pixels in zip(middle.tolist(), marks.pixels(middle, border), strict=True):
                y, x = (32 + at * 32 - border for at in tile)
                side = 32 + 2 * border
                # rows above the kept ones were replaced
                first = max(0, (row - 2) * 32 + 32 - y) if row > 1 else 0
                expected = padded[y + first : y + side, x : x + side]
                assert np.array_equal(pixels[first:], expected)


def test_tiles_that_a_mark_may_grow_into_are_reached() -> None:
    marks = Marks(160, 160, 5)
    mask = np.zeros((1, 32, 32), bool)
    mask[0, 1, 30] = True  # within 2 pixels of the tile above, the right one and that corner
    marks.put(np.array([[2, 2]]), packed(mask))
    assert marks.reached(0, 5, 2).tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]
    assert marks.reached(0, 5, 1).tolist() == [[2, 2]]


def test_places_are_what_is_large_and_dense_enough() -> None:
    random = np.random.default_rng(6)
    hit = soften(random.standard_normal((96, 96)).astype(np.float32), 1.0) > 0.3
    peak = hit & (random.random((96, 96)) < 0.03)
    marks = [Marks(96, 96, 3), Marks(96, 96, 3)]
    tiles = np.argwhere(np.ones((3, 3), bool))
    for plane, each in zip((hit, peak), marks, strict=True):
        boxes = plane.reshape(3, 32, 3, 32).swapaxes(1, 2).reshape(-1, 32, 32)
        each.put(tiles, packed(np.ascontiguousarray(boxes)))
    near = peak
    for _ in range(4):
        near = find.dilate(np.pad(near, 2), 2) & hit
    padded = np.pad(hit, 2).astype(int)
    counts = sum(padded[y : y + 96, x : x + 96] for y in range(5) for x in range(5))
    expected = find.dilate(np.pad(near & (counts >= 3), 1), 1)
    words = places(marks[0], marks[1], np.array([[1, 1]]))
    assert expected[32:64, 32:64].any()
    assert np.array_equal(unpacked(words)[0], expected[32:64, 32:64])


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


def test_no_shift_is_reported_for_noise() -> None:
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


def test_the_level_around_cells_is_that_of_windows() -> None:
    steady = Level(np.random.default_rng(12).random((4, 5), dtype=np.float32))
    cell = np.array([[2, 3], [0, 0]])
    around = steady.around(cell, 8)
    for (row, column), part in zip(cell.tolist(), around, strict=True):
        window = steady.window(32 * row - 8, 32 * column - 8, 48, 48)
        middles = window.reshape(12, 4, 48).mean(axis=1)
        assert part == pytest.approx(middles, abs=1e-6)


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
    y, x = np.mgrid[0:44, 0:44].astype(np.float32)
    plane = (1 + 0.01 * y - 0.02 * x)[np.newaxis, np.newaxis]
    clean = np.ones((1, 1, 44, 44), np.float32)
    clean[..., 20:26, 22:27] = 0
    spoiled = np.where(clean > 0, plane, np.float32(3))
    scales = fill.near(np.concatenate([spoiled * clean, clean], axis=1))
    expected = (plane[..., 6:-6:2, 6:-6:2] + plane[..., 7:-6:2, 7:-6:2]) / 2
    assert scales.means() == pytest.approx(expected, abs=0.04)
    finest = scales.finest[0, :, fill.START : fill.START + 32, fill.START : fill.START + 32]
    far_from = np.s_[:8, :8]
    assert finest[0][far_from] / finest[1][far_from] == pytest.approx(
        plane[0, 0, 6:14, 6:14], abs=1e-4
    )
    assert finest[1].max() == fill.UNIT
    assert scales.coarse[:, 1].max() == pytest.approx(1)
    assert not len(scales.thin())


def test_a_far_fill_reaches_over_a_large_place() -> None:
    clean = np.ones((1, 1, 96, 96), np.float32)
    clean[..., 28:68, 28:68] = 0
    sums = np.concatenate([np.float32(0.7) * clean, clean], axis=1)
    assert fill.near(sums[..., 26:70, 26:70].copy()).thin().tolist() == [0]
    means, weight = fill.far(sums[..., ::2, ::2])
    assert means == pytest.approx(np.full((1, 1, 16, 16), 0.7), abs=1e-4)
    assert weight.min() > fill.NOTHING
    assert weight.max() < 1


def test_grain_is_the_same_with_any_numpy() -> None:
    whole = np.rint(grain.texture()[:64, :64] * 1000).astype(np.int16)
    assert zlib.crc32(whole.tobytes()) == GRAIN
    pixel = np.arange(32 * 32)
    tiles, tile = np.array([[0, 0], [9, 18]]), np.ones(32 * 32, np.intp)
    layers = grain.at(tiles, tile, pixel, 3)
    assert np.array_equal(layers[0].reshape(32, 32), grain.texture()[32:64, 64:96])
    again = np.roll(grain.texture()[:128, :128], (-43 - 32, -85 - 64), axis=(0, 1))
    assert np.array_equal(layers[1].reshape(32, 32), again[:32, :32])
    assert abs(np.corrcoef(layers[0], layers[1])[0, 1]) < 0.1
    assert abs(np.corrcoef(layers[0], layers[2])[0, 1]) < 0.1


def test_the_biggest_place_is_reported() -> None:
    mask = np.zeros((70, 90), bool)
    mask[3:6, 3:6] = True
    mask[40:52, 60:75] = True
    extent = Extent(70, 90)
    mask[29:36, 10] = True  # crosses a row of tiles
    whole = np.pad(mask, ((0, 26), (0, 6)))
    for row in range(3):
        tiles = np.array([[row, column] for column in range(3)])
        boxes = whole[row * 32 : row * 32 + 32].reshape(32, 3, 32).swapaxes(0, 1)
        extent.take(tiles, packed(np.ascontiguousarray(boxes)), row + 1)
    pixels, x, y = extent.biggest()
    assert pixels == 12 * 15
    assert abs(x - 67) <= 4
    assert abs(y - 46) <= 4
    assert extent.share() == pytest.approx((9 + 180 + 7) / (70 * 90))


def test_places_are_added_up_across_rows_of_tiles() -> None:
    """As when all rows are taken at once, for snakes that open and close in any row."""
    mask = soften(np.random.default_rng(8).standard_normal((320, 320)).astype(np.float32), 9) > 0
    assert 0.2 < mask.mean() < 0.8
    boxes = mask.reshape(10, 32, 10, 32).swapaxes(1, 2).reshape(-1, 32, 32)
    tiles = np.argwhere(np.ones((10, 10), bool))
    results = []
    for rows in (1, 3, 10):
        extent = Extent(320, 320)
        for first in range(0, 10, rows):
            part = slice(first * 10, min(first + rows, 10) * 10)
            extent.take(tiles[part], packed(boxes[part]), min(first + rows, 10))
        results.append((extent.share(), extent.biggest()))
    assert results[0] == results[1] == results[2]
    assert results[0][0] == mask.mean()


GRAIN = 1456436345
