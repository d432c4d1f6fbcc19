"""The scene has its chart where it says, and its brightness at middle gray."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.profile import library
from divere_cli.samples import chart, scene

PATCHES = chart.light(library.space("KodakEnduraPremier"))


def density(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log10(light))


def made(seed: int = 3, kind: scene.Kind = "landscape") -> scene.Scene:
    return scene.Scene(seed, kind, PATCHES, density)


def places(n: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(n) + 0.5) / n)


def test_each_patch_is_where_its_box_is() -> None:
    light = made().light(places(600), places(400))
    for (x, y, width, height), patch in zip(scene.patch_boxes(), PATCHES, strict=True):
        rows = slice(int(400 * (y + height * 0.2)), int(400 * (y + height * 0.8)))
        columns = slice(int(600 * (x + width * 0.2)), int(600 * (x + width * 0.8)))
        shown = np.clip(patch, scene.DARKEST, scene.LIGHTEST)
        np.testing.assert_allclose(light[rows, columns] - shown, 0.0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_light_meter_finds_middle_gray(seed: int) -> None:
    seen = density(made(seed).light(places(300), places(200))).mean()
    assert abs(seen - density(np.array(scene.MIDDLE_GRAY))) < 4 * scene.KEY_SPREAD


def test_the_ramps_are_gray_from_light_to_dark() -> None:
    for x, y, width, height in (scene.STEPS, scene.RAMP):
        row = made().light(x + width * places(55), np.array([y + height / 2]))[0]
        assert np.ptp(row, axis=1).max() == 0.0
        assert row[0, 0] > 0.8
        assert row[-1, 0] < 0.02


def test_light_at_a_place_does_not_depend_on_what_else_is_asked() -> None:
    whole = made().light(places(90), places(60))
    part = made().light(places(90)[40:50], places(60)[20:33])
    np.testing.assert_allclose(part, whole[20:33, 40:50], rtol=1e-12)


def test_a_colored_frame_is_strongly_colored() -> None:
    red, green, _ = made(kind="colored").light(places(60), places(40)).mean(axis=(0, 1))
    assert red > 4 * green


def test_other_seeds_are_other_scenes() -> None:
    one, two = (made(seed).light(places(30), places(20)) for seed in (1, 2))
    assert np.abs(one - two).max() > 0.1
