"""The two steps of the fit on a simulated film, and the tone curve."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from divere_cli.calibrate import fit, selection
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import ciede2000
from divere_cli.calibrate.fit import KNOTS, Fitted, Task
from divere_cli.calibrate.print_model import film_density, print_of
from divere_cli.calibrate.tone_curve import composed
from divere_cli.color import reference
from divere_cli.records.grade import Curves, Space
from tests.calibrate import hidden
from tests.calibrate.conftest import recipe, sampled
from tests.calibrate.hidden import Look


def task_on(profile: str, chart: Chart, output: Space, look: Look) -> Task:
    sample = sampled(hidden.codes(hidden.render(chart, look)), chart)
    start = recipe(profile)
    wanted = np.array([patch.lab for patch in chart.patches])
    matrix = np.eye(3) if start.matrix is None else np.array(start.matrix)
    return Task(
        film_density(start, sample.values),
        np.zeros(len(wanted), np.int64),
        wanted,
        print_of(start, output),
        matrix,
        fit.directions(wanted, matrix),
    )


@pytest.mark.parametrize("seed", range(4))
def test_two_steps_reach_what_one_does_not(seed: int, chart: Chart, output: Space) -> None:
    look = Look(angle=40.0 * seed, ev=seed - 1.0, warmth=0.05 * seed, seed=seed)
    task = task_on("c41-neutral", chart, output, look)
    weights = selection.folds(np.ones(24, bool), 24)
    linear = fit.linear(task, weights)
    both = fit.on_lab(task, weights, linear, toned=False)
    assert fit.errors(task, linear)[0].mean() > 4.0
    assert fit.errors(task, both)[0].mean() < 2.0
    assert selection.by_own_fold(fit.errors(task, both), 24).mean() < 2.5


def test_slopes_are_those_of_the_cost(chart: Chart, output: Space) -> None:
    """Gauss-Newton's gradient against differences of the cost itself."""
    task = task_on("c41-endura-premier", chart, output, Look())
    weights = np.ones((1, 24))
    first = fit.linear(task, weights)
    bent = Fitted(
        first.matrix * 1.01, first.offset + 0.02, np.array([[0.52, 0.6, 0.77, 0.88, 0.99]])
    )
    chroma = np.hypot(task.reference[:, 1], task.reference[:, 2])
    scale = np.stack([np.ones(24), *[1.0 / (1.0 + 0.045 * chroma)] * 2], axis=1)[None]
    _, slope = fit._system(task, bent, first, scale, True)
    for index in range(slope.shape[1]):
        step = np.zeros_like(slope)
        step[0, index] = 1e-6
        ahead = fit._cost(task, fit._moved(task, bent, step, True), first, scale)
        behind = fit._cost(task, fit._moved(task, bent, -step, True), first, scale)
        assert (ahead - behind)[0] / 4e-6 == pytest.approx(slope[0, index], rel=0.02, abs=2.0)


def test_a_gray_chart_moves_contrasts_and_gains_alone(output: Space) -> None:
    grays = np.array([[lightness, 0.0, 0.0] for lightness in (95, 80, 65, 50, 35, 20)])
    start = np.array([[1.2, -0.1, 0.0], [-0.1, 1.3, -0.1], [0.0, -0.2, 1.1]])
    free = fit.directions(grays, start)
    assert free.shape == (3, 3, 3)
    assert (free.sum(axis=0) == start).all()


@pytest.mark.parametrize("master", [(), ((0.0, 0.0), (0.4, 0.2), (0.8, 0.7), (1.0, 1.0))])
def test_a_tone_curve_and_the_prints_own_become_one(
    master: tuple[tuple[float, float], ...],
) -> None:
    tone = np.array([0.55, 0.63, 0.79, 0.88, 0.98])
    found = composed(tone, Curves(rgb=master, r=((0.0, 0.1), (1.0, 1.0))))
    assert found.r == ((0.0, 0.1), (1.0, 1.0))
    density = np.linspace(0.0, 4.8, 500)[None, :, None].repeat(3, axis=2)
    n = 1.0 - fit._toned(density, tone[None])[0, :, 0] / reference.L
    expected = reference.curve(master, n) if master else n
    got = reference.curve(found.rgb, 1.0 - density[0, :, 0] / reference.L)
    assert got == pytest.approx(expected, abs=2e-6)


def test_the_knots_are_where_densities_are() -> None:
    assert KNOTS[0] == 0.5
    assert KNOTS[-1] == 1.0


SCRIPT = """
import numpy as np
from divere_cli.calibrate import judge, negative, shipped_charts
from divere_cli.calibrate.sample import Sample
from divere_cli.profile import library, resolve
from tests.calibrate import hidden
chart = shipped_charts.load("colorchecker24")
lab = np.array([p.lab for p in chart.patches])
light = np.maximum(hidden.xyz_of_lab(lab) @ hidden.LAYERS.T, 1e-4)
values = hidden.film(light, np.random.default_rng(0))
sample = Sample(values, ("",) * 24, np.zeros((4, 2)), 0.0)
recipe = resolve.recipe(library.load("c41-endura-premier"))
space = library.output_space("KodakEnduraPremier_gamma_2_2")
found = judge.judge(negative.calibrate([sample], ["a"], chart, recipe, space))
print(found.recipe.matrix, found.recipe.rgb_gains, found.recipe.curves.rgb, found.after)
"""


def test_threads_of_the_linear_algebra_change_nothing() -> None:
    told = set()
    for threads in ("1", "2", "5"):
        named = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=dict.fromkeys(named, threads),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        told.add(done.stdout)
    assert len(told) == 1


def test_differences_are_those_from_the_reference(chart: Chart, output: Space) -> None:
    task = task_on("c41-neutral", chart, output, Look())
    fitted = fit.linear(task, np.ones((1, 24)))
    expected = ciede2000(fit.lab(task, fitted)[0], task.reference)
    assert fit.errors(task, fitted)[0] == pytest.approx(expected)
