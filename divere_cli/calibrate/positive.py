"""Calibrate for positives: the input space of a scanner or camera from a scan of a chart.

Covers ``--target input``: the selection of patches, the fits with each of them left out,
and the resulting recipe.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from divere_cli.calibrate import input_matrix, selection
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import ciede2000
from divere_cli.calibrate.judge import Evidence
from divere_cli.calibrate.sample import Sample
from divere_cli.errors import UsageError
from divere_cli.records.grade import Recipe, Space


def calibrate(
    samples: Sequence[Sample],
    names: Sequence[str],
    chart: Chart,
    recipe: Recipe,
    output: Space,
) -> Evidence:
    """Fit an input space to one chart on one scan.

    Parameters
    ----------
    samples : sequence of Sample
        Samples of each scan.
    names : sequence of str
        Names of the scans.
    chart : Chart
        The color chart.
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.

    Raises
    ------
    UsageError
        There are several scans, the chart has no colors, or the recipe is not for positives.
    Unsupported
        Too few patches can be used, or the fit gives no valid input space.
    """
    input_matrix.check(recipe)
    if len(samples) != 1:
        raise UsageError(f"--target input takes one scan, not {len(samples)}")
    count = len(chart.patches)
    if len(chart.grays) == count:
        raise UsageError(f"--target input needs a chart with colors; {chart.name} is gray")
    used, why = selection.usable(samples)
    selection.enough(used, chart, names, why)
    selection.one_way(samples, used, chart, names, negative=False)
    reference = np.array([patch.lab for patch in chart.patches])
    task = input_matrix.task(recipe, output, samples[0].values, reference)
    folds = selection.folds(used, count)
    off = np.stack([ciede2000(task.lab(input_matrix.fit(task, w)), reference) for w in folds])
    made = input_matrix.recipe_of(recipe, input_matrix.fit(task, folds[0]))
    return Evidence(
        samples=tuple(samples),
        names=tuple(names),
        chart=chart,
        start=recipe,
        output=output,
        recipes=(made,),
        middle=0,
        used=used,
        why=tuple(why),
        left_out=selection.by_own_fold(off, count),
    )
