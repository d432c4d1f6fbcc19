"""The folded grade as an OpenColorIO transform and as a processor for one sort of band.

Covers which transforms stand for which steps, in which order, with which
optimization. Not covered: pixels (``grade``) and files (``clf``, ``cube``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color import density, table
from divere_cli.color.folding import LUMINANCE, Folded
from divere_cli.errors import Internal

Array = npt.NDArray[np.float64]

ENCODE_SIZE = 1 << 16
# Lossless logarithms cost 9 ns a pixel more than fast ones (13.3 and 4.5 here). Base 2
# errs least: in log10 at most 5.8e-7, fast 4.7e-6; base 10 errs 1.5e-6 and 5.3e-6.
LOG_BASE = 2.0
FAST_LOG_ERROR = 4.7e-6
FAST_LOG_BUDGET = 0.8
DEPTHS = {
    np.dtype(np.uint8): PyOpenColorIO.BIT_DEPTH_UINT8,
    np.dtype(np.uint16): PyOpenColorIO.BIT_DEPTH_UINT16,
    np.dtype(np.float32): PyOpenColorIO.BIT_DEPTH_F32,
}
LOSSLESS = PyOpenColorIO.OPTIMIZATION_LOSSLESS
FAST = PyOpenColorIO.OptimizationFlags(
    int(LOSSLESS) | int(PyOpenColorIO.OPTIMIZATION_FAST_LOG_EXP_POW)
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A grade's transforms, and how far float32 and its tables may be trusted.

    ``log_slope``: 16-bit code values of the positive for a unit of log10 of
    the working space, at worst.
    """

    transform: PyOpenColorIO.GroupTransform
    table_error: float
    log_slope: float

    @property
    def fast(self) -> bool:
        """Whether fast logarithms are accurate enough."""
        return self.log_slope * FAST_LOG_ERROR <= FAST_LOG_BUDGET


def diagonal(matrix: Array) -> bool:
    """Whether channels stay apart."""
    return not np.any(matrix - np.diag(np.diag(matrix)))


def plan(folded: Folded, bits: int) -> Plan:
    """Transforms from samples of ``bits`` bits (32: float) to encoded values."""
    group = PyOpenColorIO.GroupTransform()
    joint = bool((folded.back == np.eye(3)).all())
    error = slope = 0.0
    if folded.density is None:
        _input_power(group, folded, bits)
        group.appendTransform(_matrix(folded.back @ folded.front))
        joint = False
    else:
        _logarithm(group, folded, folded.density, bits)
        error, slope = _tone(group, folded, joint)
        if not joint:
            group.appendTransform(_matrix(folded.back))
    if not joint:
        _encode(group, folded)
    if folded.gray:
        group.appendTransform(_matrix(np.tile(LUMINANCE, (3, 1))))
    return Plan(group, error, slope)


def processor(
    plan: Plan, source: npt.DTypeLike, target: npt.DTypeLike
) -> PyOpenColorIO.CPUProcessor:
    """A processor from one sort of sample to another; threads may share it."""
    flags = FAST if plan.fast else LOSSLESS
    try:
        made = PyOpenColorIO.Config.CreateRaw().getProcessor(plan.transform)
        return made.getOptimizedCPUProcessor(
            DEPTHS[np.dtype(source)], DEPTHS[np.dtype(target)], flags
        )
    except PyOpenColorIO.Exception as error:
        raise Internal(f"OpenColorIO refuses the grade: {error}") from error


def _input_power(group: PyOpenColorIO.GroupTransform, folded: Folded, bits: int) -> None:
    if folded.gamma_in == 1.0:
        return
    if bits == 32:
        group.appendTransform(PyOpenColorIO.RangeTransform(0.0, 1.0, 0.0, 1.0))
        group.appendTransform(PyOpenColorIO.ExponentTransform(value=[folded.gamma_in] * 3 + [1.0]))
    else:
        codes = np.linspace(0.0, 1.0, 1 << bits) ** folded.gamma_in
        group.appendTransform(_lut([codes] * 3))


def _logarithm(
    group: PyOpenColorIO.GroupTransform, folded: Folded, d: density.Density, bits: int
) -> None:
    """Samples to log10 of the working space, divided by log10(2) where a Log does it."""
    if bits != 32 and diagonal(folded.front):
        codes = np.repeat(np.linspace(0.0, 1.0, 1 << bits)[:, None], 3, axis=1)
        x = np.clip(folded.transmittance(codes), d.low, d.high)
        group.appendTransform(_lut(list(np.log(x.T) / np.log(LOG_BASE))))
        return
    _input_power(group, folded, bits)
    group.appendTransform(_matrix(folded.front))
    group.appendTransform(PyOpenColorIO.RangeTransform(d.low, d.high, d.low, d.high))
    group.appendTransform(PyOpenColorIO.LogTransform(base=LOG_BASE))


def _tone(group: PyOpenColorIO.GroupTransform, folded: Folded, joint: bool) -> tuple[float, float]:
    assert folded.density is not None
    assert folded.tones is not None
    # Light below an eighth of a code value, also after a matrix that multiplies by ten.
    end = folded.gamma_out * np.log10(8.0 * table.CODES) + 1.0
    encode = folded.encode
    sought = tuple(
        table.Sought(
            _both(tone.light, encode) if joint else tone.light,
            tone.corners(),
            0.0 if tone.curves else end,
        )
        for tone in folded.tones
    )
    tables = table.build(sought, np.asarray if joint else encode)
    d, steps = folded.density, np.array([t.step for t in tables])
    scale = 1.0 / (steps * (len(tables[0].values) - 1))
    starts = np.array([t.start for t in tables])
    mixing = d.matrix * np.log10(LOG_BASE)
    group.appendTransform(_matrix(scale[:, None] * mixing, scale * (d.offset - starts)))
    group.appendTransform(_lut([t.values for t in tables]))
    slopes = np.array([t.slope for t in tables])
    return max(t.error for t in tables), float((slopes * np.abs(d.matrix).sum(axis=1)).max())


def _both(first: table.Function, second: table.Function) -> table.Function:
    return lambda values: second(first(values))


def _encode(group: PyOpenColorIO.GroupTransform, folded: Folded) -> None:
    if folded.gamma_out == 1.0:
        if folded.gray:
            group.appendTransform(PyOpenColorIO.RangeTransform(0.0, 1.0, 0.0, 1.0))
        return
    values = folded.encode(np.linspace(0.0, 1.0, ENCODE_SIZE))
    group.appendTransform(_lut([values] * 3))


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
