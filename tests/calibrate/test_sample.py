"""Reducing a scan to cells, and the samples of its patches."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.sample import CLIPPED, Cells, Reduction
from tests.calibrate import hidden
from tests.calibrate.conftest import cells_of, sampled
from tests.calibrate.hidden import Look


def slowly(codes: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    blocks = [
        [codes[y : y + side, x : x + side] for x in range(0, codes.shape[1], side)]
        for y in range(0, codes.shape[0], side)
    ]
    mean = [[b.reshape(-1, 3).mean(0) / 65535.0 for b in row] for row in blocks]
    ends = [[((b >= CLIPPED * 65535) | (b <= 0)).any() for b in row] for row in blocks]
    return np.array(mean), np.array(ends)


@pytest.mark.parametrize("cells", [400, 100, 31])
@pytest.mark.parametrize("height", [1, 7, 24, 203])
def test_cells_are_the_means_of_their_pixels_whatever_the_bands(cells: int, height: int) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 65536, (203, 307, 3)).astype(np.uint16)
    codes[50:60, 80:90] = 65535
    reduction = Reduction(307, 203, 65535.0, cells)
    for first in range(0, 203, height):
        reduction.take(first, codes[first : first + height])
    found = reduction.cells()
    mean, ends = slowly(codes, found.side)
    assert found.mean == pytest.approx(mean, abs=1e-12)
    assert (found.clipped == ends).all()


def test_coarser_cells_keep_the_light_and_the_places() -> None:
    rng = np.random.default_rng(1)
    fine = Cells(rng.random((130, 210, 3)), np.zeros((130, 210)), 3, (630, 390))
    coarse = fine.coarser(70)
    assert coarse.mean.shape[1] <= 70
    assert coarse.mean[0, 0] == pytest.approx(fine.mean[:3, :3].mean(axis=(0, 1)))
    corner = np.array([[0.0, 0.0], [1.0, 1.0], [0.31, 0.7]])
    assert coarse.parts(coarse.places(corner)) == pytest.approx(corner)
    assert coarse.parts(np.zeros(2)) == pytest.approx(np.array([4.5 / 630, 4.5 / 390]))


def test_all_patches_of_a_clean_chart_can_be_used(chart: Chart) -> None:
    sample = sampled(hidden.codes(hidden.render(chart, Look(angle=10.0))), chart)
    assert set(sample.why) == {""}


def test_patches_beyond_the_scanner_are_named(chart: Chart) -> None:
    codes = hidden.codes(hidden.render(chart, Look(angle=10.0)))
    thin = sampled(codes, chart).values.max(axis=1)
    gain = 1.05 / thin[23]  # black is the thinnest: it leaves the scale
    brighter = np.minimum(codes * gain, 65535).astype(np.uint16)
    why = sampled(brighter, chart).why
    assert why[23].startswith("clipped")
    assert [text for text in why[:18] if text] == []


def test_a_shadow_edge_across_a_patch_is_named(chart: Chart) -> None:
    scene = hidden.render(chart, Look(width=0.6, clutter=0))
    codes = hidden.codes(scene)
    left, right = scene.corners[0, 0], scene.corners[1, 0]
    edge = round(left + (right - left) * 2.5 / 6.0)  # through the third column
    codes[:, :edge] = codes[:, :edge] / 1.7
    why = sampled(codes, chart).why
    assert all(why[patch].startswith("uneven") for patch in (2, 8, 14, 20))
    assert not any(why[patch] for patch in (0, 1, 3, 4, 5))


def test_a_chart_that_is_too_small_is_reported(chart: Chart) -> None:
    from divere_cli.calibrate import find
    from divere_cli.calibrate.sample import take

    cells = cells_of(np.full((40, 40, 3), 20000, np.uint16))
    found = find.from_corners(np.array([[5.0, 5.0], [15.0, 5.0], [15.0, 11.0], [5.0, 11.0]]), chart)
    assert found is not None
    _, why = take(cells, found, chart)
    assert all(text.startswith("too small") for text in why)
