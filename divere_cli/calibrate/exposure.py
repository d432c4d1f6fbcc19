"""Check that a chart is on the straight part of its film's curve.

Compares the densities of the gray row with the light of its patches: where the contrast
between neighbors is much lower than elsewhere, the range of the film ends. Also decides
whether a scan is a negative. Clipping in the scan is found in
:mod:`divere_cli.calibrate.sample`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import xyz_of_lab

Floats = NDArray[np.float64]

FLAT = 0.6  # of the steepest contrast between two neighbors of the gray row
LEAST_GRAYS = 4
SAME_GRAY = 0.06  # log10 of light: patches nearer to each other are one gray


def slopes(values: Floats, used: NDArray[np.bool_], chart: Chart) -> tuple[Floats, list[int]]:
    """Return the contrast of the film between neighbors of the gray row, from dark to light.

    Parameters
    ----------
    values : Floats
        Densities of the patches, shape (n, 3).
    used : ndarray of bool
        Which patches are used, shape (n,).
    chart : Chart
        The color chart.

    Returns
    -------
    ndarray
        ``(steps - 1, 3)``: density by log light in each channel.
    list of int
        The gray patches from dark to light, the first of each step.
    """
    grays = [g for g in chart.grays if used[g]]
    light = xyz_of_lab(np.array([chart.patches[g].lab for g in grays]).reshape(-1, 3))[:, 1]
    order = sorted(range(len(grays)), key=lambda i: float(light[i]))
    log_light = np.log10(np.maximum(light[order], 1e-6))
    density = -np.log10(np.maximum(values[[grays[i] for i in order]], 1e-6))
    # charts may have several patches of the same gray: they are one step
    starts = np.concatenate([[True], np.diff(log_light) > SAME_GRAY])
    group = np.cumsum(starts) - 1
    count = np.bincount(group)
    log_light = np.bincount(group, log_light) / count
    density = np.stack([np.bincount(group, d) for d in density.T], axis=1) / count[:, None]
    apart = np.diff(log_light)[:, None]
    steps = [grays[i] for i, first in zip(order, starts, strict=True) if first]
    return np.diff(density, axis=0) / apart, steps


def warnings(values: Floats, used: NDArray[np.bool_], chart: Chart) -> list[str]:
    """Return warnings about the chart's exposure; none if it is correct.

    Parameters
    ----------
    values : Floats
        Densities of the patches, shape (n, 3).
    used : ndarray of bool
        Which patches are used, shape (n,).
    chart : Chart
        The color chart.
    """
    if sum(bool(used[g]) for g in chart.grays) < LEAST_GRAYS:
        return []
    by_channel, order = slopes(values, used, chart)
    if len(by_channel) < LEAST_GRAYS - 1:
        return []
    contrast = np.median(by_channel, axis=1)
    steepest = float(np.abs(contrast).max())
    texts = []
    if abs(contrast[0]) < FLAT * steepest:
        texts.append(
            f"{chart.patches[order[0]].name} is on the film's toe "
            f"({abs(contrast[0]) / steepest:.0%} of its contrast): underexposed; expose more"
        )
    if abs(contrast[-1]) < FLAT * steepest:
        texts.append(
            f"{chart.patches[order[-1]].name} is on the film's shoulder "
            f"({abs(contrast[-1]) / steepest:.0%} of its contrast): overexposed; expose less"
        )
    return texts


def is_negative(values: Floats, used: NDArray[np.bool_], chart: Chart) -> bool:
    """Return whether light patches let less light through than dark ones do.

    Parameters
    ----------
    values : Floats
        Densities of the patches, shape (n, 3).
    used : ndarray of bool
        Which patches are used, shape (n,).
    chart : Chart
        The color chart.
    """
    lightness = np.array([patch.lab[0] for patch in chart.patches])[used]
    density = -np.log10(np.maximum(values[used], 1e-6)).mean(axis=1)
    together = (lightness - lightness.mean()) * (density - density.mean())
    return bool(together.sum() > 0.0)
