"""The folded grade as an OpenColorIO transform and as a processor for one sort of band.

Covers which transforms stand for which steps, in which order and with which
optimization, and how exact the result is. Not covered: pixels (``grade``),
those that float32 gets wrong (``doubt``) and files (``clf``, ``cube``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color import bands, curves, density, table
from divere_cli.color.folding import LUMINANCE, Folded
from divere_cli.errors import Internal

Array = npt.NDArray[np.float64]
Logarithm = Literal["table", "fast", "lossless"]

# To OpenColorIO a table is an identity that is one within 1e-4 or so: an input gamma of
# 0.99999 would be left out, which is 3 of 65535.
LOSSLESS = PyOpenColorIO.OptimizationFlags(
    int(PyOpenColorIO.OPTIMIZATION_LOSSLESS) & ~int(PyOpenColorIO.OPTIMIZATION_IDENTITY)
)
FAST = PyOpenColorIO.OptimizationFlags(
    int(LOSSLESS) | int(PyOpenColorIO.OPTIMIZATION_FAST_LOG_EXP_POW)
)
# Base 2 errs least. Measured: fast logarithms take 4.5 ns a pixel, lossless ones 13.3.
LOG_BASE = 2.0
# Largest error in log10, measured.
LOG_ERROR: dict[Logarithm, float] = {"table": 3e-7, "fast": 4.7e-6, "lossless": 6e-7}
# Half a unit of float32's last digit, and the usual size of a logarithm.
FLOAT32 = 6e-8
USUAL_LOG = 5.0
# What the logarithm's error may come to, in code values of 16 bits.
FAST_BUDGET = 0.8
FLOAT32_BUDGET = 1.0
TABLE_BUDGET = 0.6
# An encoding table of 65536 entries is exact enough above this light, a longer one above less.
DIM = 1e-3
ENCODE_SIZES = (1 << 16, 1 << 18)
# Share of the screen glare that the density table leaves out.
GLARE_MARGIN = 3e-6


@dataclass(frozen=True, slots=True)
class Plan:
    """A grade's transforms, and what is known of their accuracy.

    Attributes
    ----------
    transform : PyOpenColorIO.GroupTransform
        Samples to encoded values of three channels, without the luminance of step 15.
    linear : PyOpenColorIO.GroupTransform or None
        The same up to linear output; None where one table makes light and encodes it.
    logarithm : {"table", "fast", "lossless"}
        What makes logarithms; "table" is exact for every code value.
    float32 : bool
        Whether float32 is enough for this grade; else it is computed in float64.
    table_error : float
        Of the density table at the corners of its function, in 16-bit code values.
    log_slope : float
        16-bit code values of the positive for a unit of log10 of the scan, at worst.
    light_slope : float
        Light of the positive for a unit of density, at worst.
    encode_size : int
        Entries of the encoding table; 0 where there is none.
    glare_step : float
        Light of one step of the density table next to the screen glare; 0 without one.
    glare_margin : float
        Light that the density table is too bright there.
    dark : float
        Encoded value below which the density table is steeper than elsewhere.
    """

    transform: PyOpenColorIO.GroupTransform
    linear: PyOpenColorIO.GroupTransform | None
    logarithm: Logarithm
    float32: bool
    table_error: float
    log_slope: float
    light_slope: float
    encode_size: int
    glare_step: float
    glare_margin: float
    dark: float


def diagonal(matrix: Array) -> bool:
    """Whether channels stay apart."""
    return not np.any(matrix - np.diag(np.diag(matrix)))


def plan(folded: Folded, bits: int, bit_depth: int) -> Plan:
    """Transforms from samples of ``bits`` bits (32: float) for positives of ``bit_depth`` bits."""
    if folded.density is None:
        group = PyOpenColorIO.GroupTransform()
        _input_power(group, folded, bits)
        group.appendTransform(_matrix(folded.back @ folded.front))
        return _encoded(folded, group, "table", None)
    tables = _tables(folded)
    group = PyOpenColorIO.GroupTransform()
    by_table = bits != 32 and diagonal(folded.front)
    if by_table:
        _logarithm_table(group, folded, folded.density, bits)
    else:
        _logarithm(group, folded, folded.density, bits)
    _tone(group, folded.density, tables)
    if by_table:
        return _encoded(folded, group, "table", tables)
    slope = _log_slope(folded, folded.density, tables)
    # A fast power is a fast logarithm times the exponent, and all of it goes into the next one.
    power = folded.gamma_in if bits == 32 and folded.gamma_in != 1.0 else 0.0
    error = LOG_ERROR["fast"] * (1.0 + power)
    # Differences of light lose digits: after a matrix, fast logarithms were off by 8. Screen
    # glare is a difference as well.
    whole = bit_depth == 8 or (folded.joint and not _glare(folded))
    budget = FAST_BUDGET * (1.0 if bit_depth == 16 else 100.0)
    fast = whole and slope * error <= budget
    return _encoded(folded, group, "fast" if fast else "lossless", tables)


def processor(
    transform: PyOpenColorIO.Transform, fast: bool, source: npt.DTypeLike, target: npt.DTypeLike
) -> PyOpenColorIO.CPUProcessor:
    """A processor from one sort of sample to another; threads may share it."""
    try:
        made = PyOpenColorIO.Config.CreateRaw().getProcessor(transform)
        return made.getOptimizedCPUProcessor(
            bands.DEPTHS[np.dtype(source)],
            bands.DEPTHS[np.dtype(target)],
            FAST if fast else LOSSLESS,
        )
    except (PyOpenColorIO.Exception, PyOpenColorIO.ExceptionMissingFile) as error:
        raise Internal(f"OpenColorIO refuses the grade: {error}") from error


def luminance() -> PyOpenColorIO.MatrixTransform:
    """Step 15 as a transform: all three channels become the luminance."""
    return _matrix(np.tile(LUMINANCE, (3, 1)))


def _log_slope(folded: Folded, d: density.Density, tables: tuple[table.Table, ...]) -> float:
    slopes = np.array([t.slope for t in tables])
    return float((slopes * np.abs(d.matrix).sum(axis=1)).max()) * folded.spread


def _rounding(d: density.Density, tables: tuple[table.Table, ...]) -> float:
    """What float32 may round off a density's terms, for a unit of slope."""
    shifts = np.abs(d.offset - np.array([t.start for t in tables]))
    return float((FLOAT32 * (USUAL_LOG + shifts / np.abs(d.matrix).sum(axis=1))).max())


def _encoded(
    folded: Folded,
    group: PyOpenColorIO.GroupTransform,
    logarithm: Logarithm,
    tables: tuple[table.Table, ...] | None,
) -> Plan:
    """Finish a plan: output matrix and encoding, unless the density table does both."""
    linear, size = None, 0
    slope = light = error = dim = dark = rounding = 0.0
    glare = _glare(folded)
    if tables is not None and folded.density is not None:
        slope = _log_slope(folded, folded.density, tables)
        error = max(t.error for t in tables)
        rounding = _rounding(folded.density, tables)
        light = max(t.light_slope for t in tables)
        dark = max(t.dark for t in tables)
        dim = max(t.dim_step for t in tables) if glare else 0.0
    if tables is None or not folded.joint:
        if tables is not None:
            group.appendTransform(_matrix(folded.back))
        linear = _copy(group)
        size = _encode(group, folded, min((t.dimmest for t in tables or ()), default=0.0))
    exact = LOG_ERROR["table" if logarithm == "table" else "lossless"]
    enough = slope * (exact + rounding) <= FLOAT32_BUDGET and error <= TABLE_BUDGET
    margin = GLARE_MARGIN * glare
    return Plan(group, linear, logarithm, enough, error, slope, light, size, dim, margin, dark)


def _glare(folded: Folded) -> float:
    return max((tone.glare for tone in folded.tones or ()), default=0.0)


def _copy(group: PyOpenColorIO.GroupTransform) -> PyOpenColorIO.GroupTransform:
    made = PyOpenColorIO.GroupTransform()
    for transform in group:
        made.appendTransform(transform)
    return made


def _input_power(group: PyOpenColorIO.GroupTransform, folded: Folded, bits: int) -> None:
    if folded.gamma_in == 1.0:
        return
    if bits == 32:
        power = [folded.gamma_in] * 3 + [1.0]
        group.appendTransform(PyOpenColorIO.RangeTransform(0.0, 1.0, 0.0, 1.0))
        group.appendTransform(PyOpenColorIO.ExponentTransform(value=power))
    else:
        group.appendTransform(_lut([np.linspace(0.0, 1.0, 1 << bits) ** folded.gamma_in] * 3))


def _logarithm(
    group: PyOpenColorIO.GroupTransform, folded: Folded, d: density.Density, bits: int
) -> None:
    _input_power(group, folded, bits)
    group.appendTransform(_matrix(folded.front))
    group.appendTransform(PyOpenColorIO.RangeTransform(d.low, d.high, d.low, d.high))
    group.appendTransform(PyOpenColorIO.LogTransform(base=LOG_BASE))


def _logarithm_table(
    group: PyOpenColorIO.GroupTransform, folded: Folded, d: density.Density, bits: int
) -> None:
    codes = np.repeat(np.linspace(0.0, 1.0, 1 << bits)[:, None], 3, axis=1)
    x = np.clip(folded.transmittance(codes), d.low, d.high)
    group.appendTransform(_lut(list(np.log(x.T) / np.log(LOG_BASE))))


def _tables(folded: Folded) -> tuple[table.Table, ...]:
    assert folded.tones is not None
    # Light below an eighth of a code value, also after a matrix that multiplies by ten.
    end = folded.gamma_out * np.log10(8.0 * table.CODES) + 1.0
    sought = tuple(
        table.Sought(_generous(tone).light, tone.corners(), 0.0 if tone.curves else end)
        for tone in folded.tones
    )
    dark = table.DARK if folded.gamma_out > 1.0 else 0.0
    return table.build(sought, folded.encode, joint=folded.joint, dark=dark)


def _generous(tone: curves.Tone) -> curves.Tone:
    """The tone with a hair less glare: float32 then errs to more than no light, and is found."""
    return curves.Tone(tone.curves, tone.glare * (1.0 - GLARE_MARGIN))


def _tone(
    group: PyOpenColorIO.GroupTransform, d: density.Density, tables: tuple[table.Table, ...]
) -> None:
    """Logarithms to print density, measured in the table's own steps, to its values."""
    last = len(tables[0].values) - 1
    scale = 1.0 / (last * np.array([t.step for t in tables]))
    shift = scale * (d.offset - np.array([t.start for t in tables]))
    group.appendTransform(_matrix(scale[:, None] * d.matrix * np.log10(LOG_BASE), shift))
    group.appendTransform(_lut([t.values for t in tables]))


def _encode(group: PyOpenColorIO.GroupTransform, folded: Folded, dimmest: float) -> int:
    if folded.gamma_out == 1.0:
        group.appendTransform(PyOpenColorIO.RangeTransform(0.0, 1.0, 0.0, 1.0))
        return 0
    size = ENCODE_SIZES[0] if dimmest >= DIM else ENCODE_SIZES[1]
    group.appendTransform(_lut([folded.encode(np.linspace(0.0, 1.0, size))] * 3))
    return size


def _matrix(matrix: Array, offset: Array | None = None) -> PyOpenColorIO.MatrixTransform:
    whole = np.eye(4)
    whole[:3, :3] = matrix
    shift = [0.0] * 3 if offset is None else offset.tolist()
    return PyOpenColorIO.MatrixTransform(matrix=whole.ravel().tolist(), offset=[*shift, 0.0])


def _lut(channels: list[Array]) -> PyOpenColorIO.Lut1DTransform:
    values = np.stack(channels, axis=1).astype(np.float32)
    made = PyOpenColorIO.Lut1DTransform(length=len(values), inputHalfDomain=False)
    made.setInterpolation(PyOpenColorIO.INTERP_LINEAR)
    made.setData(values.ravel())
    return made
