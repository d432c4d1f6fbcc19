"""A scanner's input space from a positive of the chart."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.calibrate import input_matrix, judge, positive
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import ciede2000, xyz_of_lab
from divere_cli.calibrate.printed import printed
from divere_cli.calibrate.sample import Sample
from divere_cli.errors import Unsupported, UsageError
from divere_cli.records.grade import Space
from tests.calibrate.conftest import recipe

SCANNER = np.array([[0.6, 0.3, 0.08], [0.25, 0.7, 0.05], [0.03, 0.1, 0.75]])


def seen(chart: Chart, level: float = 0.8) -> np.ndarray:
    wanted = np.array([patch.lab for patch in chart.patches])
    linear = np.linalg.solve(SCANNER, xyz_of_lab(wanted).T).T * level
    return np.clip(linear, 1e-4, 1.0)


@pytest.mark.parametrize("level", [0.3, 0.8])
@pytest.mark.parametrize("profile", ["digital-neutral", "reversal-neutral"])
def test_a_linear_scanner_is_recovered_and_the_grade_inverts_it(
    level: float, profile: str, chart: Chart, output: Space
) -> None:
    sample = Sample(seen(chart, level), ("",) * 24, np.zeros((4, 2)), 0.0)
    evidence = positive.calibrate([sample], ["a"], chart, recipe(profile), output)
    found = judge.judge(evidence)
    assert found.after.mean < 0.3
    assert found.left_out.mean < 0.5
    assert found.before.mean > 5.0
    red, green, blue = found.recipe.rgb_gains
    assert red == green == blue


def test_primaries_and_gains_are_the_matrix(chart: Chart, output: Space) -> None:
    start = recipe("digital-neutral")
    wanted = np.array([patch.lab for patch in chart.patches])
    samples = seen(chart)
    task = input_matrix.task(start, output, samples, wanted)
    matrix = input_matrix.fit(task, np.ones(24))
    made = input_matrix.recipe_of(start, matrix)
    assert ciede2000(printed(made, output, samples), task.lab(matrix)).max() < 0.1


def test_a_negatives_preset_and_a_negative_are_refused(chart: Chart, output: Space) -> None:
    sample = Sample(seen(chart), ("",) * 24, np.zeros((4, 2)), 0.0)
    with pytest.raises(UsageError, match="not a plain positive"):
        positive.calibrate([sample], ["a"], chart, recipe("c41-neutral"), output)
    turned = Sample(0.01 / seen(chart).clip(0.01), ("",) * 24, np.zeros((4, 2)), 0.0)
    with pytest.raises(Unsupported, match="the chart is a negative"):
        positive.calibrate([turned], ["a"], chart, recipe("digital-neutral"), output)
