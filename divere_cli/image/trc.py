"""Reads the tone curves of an ICC profile, which relate samples to light.

Covers matrix/TRC profiles (ICC.1:2010 10.6 and 10.18: ``curv`` and ``para``) of RGB, also with
a curve for each channel, and of gray. Not covered: lookup tables (``A2B0``) and colors; the
reason why a profile cannot be used is in the error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RGB_CURVES = (b"rTRC", b"gTRC", b"bTRC")
_NEAR = 0.002  # of light; curves with smaller differences are equal
_MOST = 1 << 16  # entries of a table
_LEAST_GAMMA, _MOST_GAMMA = 0.1, 10.0
_MOST_TAGS = 100
_FIRST_TAG = 132
_SIGNATURE = b"acsp"


class NoCurve(ValueError):
    """A profile has no tone curve for these samples; the text is the reason."""


@dataclass(frozen=True)
class Curve:
    """Light of a sample, both 0..1: ``word`` is ``linear``, ``srgb``, ``gamma X`` or ``icc``.

    ``channels`` are the curves of red, green and blue where they differ.
    """

    word: str
    gamma: float = 1.0
    table: Floats | None = None
    channels: tuple[Curve, ...] = ()

    def light(self, samples: Floats) -> Floats:
        """Return light, 0..1, of samples of 0..1; with ``channels``, of shape (..., 3)."""
        x = np.clip(samples, 0.0, 1.0)
        if self.channels:
            return np.stack([curve.light(x[..., i]) for i, curve in enumerate(self.channels)], -1)
        if self.word == "srgb":
            return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        if self.word == "bt709":
            return np.where(x < 0.081, x / 4.5, ((x + 0.099) / 1.099) ** (1 / 0.45))
        if self.table is not None:
            return np.interp(x, np.linspace(0.0, 1.0, len(self.table)), self.table)
        return np.asarray(x**self.gamma)


# BT709: the inverse of the camera curve of ITU-R BT.709
LINEAR, SRGB, BT709 = Curve("linear"), Curve("srgb"), Curve("bt709")


def power(gamma: float) -> Curve:
    """Return the curve of a power.

    Parameters
    ----------
    gamma : float
        The exponent.
    """
    return LINEAR if abs(gamma - 1.0) < 1e-6 else Curve(f"gamma {gamma:.4g}", gamma)


def read(profile: bytes, channels: int = 3) -> Curve:
    """Return the tone curve of an ICC profile.

    Parameters
    ----------
    profile : bytes
        An ICC profile.
    channels : int, default 3
        Channels of the picture, 1 or 3.

    Raises
    ------
    NoCurve
        The profile is damaged, of another kind of samples, or has no curve that can be read.
    """
    if profile[36:40] != _SIGNATURE:
        raise NoCurve("it is damaged")
    space = profile[16:20]
    if space not in (b"RGB ", b"GRAY"):
        name = space.decode("latin-1").strip()
        raise NoCurve(f"it is of {name!r} samples" if name.isalnum() else "it is damaged")
    if space == b"GRAY" and channels == 3:
        raise NoCurve("it is of gray samples, and the scan is RGB")
    try:
        tags = _tags(profile)
        names = (b"kTRC",) if space == b"GRAY" else _RGB_CURVES
        curves = [_checked(_curve(tags[name])) for name in names if name in tags]
    except (struct.error, ValueError, IndexError, ArithmeticError) as error:
        raise NoCurve("its tone curve is damaged") from error
    if not curves and b"A2B0" in tags:
        raise NoCurve("it is a lookup table without a tone curve")
    if not curves:
        raise NoCurve("it has no tone curve")
    return _joined(curves, channels)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _FIRST_TAG - 4)
    tags = {}
    for index in range(min(count, _MOST_TAGS)):
        name, at, size = struct.unpack_from(">4sII", profile, _FIRST_TAG + 12 * index)
        tags[name] = profile[at : at + size]
    return tags


def _joined(curves: list[Curve], channels: int) -> Curve:
    """Return one curve for all channels if they are equal."""
    x = np.linspace(0.0, 1.0, 1024)
    light = [curve.light(x) for curve in curves]
    if all(np.abs(other - light[0]).max() < _NEAR for other in light[1:]):
        return curves[0]
    if channels == 1:
        raise NoCurve("its red, green and blue have different curves, and the scan is gray")
    if len(curves) != len(_RGB_CURVES):
        raise NoCurve("a tone curve is missing")
    return Curve("icc", channels=tuple(curves))


def _checked(curve: Curve) -> Curve:
    if not _LEAST_GAMMA <= curve.gamma <= _MOST_GAMMA:
        raise ValueError("the gamma is not possible")
    if curve.table is not None and not np.isfinite(curve.table).all():
        raise ValueError("the curve has no finite values")
    return curve


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        if count == 0:
            return LINEAR
        if count == 1:
            return power(struct.unpack_from(">H", tag, 12)[0] / 256.0)
        if count > _MOST:
            raise ValueError("too many entries")
        values = np.frombuffer(tag, ">u2", count, 12) / 65535.0
        return _named(np.asarray(values, np.float64))
    if tag[:4] == b"para":
        kind = struct.unpack_from(">H", tag, 8)[0]
        numbers = [v / 65536.0 for v in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
        if kind == 0:
            return power(numbers[0])
        return _named(_parametric(kind, numbers))
    raise ValueError("no curve")


def _parametric(kind: int, numbers: list[float]) -> Floats:
    """Evaluate a parametric curve (ICC.1:2010 table 65) at 4096 points."""
    x = np.linspace(0.0, 1.0, 4096)
    g, a, b, c, d, e, f = (*numbers, *([0.0] * (7 - len(numbers))))
    base = np.maximum(a * x + b, 0.0) ** g
    if kind == 1:
        return np.asarray(np.where(x >= -b / a, base, 0.0))
    if kind == 2:
        return np.asarray(np.where(x >= -b / a, base + c, c))
    if kind == 3:
        return np.asarray(np.where(x >= d, base, c * x))
    return np.asarray(np.where(x >= d, base + e, c * x + f))


def _named(table: Floats) -> Curve:
    """Return the known curve that equals a table, or the table itself."""
    x = np.linspace(0.0, 1.0, len(table))
    for named in (LINEAR, SRGB):
        if np.abs(named.light(x) - table).max() < _NEAR:
            return named
    inner = (x > 0.1) & (x < 0.95) & (table > 1e-4)
    if inner.any():
        gamma = round(float(np.median(np.log(table[inner]) / np.log(x[inner]))), 3)
        if np.abs(x**gamma - table).max() < _NEAR:
            return Curve(f"gamma {gamma:.4g}", gamma)
    return Curve("icc", 1.0, table)
