"""Flat fields against truth: how even a light their maps leave, and what bad ones show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from divere_cli.develop import flat_field, light
from divere_cli.develop.flat_field import FlatField
from divere_cli.records.light import LightMap
from tests.develop.lights import dusty, falloff, uneven

SCANS = Path(__file__).parents[3] / "shared" / "scans"


def mapped(picture: NDArray[Any], rows: int = 64) -> tuple[light.Light, LightMap]:
    blocks = light.Blocks(picture.shape[1], picture.shape[0], picture.shape[2])
    for first in range(0, len(picture), rows):
        blocks.add(first, picture[first : first + rows])
    found = light.measure(blocks)
    shape = found.gain.shape
    packed = flat_field.packed(found.gain)
    return found, LightMap(
        shape[0], shape[1], shape[2], found.across, found.down, found.aspect, packed
    )


def evened(light_map: LightMap, scan: NDArray[Any]) -> NDArray[np.float32]:
    out = np.empty(scan.shape, np.float32)
    height, width, channels = scan.shape
    FlatField(light_map, width, height, channels).apply(0, scan, 1.0, out)
    return out


@pytest.mark.parametrize(
    ("seed", "stops", "lamps", "size", "flat"),
    [
        pytest.param(11, 1.0, 0.0, (1500, 1000), (1500, 1000), marks=pytest.mark.slow),
        (12, 2.0, 0.0, (1500, 1000), (1200, 800)),
        (13, 2.0, 0.02, (1500, 1000), (1500, 1000)),
        (14, 2.0, 0.0, (900, 1300), (1800, 2600)),
    ],
)
def test_falloff_dust_and_noise_leave_an_even_light(
    seed: int, stops: float, lamps: float, size: tuple[int, int], flat: tuple[int, int]
) -> None:
    truth = falloff(*size, stops, np.random.default_rng(seed), lamps)
    same = falloff(*flat, stops, np.random.default_rng(seed), lamps)
    found, made = mapped(dusty(same, np.random.default_rng([seed, 1])))
    off = uneven(evened(made, 0.2 * truth))
    assert np.quantile(off, 0.995) <= 0.002
    assert np.quantile(off, 0.9999) <= 0.01
    assert 0.001 < found.dust < 0.2
    assert found.pattern < 0.075
    rows, columns = slice(size[1] // 3, -size[1] // 3), slice(size[0] // 3, -size[0] // 3)
    ratio = np.median(evened(made, truth)[rows, columns] / truth[rows, columns], axis=(0, 1))
    assert np.allclose(ratio, 1.0, atol=0.02)  # the center's level and tint stay


def test_the_height_of_bands_changes_no_map() -> None:
    rng = np.random.default_rng(3)
    picture = dusty(falloff(600, 400, 1.5, rng), rng)
    assert mapped(picture, 1)[1] == mapped(picture, 400)[1]


def test_a_holder_around_the_light_is_left_alone() -> None:
    rng = np.random.default_rng(5)
    truth = falloff(1200, 800, 1.0, rng)
    picture = dusty(truth, rng)
    picture[:90] = picture[-120:] = 0.001
    picture[:, :100] = picture[:, -60:] = 0.001
    found, made = mapped(picture)
    assert 0.5 < found.lit_share < 0.7
    off = uneven(evened(made, 0.2 * truth)[112:-136, 120:-80])
    assert np.quantile(off, 0.995) <= 0.003


@pytest.mark.parametrize("channels", [(1, 3), (3, 1), (1, 1)])
def test_gray_and_color_go_together(channels: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    truth = falloff(600, 400, 1.0, rng)[..., :1]
    flat = np.repeat(dusty(np.repeat(truth, 3, 2), rng)[..., :1], channels[0], 2)
    _, made = mapped(flat)
    scan = np.repeat(0.3 * truth, channels[1], 2).astype(np.float32)
    done = evened(made, scan)
    assert np.quantile(uneven(np.repeat(done[..., :1], 3, 2)), 0.995) < 0.003


def test_film_in_the_picture_shows() -> None:
    rng = np.random.default_rng(7)
    picture = dusty(falloff(900, 600, 1.0, rng), rng)
    y, x = np.mgrid[0:600, 0:900]
    picture *= (10 ** (-0.3 * (np.sin(x / 60) * np.cos(y / 45) > 0)))[..., None]
    assert mapped(picture.astype(np.float32))[0].pattern > 0.075


def test_clipped_light_is_counted() -> None:
    rng = np.random.default_rng(8)
    picture = np.minimum(1.3 * falloff(600, 400, 1.0, rng), 1.0)
    assert mapped(picture)[0].clipped > 0.1


def test_gains_are_clamped_and_counted() -> None:
    rng = np.random.default_rng(9)
    assert mapped(falloff(600, 400, 1.5, rng))[0].beyond == 0.0
    packed = flat_field.packed(np.array([[[0.01, 1.0, 100.0]]]))
    assert np.allclose(
        flat_field.unpacked(LightMap(1, 1, 3, 1, 1, 1, packed)), [[[1 / 8, 1.0, 8.0]]], rtol=1e-4
    )


@pytest.mark.slow
@pytest.mark.skipif(not SCANS.is_dir(), reason="needs the real scans")
def test_a_real_pair_with_a_falloff_laid_on_both() -> None:
    scan, flat = (linear(SCANS / f"c41_{name}.jpg") for name in ("camera_scan", "flat_field"))
    truth = falloff(flat.shape[1], flat.shape[0], 1.5, np.random.default_rng(1))
    found, plain = mapped(flat)
    _, laid = mapped(flat * truth)
    one, other = evened(plain, scan), evened(laid, scan * truth)
    lit = np.repeat(np.repeat(found.lit, 8, 0), 8, 1)[: scan.shape[0], : scan.shape[1]]
    rows = np.flatnonzero(lit.mean(axis=1) > 0.5)
    part = (slice(rows[0], rows[-1]), slice(300, -300))
    ratio = np.maximum(other[part], 1e-4) / np.maximum(one[part], 1e-4)
    off = uneven(ratio.astype(np.float32))
    assert np.quantile(off, 0.995) <= 0.01


def linear(path: Path) -> NDArray[np.float32]:
    codes = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    light_ = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    return np.asarray(light_, np.float32)
