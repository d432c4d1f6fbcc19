"""Select the patches of a chart for a fit, and those left out to test it.

Covers patches whose samples cannot be used, patches that print far from what all others
predict (a shadow, a reflection), and the folds of leave-one-out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import exposure, fit
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.fit import Fitted, Task
from divere_cli.calibrate.sample import Sample
from divere_cli.errors import Unsupported

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Print density that a patch may be off as a whole in a fit without it: 0.17 at most on good
# charts, 0.38 and more in a shadow of 1.5 EV.
MOST_SHIFT = 0.3
MOST_SHADED = 6
LEAST_PATCHES = 12  # of a chart with colors; LEAST_GRAYS of a gray one
LEAST_GRAYS = 3
MOST_FOLDS = 30  # of larger charts several patches are left out at once


def usable(samples: Sequence[Sample]) -> tuple[Bools, list[str]]:
    """Return the patches of all scans that can be used, and the reasons against the others.

    Parameters
    ----------
    samples : sequence of Sample
        Samples of each scan.

    Returns
    -------
    tuple[Bools, list[str]]
        The mask of patches, shape (scans * patches,), and the reasons.
    """
    why = [text for sample in samples for text in sample.why]
    return np.array([not text for text in why]), why


def folds(used: Bools, count: int) -> Floats:
    """Return weights ``(1 + folds, n)``: of all used patches, then without each in turn.

    A patch is left out on every scan at once. Charts of more than :data:`MOST_FOLDS`
    patches are left out in that many groups.

    Parameters
    ----------
    used : Bools
        Which patches are used, shape (n,).
    count : int
        Number of patches of the chart.

    Returns
    -------
    Floats
        Weights, shape (1 + folds, n).
    """
    groups = min(count, MOST_FOLDS)
    weights = np.tile(used.astype(np.float64), (groups + 1, 1))
    fold = np.arange(len(used)) % count % groups
    weights[fold + 1, np.arange(len(used))] = 0.0
    return weights


def by_own_fold(values: Floats, count: int) -> Floats:
    """Return for each patch the value of the fit without it.

    Parameters
    ----------
    values : Floats
        Shape (1 + folds, n).
    count : int
        Number of patches of the chart.

    Returns
    -------
    Floats
        Shape (n,).
    """
    n = values.shape[1]
    return np.asarray(values[np.arange(n) % count % min(count, MOST_FOLDS) + 1, np.arange(n)])


def left_out(task: Task, fitted: Fitted, used: Bools, count: int) -> Floats:
    """Return CIEDE2000 of the used patches, each in a fit without it.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    fitted : Fitted
        The fits.
    used : Bools
        Which patches are used, shape (n,).
    count : int
        Number of patches of the chart.

    Returns
    -------
    Floats
        Differences, shape (n,).
    """
    return by_own_fold(fit.errors(task, fitted), count)[used]


def without_shaded(
    task: Task, used: Bools, why: list[str], count: int
) -> tuple[Fitted, Bools, list[str]]:
    """Leave out patches that print much darker or lighter than others predict, one by one.

    Parameters
    ----------
    task : Task
        The patches, their colors and the print.
    used : Bools
        Which patches are used, shape (n,).
    why : list of str
        The reason against each patch; changed in place.
    count : int
        Number of patches of the chart.

    Returns
    -------
    tuple[Fitted, Bools, list[str]]
        The fits, the mask of used patches, and the reasons.
    """
    used, why = used.copy(), list(why)
    excluded = 0
    while True:
        fitted = fit.fit(task, folds(used, count))
        shift = np.where(used, by_own_fold(fit.shifts(task, fitted), count), 0.0)
        worst = int(np.argmax(np.abs(shift)))
        if abs(shift[worst]) < MOST_SHIFT or excluded == MOST_SHADED:
            return fitted, used, why
        dark = shift[worst] < 0.0
        direction = "lighter than expected: a reflection" if dark else "darker: in a shadow"
        why[worst] = f"shaded: prints {abs(shift[worst]):.2f} D {direction}?"
        used[worst] = False
        excluded += 1


def enough(used: Bools, chart: Chart, names: Sequence[str], why: list[str]) -> None:
    """Raise Unsupported for scans with too few usable patches.

    Parameters
    ----------
    used : Bools
        Which patches are used, shape (n,).
    chart : Chart
        The color chart.
    names : sequence of str
        Names of the scans.
    why : list of str
        The reason against each patch.

    Raises
    ------
    Unsupported
        The message has the scan and the reasons.
    """
    count = len(chart.patches)
    gray = len(chart.grays) == count
    least = LEAST_GRAYS if gray else min(LEAST_PATCHES, count)
    for index, name in enumerate(names):
        part = slice(index * count, (index + 1) * count)
        grays = sum(bool(used[part][g]) for g in chart.grays)
        if used[part].sum() < least or grays < min(LEAST_GRAYS, len(chart.grays)):
            reasons = sorted({text.split(":")[0] for text in why[part] if text})
            raise Unsupported(
                f"{name}: {int(used[part].sum())} of {count} patches can be used, "
                f"{grays} of them gray ({', '.join(reasons)})",
                hint="scan it again with nothing clipped, or photograph the chart in even light",
            )


def one_way(
    samples: Sequence[Sample], used: Bools, chart: Chart, names: Sequence[str], negative: bool
) -> None:
    """Raise Unsupported for a positive if a negative is needed, and vice versa.

    Parameters
    ----------
    samples : sequence of Sample
        Samples of each scan.
    used : Bools
        Which patches are used, shape (n,).
    chart : Chart
        The color chart.
    names : sequence of str
        Names of the scans.
    negative : bool
        Whether negatives are needed.

    Raises
    ------
    Unsupported
        The message has the scan.
    """
    count = len(chart.patches)
    for index, name in enumerate(names):
        part = used[index * count : (index + 1) * count]
        if exposure.is_negative(samples[index].values, part, chart) == negative:
            continue
        if negative:
            raise Unsupported(
                f"{name}: the chart is a positive on it: white is lighter than black",
                hint="give a scan of the negative; for a scanner's input space, --target input",
            )
        raise Unsupported(
            f"{name}: the chart is a negative on it: white is darker than black",
            hint="leave out --target input for a scan of a negative",
        )
