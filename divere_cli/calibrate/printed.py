"""Grade the samples of a chart as ``divere batch`` does, and measure the differences.

Covers the real grade at 16 bits, read by the ICC profile of the positive, and the exposure
that is right for the gray row. Models of fits are not used here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate.color_difference import lab
from divere_cli.calibrate.print_model import Print, print_of, to_d50
from divere_cli.calibrate.result import Figures
from divere_cli.color import exact, grade, transfer
from divere_cli.image.layout import Layout
from divere_cli.records.grade import Recipe, Space

Floats = NDArray[np.float64]

# Layout of samples of 0..1, for which the grade is compiled.
SAMPLES = Layout(3, 32, "float")
DIGITS = 6


def printed(recipe: Recipe, output: Space, values: Floats) -> Floats:
    """Return Lab of the positive that ``divere batch`` writes at 16 bits.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    values : Floats
        Samples, 0 to 1, shape (n, 3).

    Returns
    -------
    Floats
        Lab, shape (n, 3).
    """
    compiled = grade.compile(recipe, output, SAMPLES, 16)
    source = np.ascontiguousarray(values[None], np.float32)
    out = np.empty(source.shape, np.uint16)
    compiled.apply(source, out)
    linear = transfer.decode(out[0] / 65535.0, output.transfer, output.gamma)
    return lab(linear @ to_d50(output).T)


def by_gray_row(recipe: Recipe, output: Space, values: Floats, reference: Floats) -> Recipe:
    """Return the recipe with the exposure that makes the gray row as light as it should be.

    Parameters
    ----------
    recipe : Recipe
        The grade with every name resolved.
    output : Space
        Color space of the positive.
    values, reference : ndarray
        ``(grays, 3)``: samples in 0..1 and Lab of the gray patches that can be used.
    """
    printer = print_of(recipe, output)
    folded = exact.fold(recipe, output, one_channel=False)
    assert folded.density is not None  # every film type with gains has one
    before = folded.density.of(folded.transmittance(exact.finite(values)))
    shift = _exposure(printer, before, reference[:, 0])
    red, green, blue = (round(g + shift, DIGITS) for g in recipe.rgb_gains)
    return replace(recipe, rgb_gains=(red, green, blue))


def _exposure(printer: Print, density: Floats, lightness: Floats) -> float:
    """Return the common gain for the nearest lightness: a coarse search, then Newton's method."""
    tried = np.linspace(-2.5, 2.5, 51)
    off = [((printer.lab(density - t)[:, 0] - lightness) ** 2).sum() for t in tried]
    shift = float(tried[int(np.argmin(off))])
    for _ in range(20):
        now = printer.lab(density - shift)[:, 0]
        slope = (printer.lab(density - shift - 1e-4)[:, 0] - now) / 1e-4
        step = float((slope * (now - lightness)).sum() / max(float((slope**2).sum()), 1e-9))
        shift -= float(np.clip(step, -0.1, 0.1))
    return shift


def figures(errors: Floats) -> Figures:
    """Return mean, 90 % and worst of differences.

    Parameters
    ----------
    errors : Floats
        Differences, shape (n,).
    """
    mean, high = float(errors.mean()), float(np.percentile(errors, 90))
    return Figures(round(mean, 3), round(high, 3), round(float(errors.max()), 3))
