"""Estimates the error of float32 and tables in 16-bit code values, before grading.

Covers whether float32 is enough for a grade as a whole, and the light below which single pixels
have to be checked again. Not covered: checking them (:mod:`.refinement`), and placing table
entries (:mod:`.density_lut`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from divere_cli.color import density, density_lut
from divere_cli.color.exact import ExactGrade

Reads = Literal["samples", "logarithms"]

CODES = 65535.0
# Largest error in log10, measured: of a table, and of numpy with and without vector units.
LOG_ERROR: dict[Reads, float] = {"samples": 3e-7, "logarithms": 6e-7}
# Half a unit of float32's last digit, and the usual size of a logarithm.
FLOAT32 = 6e-8
USUAL_LOG = 5.0
# Largest allowed errors, in 16-bit code values.
FLOAT32_BUDGET = 1.0
TABLE_BUDGET = 0.6
BUDGET = 0.5
# Error of light in float32 for a unit of its slope: density is good to 3e-8 of its range.
LIGHT = 3e-8
# Share of the screen glare that the density table omits.
GLARE_MARGIN = 3e-6
ENCODE_SIZE = 1 << 16


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How exact a grade is in float32, and where it is not.

    Attributes
    ----------
    float32 : bool
        Whether float32 is enough for this grade; else it is computed in float64.
    table_error : float
        Of the density table at the corners of its function, in 16-bit code values.
    near : float
        Share of a pixel's largest linear value below which another one is in doubt.
    least : float
        Linear value below which any but zero is in doubt.
    below : float
        Linear value up to which a pixel is looked at again; 0: none is.
    """

    float32: bool
    table_error: float = 0.0
    near: float = 0.0
    least: float = 0.0
    below: float = 0.0


def judge(
    exact_grade: ExactGrade,
    tables: tuple[density_lut.Table, ...] | None,
    reads: Reads,
    bit_depth: int,
) -> Accuracy:
    """Estimate the error of a grade's tables and of float32.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    tables : tuple of density_lut.Table or None
        The tables of the three channels; None without.
    reads : Reads
        How samples are read.
    bit_depth : int
        Bits of the positive.
    """
    estimate = Accuracy(float32=True)
    light = dim = step = 0.0
    if tables is not None and exact_grade.density is not None:
        error = max(t.error for t in tables)
        exact = LOG_ERROR[reads] + _rounding(exact_grade.density, tables)
        slope = _log_slope(exact_grade, exact_grade.density, tables)
        estimate = Accuracy(slope * exact <= FLOAT32_BUDGET and error <= TABLE_BUDGET, error)
        light = max(t.light_slope for t in tables)
        step = max(t.dim_step for t in tables) if glare(exact_grade) else 0.0
        dim = max(step, *(t.dark**exact_grade.gamma_out for t in tables)) * exact_grade.spread
    if bit_depth == 8 or exact_grade.gamma_out <= 1.0:
        return estimate
    least = min(
        max(dim, _visible(exact_grade, GLARE_MARGIN * glare(exact_grade) * exact_grade.spread)), 1.0
    )
    if exact_grade.joint and tables is not None:
        least = min(max(least, _bend(exact_grade, step)), 1.0)
        return Accuracy(estimate.float32, estimate.table_error, least=least, below=least)
    near = min(_visible(exact_grade, LIGHT * (1.0 + light) * exact_grade.spread), 1.0)
    below = min(
        max(near * exact_grade.spread, least, _bend(exact_grade, 1.0 / (ENCODE_SIZE - 1))), 1.0
    )
    return Accuracy(estimate.float32, estimate.table_error, near, least, below)


def glare(exact_grade: ExactGrade) -> float:
    """Return the screen glare that a grade subtracts.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    """
    return max((tone.glare for tone in exact_grade.tones or ()), default=0.0)


def _log_slope(
    exact_grade: ExactGrade, d: density.Density, tables: tuple[density_lut.Table, ...]
) -> float:
    """Return the steepest slope: code values of the positive per unit of log10 of the scan."""
    slopes = np.array([t.slope for t in tables])
    return float((slopes * np.abs(d.matrix).sum(axis=1)).max()) * exact_grade.spread


def _rounding(d: density.Density, tables: tuple[density_lut.Table, ...]) -> float:
    """Return the largest rounding error of float32 in a density, per unit of slope."""
    shifts = np.abs(d.offset - np.array([t.start for t in tables]))
    return float((FLOAT32 * (USUAL_LOG + shifts / np.abs(d.matrix).sum(axis=1))).max())


def _bend(exact_grade: ExactGrade, step: float) -> float:
    """Return the light below which the encoding is too curved for a table of such steps."""
    gamma = exact_grade.gamma_out
    bend = step**2 / 8.0 * (1.0 / gamma) * (1.0 - 1.0 / gamma) * CODES
    return float((bend / BUDGET) ** (1.0 / (2.0 - 1.0 / gamma)))


def _visible(exact_grade: ExactGrade, error: float) -> float:
    """Return the light below which an error of light is visible in the encoded value."""
    gamma = exact_grade.gamma_out
    return float((CODES * error / (gamma * BUDGET)) ** (gamma / (gamma - 1.0)))
