"""The grade as OpenColorIO transforms, and as a processor for one type of band.

Covers which transforms implement which steps, in which order and with which optimization. Not
covered: the precision (:mod:`.precision`), logarithms without a table (:mod:`.log_encoding`),
pixels (:mod:`.grade`), pixels for which float32 is not enough (:mod:`.refinement`) and files
(:mod:`.clf`, :mod:`.cube`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color import bands, curves, density, density_lut
from divere_cli.color import precision as accuracy
from divere_cli.color.exact import LUMINANCE, ExactGrade, encoded
from divere_cli.errors import Internal
from divere_cli.records.grade import Transfer

Array = npt.NDArray[np.float64]

# OpenColorIO treats a table as the identity if it is close to it (1e-4 or so): a gamma of
# 0.99999 would be left out, which is 3 of 65535. Its fast logarithms are 4.7e-6 off.
LOSSLESS = PyOpenColorIO.OptimizationFlags(
    int(PyOpenColorIO.OPTIMIZATION_LOSSLESS) & ~int(PyOpenColorIO.OPTIMIZATION_IDENTITY)
)
# Base of the logarithms in memory, and in files, where every reader supports base 2.
NATURAL, BINARY = float(np.e), 2.0
# A file has no refinement: below this light its encoding table has to be longer.
DIM = 1e-3
FILE_SIZES = (accuracy.ENCODE_SIZE, 1 << 18)
FLOAT = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """A grade's transforms.

    Attributes
    ----------
    reads : {"samples", "logarithms"}
        What goes in: samples of the scan, or what ``logarithms`` makes of them.
    transform : PyOpenColorIO.GroupTransform
        To encoded values of three channels, without the luminance of step 15. Where light is
        next to nothing they are only a sign: zero says that there is none, anything else up to
        the encoded value of ``accuracy.below`` that the pixel has to be looked at again.
    linear : PyOpenColorIO.GroupTransform or None
        To linear output; None where one table makes light and encodes it.
    fine : PyOpenColorIO.GroupTransform or None
        Square roots of linear output to encoded values, exact down to no light.
    accuracy : Accuracy
    """

    reads: accuracy.Reads
    transform: PyOpenColorIO.GroupTransform
    linear: PyOpenColorIO.GroupTransform | None
    fine: PyOpenColorIO.GroupTransform | None
    accuracy: accuracy.Accuracy


def diagonal(matrix: Array) -> bool:
    """Return whether a matrix keeps the channels separate.

    Parameters
    ----------
    matrix : Array
        Shape (3, 3).
    """
    return not np.any(matrix - np.diag(np.diag(matrix)))


def plan(exact_grade: ExactGrade, bits: int, bit_depth: int) -> Plan:
    """Return the transforms from a scan's samples to a positive's.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    bits : int
        Bits of the scan's samples; 32 is float.
    bit_depth : int
        Bits of the positive.
    """
    reads: accuracy.Reads = "samples"
    if exact_grade.density is not None and (bits == FLOAT or not diagonal(exact_grade.front)):
        reads = "logarithms"
    tables = _tables(exact_grade)
    costs = accuracy.judge(exact_grade, tables, reads, bit_depth)
    made = PyOpenColorIO.GroupTransform()
    if tables is None or exact_grade.density is None:
        _input_power(made, exact_grade, bits)
        made.appendTransform(_matrix(exact_grade.front))
    else:
        if reads == "samples":
            _logarithm_table(made, exact_grade, exact_grade.density, bits)
        _tone(made, exact_grade.density, tables, NATURAL)
        if exact_grade.joint:
            return Plan(reads, made, None, None, costs)
    linear = _copy(made)
    linear.appendTransform(_matrix(exact_grade.back))
    _encode(made, exact_grade, accuracy.ENCODE_SIZE, costs.below)
    return Plan(reads, made, linear, _fine(exact_grade) if costs.below else None, costs)


def float_transform(exact_grade: ExactGrade) -> PyOpenColorIO.GroupTransform:
    """Return the transform from float samples (0 to 1) to encoded values, for files.

    It omits the luminance of step 15. Logarithms are computed, not tabulated.

    Parameters
    ----------
    exact_grade : ExactGrade
        The grade, combined (:class:`.ExactGrade`).
    """
    made, tables = PyOpenColorIO.GroupTransform(), _tables(exact_grade)
    _input_power(made, exact_grade, FLOAT)
    made.appendTransform(_matrix(exact_grade.front))
    dimmest = 0.0
    if tables is not None and exact_grade.density is not None:
        d = exact_grade.density
        made.appendTransform(PyOpenColorIO.RangeTransform(d.low, d.high, d.low, d.high))
        made.appendTransform(PyOpenColorIO.LogTransform(base=BINARY))
        _tone(made, d, tables, BINARY)
        if exact_grade.joint:
            return made
        dimmest = min(t.dimmest for t in tables)
    _encode(made, exact_grade, FILE_SIZES[0] if dimmest >= DIM else FILE_SIZES[1], 0.0)
    return made


def processor(
    transform: PyOpenColorIO.Transform, source: npt.DTypeLike, target: npt.DTypeLike
) -> PyOpenColorIO.CPUProcessor:
    """Return a processor from one type of sample to another; threads may share it.

    Parameters
    ----------
    transform : Transform
        The transform.
    source : DTypeLike
        Type of the samples that go in.
    target : DTypeLike
        Type of the samples that come out.
    """
    try:
        made = PyOpenColorIO.Config.CreateRaw().getProcessor(transform)
        return made.getOptimizedCPUProcessor(
            bands.DEPTHS[np.dtype(source)], bands.DEPTHS[np.dtype(target)], LOSSLESS
        )
    except (PyOpenColorIO.Exception, PyOpenColorIO.ExceptionMissingFile) as error:
        raise Internal(f"OpenColorIO refuses the grade: {error}") from error


def luminance() -> PyOpenColorIO.MatrixTransform:
    """Return step 15 as a transform: all three channels become the luminance."""
    return _matrix(np.tile(LUMINANCE, (3, 1)))


def _copy(group: PyOpenColorIO.GroupTransform) -> PyOpenColorIO.GroupTransform:
    made = PyOpenColorIO.GroupTransform()
    for transform in group:
        made.appendTransform(transform)
    return made


def _input_power(group: PyOpenColorIO.GroupTransform, exact_grade: ExactGrade, bits: int) -> None:
    if exact_grade.gamma_in == 1.0:
        return
    if bits == FLOAT:
        power = [exact_grade.gamma_in] * 3 + [1.0]
        group.appendTransform(PyOpenColorIO.RangeTransform(0.0, 1.0, 0.0, 1.0))
        group.appendTransform(PyOpenColorIO.ExponentTransform(value=power))
    else:
        group.appendTransform(_lut([np.linspace(0.0, 1.0, 1 << bits) ** exact_grade.gamma_in] * 3))


def _logarithm_table(
    group: PyOpenColorIO.GroupTransform, exact_grade: ExactGrade, d: density.Density, bits: int
) -> None:
    front = exact_grade.front.tobytes()
    group.appendTransform(_logarithms(exact_grade.gamma_in, front, d.low, d.high, bits))


@functools.lru_cache(maxsize=2)
def _logarithms(
    gamma_in: float, front: bytes, low: float, high: float, bits: int
) -> PyOpenColorIO.Lut1DTransform:
    """Return a cached table; the next grade with other gains saves a third of its compile time."""
    codes = np.linspace(0.0, 1.0, 1 << bits)[:, None] ** gamma_in
    x = np.clip(codes * np.diag(np.frombuffer(front).reshape(3, 3)), low, high)
    return _lut(list(np.log(x.T)))


def _tables(exact_grade: ExactGrade) -> tuple[density_lut.Table, ...] | None:
    if exact_grade.tones is None:
        return None
    return _tabulated(
        exact_grade.tones, exact_grade.transfer, exact_grade.gamma_out, exact_grade.joint
    )


@functools.lru_cache(maxsize=2)
def _tabulated(
    tones: tuple[curves.Tone, ...], transfer: Transfer, gamma_out: float, joint: bool
) -> tuple[density_lut.Table, ...]:
    """Return cached tables; the next grade with other gains saves a quarter of its time."""
    # Light below an eighth of a code value, also after a matrix that multiplies by ten.
    end = gamma_out * np.log10(8.0 * density_lut.CODES) + 1.0
    sought = tuple(
        density_lut.Sought(_generous(tone).light, tone.corners(), 0.0 if tone.curves else end)
        for tone in tones
    )
    dark = density_lut.DARK if gamma_out > 1.0 else 0.0
    encode = functools.partial(encoded, kind=transfer, gamma_out=gamma_out)
    return density_lut.build(sought, encode, joint=joint, dark=dark)


def _generous(tone: curves.Tone) -> curves.Tone:
    """Return the tone with slightly less glare: float32 then errs above zero light, not below."""
    return curves.Tone(tone.curves, tone.glare * (1.0 - accuracy.GLARE_MARGIN))


def _tone(
    group: PyOpenColorIO.GroupTransform,
    d: density.Density,
    tables: tuple[density_lut.Table, ...],
    base: float,
) -> None:
    """Append the steps from logarithms to print density, in steps of the table, to its values."""
    last = len(tables[0].values) - 1
    scale = 1.0 / (last * np.array([t.step for t in tables]))
    shift = scale * (d.offset - np.array([t.start for t in tables]))
    group.appendTransform(_matrix(scale[:, None] * d.matrix * np.log10(base), shift))
    group.appendTransform(_lut([t.values for t in tables]))


def _encode(
    group: PyOpenColorIO.GroupTransform, exact_grade: ExactGrade, size: int, below: float
) -> None:
    """Append the output matrix and the encoding, whose table starts ``below`` zero light."""
    if exact_grade.plain:
        group.appendTransform(_matrix(exact_grade.back))
        group.appendTransform(PyOpenColorIO.RangeTransform(0.0, 1.0, 0.0, 1.0))
        return
    span = 1.0 + below
    group.appendTransform(_matrix(exact_grade.back / span, np.full(3, below / span)))
    values = exact_grade.encode(np.linspace(-below, 1.0, size))
    if below:
        values[1:] = np.maximum(values[1:], 1.0 / accuracy.CODES)
    group.appendTransform(_lut([values] * 3))


def _fine(exact_grade: ExactGrade) -> PyOpenColorIO.GroupTransform:
    """Return the encoding as a table over square roots, where it is almost straight."""
    roots = np.linspace(0.0, 1.0, accuracy.ENCODE_SIZE)
    made = PyOpenColorIO.GroupTransform()
    made.appendTransform(_lut([exact_grade.encode(roots**2)] * 3))
    return made


def _matrix(matrix: Array, offset: Array | None = None) -> PyOpenColorIO.MatrixTransform:
    matrix4 = np.eye(4)
    matrix4[:3, :3] = matrix
    shift = [0.0] * 3 if offset is None else offset.tolist()
    return PyOpenColorIO.MatrixTransform(matrix=matrix4.ravel().tolist(), offset=[*shift, 0.0])


def _lut(channels: list[Array]) -> PyOpenColorIO.Lut1DTransform:
    values = np.stack(channels, axis=1).astype(np.float32)
    made = PyOpenColorIO.Lut1DTransform(length=len(values), inputHalfDomain=False)
    made.setInterpolation(PyOpenColorIO.INTERP_LINEAR)
    made.setData(values.ravel())
    return made
