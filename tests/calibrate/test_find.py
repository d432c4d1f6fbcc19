"""Charts hidden in scenes are found; pictures without a chart are never certain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.calibrate import find, homography
from divere_cli.calibrate.chart import Chart
from tests.calibrate import hidden
from tests.calibrate.conftest import REAL, found_on, real
from tests.calibrate.hidden import Look

CLOSE = 0.27  # of a patch: the samples stay inside


def away(look: Look, chart: Chart) -> tuple[float, float]:
    """How far the corners found lie from the truth, in patches, and what is unexplained."""
    scene = hidden.render(chart, look)
    found = find.find(-np.log10(np.maximum(scene.scan, 1e-5)), chart)
    if found is None:
        return np.inf, 1.0
    corners = homography.apply(found.to_picture, find.field(chart))
    patch = look.width * max(look.size) / chart.columns * look.fill
    return float(np.hypot(*(corners - scene.corners).T).max() / patch), found.unexplained


@pytest.mark.parametrize("turn", range(8))
def test_every_turn_and_its_mirror(turn: int, chart: Chart) -> None:
    look = Look(angle=90.0 * (turn % 4) + 8.0, mirrored=turn >= 4, width=0.4, seed=turn)
    off, unexplained = away(look, chart)
    assert off < CLOSE
    assert unexplained < 0.03
    _, found = found_on(hidden.codes(hidden.render(chart, look)), chart)
    assert found.mirrored == look.mirrored


@pytest.mark.parametrize("seed", range(16))
def test_hard_charts(seed: int, chart: Chart) -> None:
    off, unexplained = away(hidden.hard(seed), chart)
    assert off < CLOSE
    assert unexplained < find.SURE


@pytest.mark.slow
def test_98_of_100_hard_charts(chart: Chart) -> None:
    told = [away(hidden.hard(seed), chart) for seed in range(500, 700)]
    right = sum(off < CLOSE and left < find.SURE for off, left in told)
    assert right >= 0.98 * len(told)
    assert not [off for off, left in told if left < find.SURE and off >= CLOSE]


@pytest.mark.parametrize("kind", ["none", "panes", "shuffled"])
@pytest.mark.parametrize("seed", range(6))
def test_pictures_without_a_chart_are_not_certain(seed: int, kind: str, chart: Chart) -> None:
    _, unexplained = away(hidden.hard(seed, kind), chart)
    assert unexplained > 2.0 * find.SURE


def test_a_chart_with_equal_patches_is_not_found(chart: Chart) -> None:
    look = replace(Look(kind="panes", grain=0.0, clutter=0), width=0.5)
    assert away(look, chart)[1] > 2.0 * find.SURE


def test_one_burned_patch_is_no_reason_to_refuse(chart: Chart) -> None:
    off, unexplained = away(Look(clipped=(18,), angle=5.0), chart)
    assert off < CLOSE
    assert unexplained < find.SURE


@pytest.mark.parametrize("ev", REAL)
def test_the_real_charts(ev: str, chart: Chart) -> None:
    codes = real(ev)
    cells, found = found_on(codes, chart)
    assert found.unexplained < 0.03
    assert not found.mirrored
    corners = cells.parts(homography.apply(found.to_picture, find.field(chart)))
    assert corners == pytest.approx(np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), abs=0.03)


def test_an_empty_picture_and_a_tiny_one(chart: Chart) -> None:
    assert find.find(np.zeros((200, 300, 3)), chart) is None
    assert find.find(np.zeros((3, 2, 3)), chart) is None


def test_corners_by_hand(chart: Chart) -> None:
    scene = hidden.render(chart, Look(angle=12.0))
    found = find.from_corners(scene.corners, chart)
    assert found is not None
    assert homography.apply(found.to_picture, find.field(chart)) == pytest.approx(scene.corners)
    line = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    assert find.from_corners(line, chart) is None
