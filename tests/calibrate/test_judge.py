"""The figures of a calibration, patches left out, and warnings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from divere_cli.calibrate import find, judge, negative, shipped_charts
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import ciede2000, lab
from divere_cli.calibrate.print_model import to_d50
from divere_cli.calibrate.result import Calibration
from divere_cli.calibrate.sample import Sample, take
from divere_cli.color import reference
from divere_cli.errors import Unsupported, UsageError
from divere_cli.records.grade import Recipe, Space
from tests.calibrate import hidden
from tests.calibrate.conftest import REAL, cells_of, real, recipe, sampled
from tests.calibrate.hidden import Look


def calibrated(
    samples: list[Sample], chart: Chart, output: Space, profile: str = "c41-neutral"
) -> Calibration:
    names = [f"{index}.tif" for index in range(len(samples))]
    return judge.judge(negative.calibrate(samples, names, chart, recipe(profile), output))


def on(look: Look, chart: Chart) -> Sample:
    return sampled(hidden.codes(hidden.render(chart, look)), chart)


def lab_by_reference(made: Recipe, output: Space, values: np.ndarray) -> np.ndarray:
    """Lab by the step by step reference of the grade, which shares no code with the grade."""
    codes = reference.code_values(made, output, values, bits=32)
    return lab((codes / 65535.0) ** output.gamma @ to_d50(output).T)


@pytest.mark.parametrize(
    ("profile", "ev", "mean", "left_out"),
    [
        ("c41-neutral", "0", 3.0, 3.6),
        ("c41-neutral", "minus2", 3.4, 4.1),
        ("c41-neutral", "plus2", 2.9, 3.5),
        ("c41-endura-premier", "0", 4.4, 5.2),
        ("c41-endura-premier", "minus2", 4.4, 5.2),
        ("c41-endura-premier", "plus2", 4.4, 5.2),
    ],
)
def test_real_charts(
    profile: str, ev: str, mean: float, left_out: float, chart: Chart, output: Space
) -> None:
    sample = sampled(real(ev), chart)
    found = calibrated([sample], chart, output, profile)
    assert found.after.mean < mean
    assert found.left_out.mean < left_out
    wanted = np.array([patch.lab for patch in chart.patches])
    read = ciede2000(lab_by_reference(found.recipe, output, sample.values), wanted)
    assert found.after.mean == pytest.approx(read.mean(), abs=0.02)


def test_before_is_the_preset_with_its_exposure_by_the_gray_row(
    chart: Chart, output: Space
) -> None:
    sample = sampled(real("0"), chart)
    found = calibrated([sample], chart, output, "5000ed-ultramax400")
    assert found.before.mean == pytest.approx(8.3, abs=0.4)
    darker = replace(recipe("5000ed-ultramax400"), rgb_gains=(-0.43, -0.5, -0.71))
    again = judge.judge(negative.calibrate([sample], ["a"], chart, darker, output))
    assert again.before.mean == pytest.approx(found.before.mean, abs=0.01)


def test_three_exposures_share_a_matrix_and_the_middle_one_gives_the_gains(
    chart: Chart, output: Space
) -> None:
    samples = [sampled(real(ev), chart) for ev in ("plus2", "minus2", "0")]
    found = calibrated(samples, chart, output)
    assert found.middle == 2
    assert found.recipe.rgb_gains == found.charts[2].gains
    assert found.after.mean < 3.3
    apart = np.subtract(found.charts[1].gains, found.charts[0].gains)
    assert apart == pytest.approx([0.345, 0.329, 0.289], abs=0.7)
    assert any("3 exposures" in text and "2.tif" in text for text in found.warnings)


@pytest.mark.parametrize("shadow", [(0,), (18,), (5, 11), (3, 4, 5)])
def test_patches_in_a_shadow_are_left_out_and_named(
    shadow: tuple[int, ...], chart: Chart, output: Space
) -> None:
    clean = calibrated([on(Look(angle=7.0), chart)], chart, output)
    found = calibrated([on(Look(angle=7.0, shadow=shadow), chart)], chart, output)
    out = {index for index, patch in enumerate(found.patches) if not patch.used}
    assert out == set(shadow)
    assert all(found.patches[index].why.startswith("shaded") for index in shadow)
    assert sum("shaded" in text for text in found.warnings) == len(shadow)
    assert found.after.mean < clean.after.mean + 0.5


def test_a_clean_chart_loses_no_patch(chart: Chart, output: Space) -> None:
    for seed in range(5):
        assert calibrated([on(hidden.hard(seed), chart)], chart, output).used == 24
    for ev in REAL:
        assert calibrated([sampled(real(ev), chart)], chart, output).used == 24


def test_clipped_patches_are_named_and_do_not_bend_the_fit(chart: Chart, output: Space) -> None:
    codes = hidden.codes(hidden.render(chart, Look(angle=5.0)))
    clean = calibrated([sampled(codes, chart)], chart, output)
    gain = 1.05 * 65535 / np.sort(sampled(codes, chart).values.max(axis=1))[-1] / 65535
    found = calibrated(
        [sampled(np.minimum(codes * gain, 65535).astype(np.uint16), chart)], chart, output
    )
    out = [patch for patch in found.patches if not patch.used]
    assert out
    assert all(patch.why.startswith("clipped") for patch in out)
    assert found.after.mean < clean.after.mean + 0.5


def test_a_chart_deep_in_the_toe_is_reported(chart: Chart, output: Space) -> None:
    found = calibrated([on(Look(ev=-4.5, grain=0.002), chart)], chart, output)
    assert any("toe" in text for text in found.warnings)
    even = calibrated([on(Look(ev=0.0, grain=0.002), chart)], chart, output)
    assert not any("toe" in text or "shoulder" in text for text in even.warnings)


def test_a_mirrored_chart_is_reported(chart: Chart, output: Space) -> None:
    found = calibrated([on(Look(mirrored=True), chart)], chart, output)
    assert any("mirrored" in text for text in found.warnings)


def test_too_few_patches_are_refused(chart: Chart, output: Space) -> None:
    sample = on(Look(), chart)
    few = replace(sample, why=tuple("clipped: all" if i > 8 else "" for i in range(24)))
    with pytest.raises(Unsupported, match=r"0\.tif: 9 of 24 patches.*clipped"):
        calibrated([few], chart, output)


def test_a_preset_of_another_film_is_refused(chart: Chart, output: Space) -> None:
    with pytest.raises(UsageError, match="color_reversal"):
        calibrated([on(Look(), chart)], chart, output, "reversal-neutral")


def test_a_positive_of_the_chart_is_no_negative(chart: Chart, output: Space) -> None:
    sample = on(Look(), chart)
    turned = replace(sample, values=0.02 / sample.values)
    with pytest.raises(Unsupported, match=r"0\.tif: the chart is a positive"):
        calibrated([turned], chart, output)


def test_a_chart_of_140_patches_with_grays_that_repeat(output: Space) -> None:
    chart = shipped_charts.load("colorchecker-sg")
    look = Look(width=0.8, angle=185.0, size=(933, 1400), clutter=10)
    sample = on(look, chart)
    assert sample.unexplained < 0.03
    found = calibrated([sample], chart, output)
    assert found.used == 140
    assert found.after.mean < 2.2
    assert abs(found.left_out.mean - found.after.mean) < 0.3
    assert found.warnings == ()


def test_a_gray_scale_by_its_corners(output: Space) -> None:
    chart = shipped_charts.load("kodak-q13")
    scene = hidden.render(chart, Look(width=0.8, clutter=0, size=(400, 1400)))
    cells = cells_of(hidden.codes(scene))
    place = find.from_corners(scene.corners, chart)
    assert place is not None
    values, why = take(cells, place, chart)
    found = calibrated([Sample(values, why, np.zeros((4, 2)), 0.0)], chart, output)
    assert found.used == 20
    assert found.after.mean < 3.0
    start = np.array(recipe("c41-neutral").matrix)
    rows = np.array(found.recipe.matrix) / start
    assert rows == pytest.approx(rows[:, :1] * np.ones((1, 3)), rel=0.02, abs=0.02)
