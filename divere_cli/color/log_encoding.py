"""Converts samples of a scan to logarithms of light in the working space.

Covers steps 1 to 4 where an input matrix mixes the channels: float64 up to the logarithm, float32
from there. The matrix subtracts nearly equal numbers; float32 would leave few digits for the
logarithm, float64 keeps them all. Not covered: scans that are in the working space already, whose
code values OpenColorIO looks up (:mod:`.ocio`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from divere_cli.color import bands
from divere_cli.color.exact import ExactGrade

Array = npt.NDArray[np.float64]
Band = npt.NDArray[Any]

# Pixels whose float64 numbers stay in the cache: measured, twice as many are no faster.
PIECE = 1 << 13
# A fourth channel, always 0: OpenColorIO uses four floats per pixel directly (1.5 ns), but
# has to unpack three (4.8 ns).
CHANNELS = 4


class Logarithms:
    """Computes logarithms for the scans of one grade; threads may share it."""

    def __init__(self, exact_grade: ExactGrade, levels: bands.Levels) -> None:
        assert exact_grade.density is not None
        self._exact = exact_grade
        self._levels = levels
        self._interval = (np.float32(exact_grade.density.low), np.float32(exact_grade.density.high))
        self._front = np.zeros((3, CHANNELS))
        self._front[:, :3] = exact_grade.front.T
        self._powers: Array | None = None
        if levels.dtype.kind == "u" and exact_grade.gamma_in == 1.0:
            self._front /= levels.top
        elif levels.dtype.kind == "u":
            self._powers = exact_grade.powered(np.linspace(0.0, 1.0, int(levels.top) + 1))

    def of(self, src: Band) -> Band:
        """Return natural logarithms of a band, float32.

        Parameters
        ----------
        src : ndarray, shape (rows, width, 3), uint8, uint16 or float32

        Returns
        -------
        ndarray, float32, shape (rows, width, 4)
            The fourth channel means nothing.
        """
        out = np.empty((*src.shape[:2], CHANNELS), np.float32)
        samples, flat = src.reshape(-1, 3), out.reshape(-1, CHANNELS)
        for first in range(0, len(samples), PIECE):
            part = flat[first : first + PIECE]
            np.copyto(part, self._linear(samples[first : first + PIECE]) @ self._front)
            np.clip(part, *self._interval, out=part)
            # log is faster than log2 on processors without AVX-512: 4.6 ns instead of 8.1.
            np.log(part, out=part)
        return out

    def _linear(self, samples: Band) -> Array:
        """Apply steps 1 and 2; code values stay unchanged if the matrix includes the division."""
        if self._powers is not None:
            return np.take(self._powers, samples, mode="clip")
        if self._levels.dtype.kind == "u":
            return samples.astype(np.float64)
        return self._exact.powered(self._levels.of(samples))
