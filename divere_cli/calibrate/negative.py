"""Calibrate for color negatives: density matrix, gains and tone curve from a chart on film.

Covers the selection of patches, both fits, the tone curve if it improves patches that were
left out, and the resulting recipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import fit, selection
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.fit import Fitted, Task
from divere_cli.calibrate.judge import Evidence
from divere_cli.calibrate.print_model import film_density, print_of
from divere_cli.calibrate.result import Triple
from divere_cli.calibrate.sample import Sample
from divere_cli.calibrate.tone_curve import composed
from divere_cli.color.density import PIVOT_MATRIX
from divere_cli.errors import Unsupported, UsageError
from divere_cli.records.grade import Matrix3, Recipe, Space

Floats = NDArray[np.float64]

TONE_HELPS = 0.1  # mean CIEDE2000 of left-out patches; less is not worth a curve
DIGITS = 6
LARGEST_GAIN, LARGEST_ELEMENT = 5.0, 10.0  # of a preset


def calibrate(
    samples: Sequence[Sample],
    names: Sequence[str],
    chart: Chart,
    recipe: Recipe,
    output: Space,
) -> Evidence:
    """Fit a recipe to one chart on one or several scans.

    Parameters
    ----------
    samples : sequence of Sample
        Samples of the same chart on the same film, one exposure each.
    names : sequence of str
        Names of the scans, for messages.
    chart : Chart
    recipe : Recipe
        The recipe to start from: its print, contrast and input space stay.
    output : Space
        Color space of the positives that it is fitted for.

    Raises
    ------
    UsageError
        The recipe is not for color negatives.
    Unsupported
        Too few patches can be used, or a value of the fit exceeds the range of a preset.
    """
    check(recipe)
    count = len(chart.patches)
    used, why = selection.usable(samples)
    selection.enough(used, chart, names, why)
    selection.one_way(samples, used, chart, names, negative=True)
    task = _task(samples, chart, recipe, output)
    plain, used, why = selection.without_shaded(task, used, why, count)
    selection.enough(used, chart, names, why)
    toned = fit.bent(task, selection.folds(used, count), plain)
    off = [selection.by_own_fold(fit.errors(task, fitted), count) for fitted in (plain, toned)]
    scores = (float(off[0][used].mean()), float(off[1][used].mean()))
    bent = scores[1] < scores[0] - TONE_HELPS
    best = toned if bent else plain
    recipes = tuple(_recipe(recipe, best, index) for index in range(len(samples)))
    return Evidence(
        samples=tuple(samples),
        names=tuple(names),
        chart=chart,
        start=recipe,
        output=output,
        recipes=recipes,
        middle=_middle(best),
        used=used,
        why=tuple(why),
        left_out=off[bent],
        tone=tuple(round(float(v), DIGITS) for v in best.tone[0]) if bent else (),
        tone_left_out=(round(scores[0], 3), round(scores[1], 3)),
    )


def check(recipe: Recipe) -> None:
    """Raise UsageError unless a recipe is for color negatives.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    """
    film = recipe.film
    if not (film.invert and film.density_matrix and film.rgb_gains) or film.monochrome:
        raise UsageError(
            f"profile {recipe.profile!r} is for film type {film.name}: a density matrix is for "
            "color negatives",
            hint="start from another profile with -p; for a positive, --target input",
        )


def _task(samples: Sequence[Sample], chart: Chart, recipe: Recipe, output: Space) -> Task:
    count = len(chart.patches)
    values = np.concatenate([sample.values for sample in samples])
    reference = np.array([patch.lab for patch in chart.patches])
    start = np.eye(3) if recipe.matrix is None else np.array(recipe.matrix)
    gamma = np.array([recipe.channel_gamma[0], 1.0, recipe.channel_gamma[1]])
    start = start * gamma[:, None]
    return Task(
        film=film_density(recipe, values),
        scan=np.repeat(np.arange(len(samples)), count),
        reference=np.tile(reference, (len(samples), 1)),
        printer=print_of(recipe, output),
        start=start,
        free=fit.directions(reference, start),
    )


def _middle(fitted: Fitted) -> int:
    order = np.argsort(fitted.offset[0].mean(axis=1), kind="stable")
    return int(order[(len(order) - 1) // 2])


def _gains(recipe: Recipe, offset: Floats) -> Triple:
    red, green, blue = (
        round(float(v), DIGITS) for v in PIVOT_MATRIX - recipe.density_dmax - offset
    )
    return red, green, blue


def _recipe(recipe: Recipe, fitted: Fitted, middle: int) -> Recipe:
    gains = _gains(recipe, fitted.offset[0, middle])
    matrix = np.round(fitted.matrix[0], DIGITS)
    if np.abs(gains).max() > LARGEST_GAIN or np.abs(matrix).max() > LARGEST_ELEMENT:
        raise Unsupported(
            "the fit exceeds the range of values in a preset: gains "
            f"{', '.join(f'{g:+.2f}' for g in gains)}",
            hint="check that this is a linear scan of a negative; -p sets how samples are read",
        )
    rows = tuple(tuple(float(v) for v in row) for row in matrix)
    tone = fitted.tone[0]
    bent = not (tone == fit.KNOTS).all()
    return replace(
        recipe,
        rgb_gains=gains,
        matrix=_matrix3(rows),
        channel_gamma=(1.0, 1.0),
        curves=composed(tone, recipe.curves) if bent else recipe.curves,
    )


def _matrix3(rows: tuple[tuple[float, ...], ...]) -> Matrix3:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return ((a, b, c), (d, e, f), (g, h, i))
