"""Even light: every sample is multiplied by what its place in the light lacks.

Covers the map as plain data (:class:`divere_cli.records.light.LightMap`) and the step
that lays it on bands of linear light: bilinear between the centers of the map's
cells, clipped at 1. The map's rows are spread across the scan's width once; a row
of pixels then takes a multiplication and an addition for its gain, and one for the
samples, all of it in the cache. The gain of a row depends on the row alone, so that
the height of bands moves nothing. Not covered: where the map comes from
(:mod:`divere_cli.develop.light`).
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import Internal
from divere_cli.records.light import LightMap

Floats = NDArray[np.float64]

LEAST_GAIN, MOST_GAIN = 1 / 8, 8.0  # 4 already cuts a falloff of 2 EV that is off center
CODES = 65535.0
HALF = np.float32(0.5)
SPAN = float(np.log(MOST_GAIN / LEAST_GAIN))  # a code is 6e-5: 3e-5 density


def packed(gain: Floats) -> str:
    """Return gains as text: logarithms in 16 bits.

    Parameters
    ----------
    gain : Floats
        Gains, shape (rows, columns, channels).
    """
    codes = np.log(np.clip(gain, LEAST_GAIN, MOST_GAIN) / LEAST_GAIN) * (CODES / SPAN)
    return base64.b64encode(zlib.compress(np.rint(codes).astype("<u2").tobytes())).decode("ascii")


def unpacked(light: LightMap) -> Floats:
    """Return the gains of a light map.

    Parameters
    ----------
    light : LightMap
        The map of the light.

    Returns
    -------
    Floats
        Gains, shape (rows, columns, channels).
    """
    shape = (light.rows, light.columns, light.channels)
    try:
        codes = np.frombuffer(zlib.decompress(base64.b64decode(light.gains)), "<u2")
        return np.asarray(LEAST_GAIN * np.exp(codes.reshape(shape) * (SPAN / CODES)))
    except (ValueError, zlib.error) as error:
        raise Internal(f"the map of the light is damaged: {error}") from error


class FlatField:
    """The step. Threads may share it; rows know nothing of each other.

    Parameters
    ----------
    light : LightMap
    width, height : int
        Of the scan, pixels; the map is laid over all of it.
    channels : int
        Of the scan: 1 or 3. A map of another number is taken as its mean.
    """

    codes = True

    def __init__(self, light: LightMap, width: int, height: int, channels: int) -> None:
        gain = unpacked(light)
        if channels != light.channels:
            gain = np.repeat(gain.mean(axis=2, keepdims=True), channels, axis=2)
        across = (np.arange(width) + 0.5) / (width * light.across) + 0.5
        left = np.clip(np.floor(across).astype(np.intp), 0, light.columns - 2)
        share = np.clip(across - left, 0.0, 1.0)[None, :, None]
        wide = gain[:, left] * (1.0 - share) + gain[:, left + 1] * share
        rows = wide.reshape(light.rows, width * channels)
        self._gain = rows.astype(np.float32)
        down = (np.arange(height) + 0.5) / (height * light.down) + 0.5
        self._above = np.clip(np.floor(down).astype(np.intp), 0, light.rows - 2)
        self._share = np.clip(down - self._above, 0.0, 1.0).astype(np.float32)

    def apply(self, first: int, samples: NDArray[Any], scale: float, out: NDArray[Any]) -> None:
        """Even out rows from row ``first`` of the scan on; ``out`` may be ``samples``.

        ``out`` of uint16 takes codes of 16 bits: samples times gain, rounded.
        """
        lines, light = samples.reshape(len(samples), -1), out.reshape(len(out), -1)
        rise, gain, codes = (np.empty(light.shape[1], np.float32) for _ in range(3))
        rounded = out.dtype.kind == "u"
        top, factor = np.float32(CODES if rounded else 1.0), np.float32(scale)
        last = -1
        for row in range(len(lines)):
            above, share = self._above[first + row], self._share[first + row]
            if above != last:
                start = self._gain[above] * factor
                np.subtract(self._gain[above + 1] * factor, start, out=rise)
                last = above
            np.multiply(rise, share, out=gain)
            np.add(gain, start, out=gain)
            line = codes if rounded else light[row]
            # Copied first: a multiplication of two types goes through numpy's own buffers.
            np.copyto(line, lines[row], casting="unsafe")
            np.multiply(line, gain, out=line)
            if rounded:
                np.add(line, HALF, out=line)
            np.minimum(line, top, out=line)
            if rounded:
                np.copyto(light[row], line, casting="unsafe")
