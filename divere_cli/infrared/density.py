"""Stored codes to log density, or natural logarithms, and back.

Covers 8-bit and 16-bit codes and floats of 0 to 1.
What it does not cover: what the codes mean in light. A scan that is stored with
a gamma has its densities divided by it, in color as in infrared's crosstalk,
which is measured.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FLOOR = 1e-5  # least transmittance of a float sample; 16-bit codes end at 1 / 65535
DECADE = float(np.log(10))


def logarithm(samples: NDArray[Any], out: Floats | None = None) -> Floats:
    """Return the natural logarithm of stored samples: density times -ln 10, and an offset.

    Parameters
    ----------
    samples : ndarray of uint8, uint16 or float32
        Any shape; a code of 0 counts as 1.
    out : ndarray of float32, optional
        Where to write it, of the same shape.

    Returns
    -------
    ndarray of float32
    """
    values = np.empty(samples.shape, np.float32) if out is None else out
    # logarithms of floats take half the time of a table of all codes (measured)
    values[...] = samples
    least = np.float32(1 if samples.dtype.kind == "u" else FLOOR)
    np.maximum(values, least, out=values)
    return np.log(values, out=values)


def density(samples: NDArray[Any]) -> Floats:
    """Return the log density of stored samples.

    Parameters
    ----------
    samples : ndarray of uint8, uint16 or float32
        Any shape; floats are transmittance, 1 clear.

    Returns
    -------
    ndarray of float32
        0 at full transmittance; a code of 0 counts as 1.
    """
    values = logarithm(samples)
    np.subtract(np.log(np.float32(full(samples.dtype))), values, out=values)
    return np.multiply(values, np.float32(1 / DECADE), out=values)


def codes(logarithms: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Turn natural logarithms into samples; what :func:`logarithm` undoes.

    Parameters
    ----------
    logarithms : ndarray of float32
        Overwritten.
    dtype : dtype
        uint8, uint16 or float32.

    Returns
    -------
    ndarray
        Rounded and held within the range of the codes.
    """
    light = np.exp(logarithms, out=logarithms)
    if dtype.kind != "u":
        return light.astype(dtype, copy=False)
    np.rint(light, out=light)
    return np.minimum(light, np.float32(full(dtype)), out=light).astype(dtype)


def full(dtype: np.dtype[Any]) -> int:
    """Return the sample of full transmittance.

    Parameters
    ----------
    dtype : dtype
        uint8, uint16 or float32.

    Returns
    -------
    int
        The highest code, or 1 of floats.
    """
    return int((1 << 8 * dtype.itemsize) - 1) if dtype.kind == "u" else 1
