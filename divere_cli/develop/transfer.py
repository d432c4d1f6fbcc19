"""How a scan's samples relate to light, and the step that makes them linear.

Covers ``--input-transfer``: the option, then a user's preset, then the file's own data,
in this order; and the step, one table look-up per sample. A linear scan needs no step: its
samples reach the grade unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.image import trc
from divere_cli.image.layout import Header
from divere_cli.image.trc import LINEAR, SRGB, Curve
from divere_cli.records.job import InputTransfer

_MOST_ICC = 8 << 20
_CAMERA = ("raw", "dng")
_LIKE_SRGB = (2.0, 2.5)  # gammas that a preset may use to approximate sRGB


@dataclass(frozen=True)
class Decided:
    """The curve to apply, its word for the report, notes and warnings."""

    curve: Curve
    word: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def decide(requested: InputTransfer, path: str, header: Header) -> Decided:
    """Decide how samples are made linear.

    Parameters
    ----------
    requested : InputTransfer
    path : str
        Path of the scan; its ICC profile is read at the position given by the header.
    header : Header
    """
    file_curve, by = _file(path, header)
    if requested.option not in ("auto", "icc"):
        curve = _stated_curve(requested.option)
        return Decided(curve, curve.word, _note(curve, "--input-transfer"))
    if requested.option == "icc":
        if by != "ICC profile":
            missing = "no ICC profile with a tone curve: its samples are taken for linear"
            return Decided(LINEAR, "linear", (), (f"--input-transfer icc: {missing}",))
        return Decided(file_curve, file_curve.word, _note(file_curve, f"its {by}"))
    if requested.preset_gamma is not None:
        return _preset(requested.preset_gamma, file_curve, by)
    return Decided(
        file_curve, file_curve.word, _note(file_curve, by if by.startswith("an 8") else f"its {by}")
    )


class Transfer:
    """The step that converts samples to light. Threads may share it; rows are independent.

    Parameters
    ----------
    curve : Curve
    """

    codes = False

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._tables: dict[Any, NDArray[np.float32]] = {}

    def apply(
        self, first: int, samples: NDArray[Any], scale: float, out: NDArray[np.float32]
    ) -> None:
        """Fill ``out`` with the light of samples."""
        kind = samples.dtype
        if kind.kind != "u":
            out[:] = self._curve.light(np.asarray(samples, np.float64) * scale)
            return
        table = self._tables.get(kind)
        if table is None:
            codes = np.asarray(np.arange(np.iinfo(kind).max + 1) * scale, np.float64)
            table = self._tables[kind] = self._curve.light(codes).astype(np.float32)
        # all codes are in range; "wrap" takes half the time
        np.take(table, samples, out=out, mode="wrap")


def _stated_curve(option: str) -> Curve:
    if option == "linear":
        return LINEAR
    return SRGB if option == "srgb" else trc.power(float(option))


def _preset(gamma: float, file_curve: Curve, by: str) -> Decided:
    """Use the user's preset; warn if the file disagrees with it."""
    word = "linear" if gamma == 1.0 else f"gamma {gamma:.4g}"
    close_to_srgb = file_curve.word == "srgb" and _LIKE_SRGB[0] <= gamma <= _LIKE_SRGB[1]
    same_gamma = (
        file_curve.table is None
        and file_curve.word != "srgb"
        and abs(file_curve.gamma - gamma) < 0.05
    )
    if close_to_srgb or same_gamma or (by.startswith("an 8") and gamma != 1.0):
        return Decided(LINEAR, word)
    text = (
        f"the preset says its samples are {word}, the file that they are {_curve_name(file_curve)} "
        f"({by}): the preset is taken; --input-transfer says it for all"
    )
    return Decided(LINEAR, word, (), (text,))


def _file(path: str, header: Header) -> tuple[Curve, str]:
    """Return the curve that the file declares, and the part of the file that declares it."""
    if header.format in _CAMERA or header.variant == "dng" or header.sample == "float":
        return LINEAR, "kind"
    if header.transfer:
        named_curve = _named(header.transfer)
        if named_curve is not None:
            return named_curve, header.transfer_by or "header"
    if header.icc is not None and header.icc[1] <= _MOST_ICC:
        with open(path, "rb") as file:
            file.seek(header.icc[0])
            curve = trc.read(file.read(header.icc[1]))
        if curve is not None:
            return curve, "ICC profile"
    if header.format == "jpeg" and header.bits == 8:
        return SRGB, "an 8-bit JPEG without a profile"
    return LINEAR, "kind"


def _named(word: str) -> Curve | None:
    if word in ("linear", "srgb"):
        return SRGB if word == "srgb" else LINEAR
    if word.startswith("gamma "):
        return trc.power(float(word.removeprefix("gamma ")))
    return None


def _note(curve: Curve, by: str) -> tuple[str, ...]:
    if curve.word == "linear":
        return ()
    return (f"samples are {_curve_name(curve)} by {by}: made linear",)


def _curve_name(curve: Curve) -> str:
    return {"srgb": "sRGB", "icc": "encoded by a curve"}.get(curve.word, curve.word)
