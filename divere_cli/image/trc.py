"""Reads the tone curve of an ICC profile, which relates samples to light.

Covers matrix/TRC profiles (ICC.1:2010 10.6 and 10.18: ``curv`` and ``para``) of red, or gray. Not
covered: lookup tables (``A2B0``) and colors; a profile without a tone curve is ignored here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TAGS = (b"rTRC", b"kTRC")
_NEAR = 0.002  # of light; curves with smaller differences are equal
_MOST = 1 << 16  # entries of a table


@dataclass(frozen=True)
class Curve:
    """Light of a sample, both 0..1: ``word`` is ``linear``, ``srgb``, ``gamma X`` or ``icc``."""

    word: str
    gamma: float = 1.0
    table: Floats | None = None

    def light(self, samples: Floats) -> Floats:
        """Return light, 0..1, of samples of 0..1."""
        x = np.clip(samples, 0.0, 1.0)
        if self.word == "srgb":
            return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        if self.table is not None:
            return np.interp(x, np.linspace(0.0, 1.0, len(self.table)), self.table)
        return np.asarray(x**self.gamma)


LINEAR, SRGB = Curve("linear"), Curve("srgb")


def power(gamma: float) -> Curve:
    """Return the curve of a power.

    Parameters
    ----------
    gamma : float
        The exponent.
    """
    return LINEAR if abs(gamma - 1.0) < 1e-6 else Curve(f"gamma {gamma:.4g}", gamma)


def read(profile: bytes) -> Curve | None:
    """Return the tone curve of an ICC profile; None if it has none that can be read.

    Parameters
    ----------
    profile : bytes
        An ICC profile.
    """
    try:
        count = struct.unpack_from(">I", profile, 128)[0]
        for i in range(min(count, 100)):
            name, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
            if name in _TAGS:
                return _curve(profile[at : at + size])
    except (struct.error, ValueError):
        return None
    return None


def _curve(tag: bytes) -> Curve | None:
    if tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        if count == 0:
            return LINEAR
        if count == 1:
            return power(struct.unpack_from(">H", tag, 12)[0] / 256.0)
        if count > _MOST:
            return None
        values = np.frombuffer(tag, ">u2", count, 12) / 65535.0
        return _named(np.asarray(values, np.float64))
    if tag[:4] == b"para":
        kind = struct.unpack_from(">H", tag, 8)[0]
        numbers = [v / 65536.0 for v in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
        if kind == 0:
            return power(numbers[0])
        return _named(_parametric(kind, numbers))
    return None


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
