"""CIE Lab and CIEDE2000.

Covers XYZ to Lab and back, and the color difference of two Lab arrays. Adaptation from one
white to another is not covered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# The white of the ICC's profile connection space (ICC.1:2022, 7.2.16): D50.
D50 = np.array([0.9642, 1.0, 0.8249])
_EPSILON = (6.0 / 29.0) ** 3
_SLOPE = (29.0 / 6.0) ** 2 / 3.0


def lab(xyz: ArrayLike, white: ArrayLike = D50) -> Floats:
    """Convert XYZ to Lab.

    Parameters
    ----------
    xyz : array_like
        ``(..., 3)``, Y of white is 1; values below 0 follow the linear part.
    white : array_like
        XYZ of white.

    Returns
    -------
    ndarray
        ``(..., 3)`` float64.

    Notes
    -----
    CIE 015:2018, section 8.2.1.
    """
    ratio = np.asarray(xyz, np.float64) / np.asarray(white, np.float64)
    root = np.cbrt(np.maximum(ratio, _EPSILON))
    f = np.where(ratio > _EPSILON, root, _SLOPE * ratio + 4.0 / 29.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def xyz_of_lab(values: ArrayLike, white: ArrayLike = D50) -> Floats:
    """Convert Lab to XYZ: the inverse of :func:`lab`.

    Parameters
    ----------
    values : ArrayLike
        Lab, shape (..., 3).
    white : ArrayLike, default D50
        XYZ of the white, shape (3,).

    Returns
    -------
    Floats
        XYZ, shape (..., 3).
    """
    labs = np.asarray(values, np.float64)
    y = (labs[..., 0] + 16.0) / 116.0
    f = np.stack([y + labs[..., 1] / 500.0, y, y - labs[..., 2] / 200.0], axis=-1)
    ratio = np.where(f > 6.0 / 29.0, f**3, (f - 4.0 / 29.0) / _SLOPE)
    return np.asarray(ratio * np.asarray(white, np.float64))


def ciede2000(lab_1: ArrayLike, lab_2: ArrayLike) -> Floats:
    """Return the CIEDE2000 differences of two arrays, with kL = kC = kH = 1.

    Parameters
    ----------
    lab_1 : ArrayLike
        Lab, shape (..., 3).
    lab_2 : ArrayLike
        Lab, shape (..., 3).

    Returns
    -------
    Floats
        Differences, shape (...).

    Notes
    -----
    CIE 142-2001, in the form of Sharma, Wu and Dalal, 2005 (Color Research and
    Application 30, 21-30), whose test data it meets.
    """
    first, second = np.asarray(lab_1, np.float64), np.asarray(lab_2, np.float64)
    chroma = 0.5 * (_chroma(first) + _chroma(second))
    stretch = 1.0 + 0.5 * (1.0 - np.sqrt(chroma**7 / (chroma**7 + 25.0**7)))
    c1, h1 = _polar(first, stretch)
    c2, h2 = _polar(second, stretch)
    dl, dc = second[..., 0] - first[..., 0], c2 - c1
    gray = c1 * c2 == 0.0
    dh = np.where(gray, 0.0, (h2 - h1 + 180.0) % 360.0 - 180.0)
    dh = np.where(dh == -180.0, 180.0, dh)
    big_dh = 2.0 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2.0)
    mean_l, mean_c = 0.5 * (first[..., 0] + second[..., 0]), 0.5 * (c1 + c2)
    mean_h = np.where(gray, h1 + h2, _mean_hue(h1, h2))
    weight = (
        1.0
        - 0.17 * np.cos(np.radians(mean_h - 30.0))
        + 0.24 * np.cos(np.radians(2.0 * mean_h))
        + 0.32 * np.cos(np.radians(3.0 * mean_h + 6.0))
        - 0.20 * np.cos(np.radians(4.0 * mean_h - 63.0))
    )
    lightness = (mean_l - 50.0) ** 2
    l_term = dl / (1.0 + 0.015 * lightness / np.sqrt(20.0 + lightness))
    c_term = dc / (1.0 + 0.045 * mean_c)
    h_term = big_dh / (1.0 + 0.015 * mean_c * weight)
    turn = 30.0 * np.exp(-(((mean_h - 275.0) / 25.0) ** 2))
    rotation = -2.0 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(np.radians(2.0 * turn))
    squared = l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _chroma(values: Floats) -> Floats:
    return np.hypot(values[..., 1], values[..., 2])


def _polar(values: Floats, stretch: Floats) -> tuple[Floats, Floats]:
    """Return chroma, and hue in degrees from 0 to 360, of Lab values with a stretched."""
    a, b = values[..., 1] * stretch, values[..., 2]
    hue = np.where((a == 0.0) & (b == 0.0), 0.0, np.degrees(np.arctan2(b, a)) % 360.0)
    return np.hypot(a, b), hue


def _mean_hue(h1: Floats, h2: Floats) -> Floats:
    apart = np.abs(h1 - h2) > 180.0
    total = h1 + h2
    return np.where(apart, np.where(total < 360.0, total + 360.0, total - 360.0), total) * 0.5
