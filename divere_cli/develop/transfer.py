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

from divere_cli.errors import CorruptInput
from divere_cli.image import embedded, trc
from divere_cli.image.layout import Header
from divere_cli.image.source import Source
from divere_cli.image.trc import BT709, LINEAR, SRGB, Curve, NoCurve
from divere_cli.records.job import InputTransfer

_CAMERA = ("raw", "dng")
# 8-bit formats of displays: without a profile their samples are sRGB
_DISPLAY = {"jpeg": "JPEG", "webp": "WebP", "gif": "GIF", "bmp": "BMP", "avif": "AVIF"}
_NAMES = {"srgb": "sRGB", "icc": "encoded by a curve", "bt709": "BT.709"}
# formats whose headers do not say whether there is a profile
_MAY_HAVE = ("jpeg", "jp2", "webp")
_CURVES = {"linear": LINEAR, "srgb": SRGB, "bt709": BT709}
_ICC = "ICC profile"
_TAKEN_AS_LINEAR = "its samples are taken as linear; --input-transfer says what they are"
_TAKEN_WITHOUT = "the scan is read as if it had none; --input-transfer says what its samples are"
_LIKE_SRGB = (2.0, 2.5)  # gammas that a preset may use to approximate sRGB


@dataclass(frozen=True)
class Decided:
    """The curve to apply, its word for the report, notes and warnings."""

    curve: Curve
    word: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stated:
    """What the file says: the curve, the part of the file that says it, and warnings.

    ``by`` is empty if the file says nothing; its samples are taken as linear.
    """

    curve: Curve
    by: str = ""
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
    if requested.option not in ("auto", "icc"):
        curve = _stated_curve(requested.option)
        return Decided(curve, curve.word, _note(curve, "--input-transfer"))
    stated = _stated(path, header)
    if requested.option == "icc":
        if stated.by != _ICC:
            missing = "no ICC profile with a tone curve: its samples are taken as linear"
            warnings = (*stated.warnings, f"--input-transfer icc: {missing}")
            return Decided(LINEAR, "linear", (), warnings)
    elif requested.preset_gamma is not None:
        return _preset(requested.preset_gamma, stated)
    curve = stated.curve
    return Decided(curve, curve.word, _note(curve, _whose(stated.by)), stated.warnings)


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
        if kind.kind != "u" or self._curve.channels:
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


def _preset(gamma: float, stated: _Stated) -> Decided:
    """Use the user's preset; warn if the file disagrees with it."""
    word = "linear" if gamma == 1.0 else f"gamma {gamma:.4g}"
    curve, by = stated.curve, stated.by
    if not by:
        return Decided(LINEAR, word, (), stated.warnings)
    close_to_srgb = curve.word in ("srgb", "bt709") and _LIKE_SRGB[0] <= gamma <= _LIKE_SRGB[1]
    power = curve.table is None and curve.word not in _NAMES
    same_gamma = power and abs(curve.gamma - gamma) < 0.05
    assumed = by.startswith("an 8") and gamma != 1.0
    if close_to_srgb or same_gamma or assumed:
        return Decided(LINEAR, word, (), stated.warnings)
    text = (
        f"the preset says its samples are {word}, the file that they are {_curve_name(curve)} "
        f"({by}): the preset is taken; --input-transfer says it for all"
    )
    return Decided(LINEAR, word, (), (*stated.warnings, text))


def _stated(path: str, header: Header) -> _Stated:
    """Return what the file declares; what cannot be used of it is a warning."""
    if header.format in _CAMERA or header.variant == "dng":
        return _Stated(LINEAR, "kind")
    curve, warnings = _by_profile(path, header) if header.transfer in ("", "icc") else (None, ())
    if header.sample == "float":
        if curve is not None and curve.word != "linear":
            text = f"its ICC profile is for {_curve_name(curve)} samples; float samples are linear"
            warnings = (*warnings, f"{text}: --input-transfer icc applies it")
            return _Stated(LINEAR, "kind", warnings)
        return _Stated(LINEAR, "kind", warnings)
    if curve is not None:
        return _Stated(curve, _ICC, warnings)
    word, by = header.transfer, header.transfer_by
    if word == "icc":
        word, by = header.transfer_else, header.transfer_else_by
    named_curve = _named(word)
    if named_curve is not None:
        return _Stated(named_curve, by or "header", warnings)
    if word:
        text = f"its {by} says {word}, which divere does not apply"
        warnings = (*warnings, f"{text}; {_TAKEN_AS_LINEAR}")
    if header.format in _DISPLAY and header.bits == 8:
        without = "whose profile cannot be used" if warnings else "without a profile"
        return _Stated(SRGB, f"an 8-bit {_DISPLAY[header.format]} {without}", warnings)
    return _Stated(LINEAR, "", warnings)


def _by_profile(path: str, header: Header) -> tuple[Curve | None, tuple[str, ...]]:
    """Return the curve of the embedded profile, or a warning why it cannot be used."""
    if header.icc is None and header.transfer != "icc" and header.format not in _MAY_HAVE:
        return None, ()
    try:
        with Source(path) as source:
            profile = embedded.read(source, header)
        if not profile:
            empty = header.icc is not None or header.transfer == "icc"
            return None, (f"the ICC profile is empty; {_TAKEN_WITHOUT}",) if empty else ()
        return trc.read(profile, header.channels), ()
    except NoCurve as error:
        reason = str(error)
    except CorruptInput as error:
        reason = error.message
    return None, (f"the ICC profile cannot be used ({reason}); {_TAKEN_WITHOUT}",)


def _named(word: str) -> Curve | None:
    if word in _CURVES:
        return _CURVES[word]
    if word.startswith("gamma "):
        return trc.power(float(word.removeprefix("gamma ")))
    return None


def _whose(by: str) -> str:
    return by if by.startswith("an 8") else f"its {by}"


def _note(curve: Curve, by: str) -> tuple[str, ...]:
    if curve.word == "linear":
        return ()
    return (f"samples are {_curve_name(curve)} by {by}: made linear",)


def _curve_name(curve: Curve) -> str:
    return _NAMES.get(curve.word, curve.word)
