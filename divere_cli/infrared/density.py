"""Stored codes to log density and back.

Covers 8-bit and 16-bit codes and floats of 0 to 1, by table where there is one.
What it does not cover: what the codes mean in light. A scan that is stored with
a gamma has its densities divided by it, in color as in infrared's crosstalk,
which is measured.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# of a float sample; 16-bit codes end at 1 / 65535
FLOOR = 1e-5


@cache
def _table(top: int) -> Floats:
    codes = np.arange(top + 1, dtype=np.float64)
    values = np.log10(top) - np.log10(np.maximum(codes, 1))
    return np.asarray(values, dtype=np.float32)


def density(codes: NDArray[Any]) -> Floats:
    """Log density of stored samples.

    Parameters
    ----------
    codes : ndarray of uint8, uint16 or float
        Any shape; floats are transmittance, 1 clear.

    Returns
    -------
    ndarray of float32
        0 at full transmittance; a code of 0 counts as 1.
    """
    if codes.dtype.kind == "u":
        return _table(int(np.iinfo(codes.dtype).max)).take(codes)
    values: Floats = np.maximum(codes, np.float32(FLOOR), dtype=np.float32)
    np.log10(values, out=values)
    np.negative(values, out=values)
    return values


def codes(values: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Turn log density into samples of ``dtype``; what :func:`density` undoes.

    Parameters
    ----------
    values : ndarray of float32
    dtype : dtype
        uint8, uint16 or float32.

    Returns
    -------
    ndarray
        Rounded and held within the range of the codes.
    """
    light: Floats = np.power(np.float32(10), -values, dtype=np.float32)
    if dtype.kind != "u":
        return light.astype(dtype)
    top = np.iinfo(dtype).max
    np.multiply(light, np.float32(top), out=light)
    return np.asarray(np.rint(np.clip(light, 0, top)), dtype=dtype)
