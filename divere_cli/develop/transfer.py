"""How a scan's samples relate to light, and the step that makes them linear.

Covers ``--input-transfer``: what was asked for, what a user's preset says, what the
file says of itself, in this order; and the step, one table look-up a sample. A plain
linear scan needs no step: its samples reach the grade as they are.
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
_LIKE_SRGB = (2.0, 2.5)  # powers that a preset may give what is sRGB


@dataclass(frozen=True)
class Decided:
    """The curve to apply, the word for the report, and what is to be said."""

    curve: Curve
    word: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def decide(asked: InputTransfer, path: str, header: Header) -> Decided:
    """Decide how samples are made linear.

    Parameters
    ----------
    asked : InputTransfer
    path : str
        The scan: its ICC profile is read where the header says where it lies.
    header : Header
    """
    said, by = _file(path, header)
    if asked.option not in ("auto", "icc"):
        curve = _given(asked.option)
        return Decided(curve, curve.word, _note(curve, "--input-transfer"))
    if asked.option == "icc":
        if by != "ICC profile":
            missing = "no ICC profile with a tone curve: its samples are taken for linear"
            return Decided(LINEAR, "linear", (), (f"--input-transfer icc: {missing}",))
        return Decided(said, said.word, _note(said, f"its {by}"))
    if asked.preset_gamma is not None:
        return _preset(asked.preset_gamma, said, by)
    return Decided(said, said.word, _note(said, by if by.startswith("an 8") else f"its {by}"))


class Transfer:
    """The step: light of samples. Threads may share it; rows know nothing of each other.

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
        np.take(table, samples, out=out, mode="wrap")  # no code is outside: half the time


def _given(option: str) -> Curve:
    if option == "linear":
        return LINEAR
    return SRGB if option == "srgb" else trc.power(float(option))


def _preset(gamma: float, said: Curve, by: str) -> Decided:
    """The user's preset is taken at its word; what the file says otherwise is said."""
    word = "linear" if gamma == 1.0 else f"gamma {gamma:.4g}"
    like = said.word == "srgb" and _LIKE_SRGB[0] <= gamma <= _LIKE_SRGB[1]
    near = said.table is None and said.word != "srgb" and abs(said.gamma - gamma) < 0.05
    if like or near or (by.startswith("an 8") and gamma != 1.0):
        return Decided(LINEAR, word)
    text = (
        f"the preset says its samples are {word}, the file that they are {_shown(said)} "
        f"({by}): the preset is taken; --input-transfer says it for all"
    )
    return Decided(LINEAR, word, (), (text,))


def _file(path: str, header: Header) -> tuple[Curve, str]:
    """What the file says, and which part of it."""
    if header.format in _CAMERA or header.variant == "dng" or header.sample == "float":
        return LINEAR, "kind"
    if header.transfer:
        known = _named(header.transfer)
        if known is not None:
            return known, header.transfer_by or "header"
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
    return (f"samples are {_shown(curve)} by {by}: made linear",)


def _shown(curve: Curve) -> str:
    return {"srgb": "sRGB", "icc": "encoded by a curve"}.get(curve.word, curve.word)
