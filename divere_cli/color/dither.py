"""Dither: uniform noise of one code value, so that 8 bits keep the mean of smooth areas.

The noise is a fixed tile that starts at the picture's first pixel: a frame is the same in every
run and with any split into bands. Not covered: noise shaping, 16-bit positives (their grain is
their dither).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Band = npt.NDArray[Any]

TILE = 256
SEED = 20


class Noise:
    """A tile of noise, shape (256, 256, 3), float32 of 0..1."""

    def __init__(self) -> None:
        generator = np.random.Generator(np.random.PCG64(SEED))
        # Multiples of 2^-24: float32 can store them all, and 1.0 is never reached.
        steps = generator.integers(0, 1 << 24, (TILE, TILE, 3))
        self._tile = (steps / np.float64(1 << 24)).astype(np.float32)

    def quantized(self, codes: Band, row: int, top: float) -> Band:
        """Round ``codes`` to whole numbers in place, keeping the mean over many pixels.

        Parameters
        ----------
        codes : ndarray, float, shape (rows, width, 1 or 3)
            Code values with their fractions.
        row : int
            Row of the picture where ``codes`` start.
        top : float
            The largest code value.
        """
        rows, width, channels = codes.shape
        noise = self._tile[(row + np.arange(rows)) % TILE, :, :channels]
        for left in range(0, width, TILE):
            part = codes[:, left : left + TILE]
            part += noise[:, : part.shape[1]]
        return np.clip(np.floor(codes, out=codes), 0.0, top, out=codes)
