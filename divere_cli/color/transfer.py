"""Transfer functions of color spaces: a power, CIE lightness, or the logarithm of ACEScct.

Covers both directions for light of 0..1. An encoding that is no power starts with a straight line,
so that zero light is as exact as any other. Not covered: input gamma (a preset's) and tables
(``ocio``).

Sources: CIE 15:2004, section 8.2.1.1 (lightness, by which ISO 22028-4 encodes eciRGB);
Academy S-2016-001, section 4.4 (ACEScct).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from divere_cli.records.grade import Transfer

Values = npt.NDArray[Any]

# Light and encoded value up to which CIE lightness is linear: (6/29)^3 and 0.08.
KNEE, LIGHTNESS_KNEE = 216.0 / 24389.0, 0.08
LINEAR = 24389.0 / 2700.0
# The linear part of ACEScct, and its end.
CUT, CODE_CUT = 0.0078125, 0.155251141552511
SLOPE, ZERO = 10.5402377416545, 0.0729055341958355
STOPS, ORIGIN = 17.52, 9.72


def encode(light: Values, transfer: Transfer, gamma: float) -> Values:
    """Encode light.

    Parameters
    ----------
    light : Values
        Linear light, 0 to 1, any shape.
    transfer : Transfer
        The transfer function.
    gamma : float
        Its exponent, where it is a power.

    Returns
    -------
    Values
        Encoded values of the same shape; float64 for float64.
    """
    if transfer == "l_star":
        return np.where(light > KNEE, 1.16 * np.cbrt(light) - 0.16, light * LINEAR)
    if transfer == "acescct":
        bright = (np.log2(np.maximum(light, CUT)) + ORIGIN) / STOPS
        return np.where(light > CUT, bright, light * SLOPE + ZERO)
    return np.asarray(light ** (1.0 / gamma))


def decode(codes: Values, transfer: Transfer, gamma: float) -> Values:
    """Decode encoded values to light; in ACEScct, values below zero light become zero.

    Parameters
    ----------
    codes : Values
        Encoded values, 0 to 1, any shape.
    transfer : Transfer
        The transfer function.
    gamma : float
        Its exponent, where it is a power.

    Returns
    -------
    Values
        Linear light of the same shape.
    """
    if transfer == "l_star":
        return np.where(codes > LIGHTNESS_KNEE, ((codes + 0.16) / 1.16) ** 3, codes / LINEAR)
    if transfer == "acescct":
        dark = np.maximum((codes - ZERO) / SLOPE, 0.0)
        return np.where(codes > CODE_CUT, 2.0 ** (codes * STOPS - ORIGIN), dark)
    return np.asarray(codes**gamma)
