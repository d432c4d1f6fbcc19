"""Reduces a positive in linear light.

Covers decoding to light, resampling, and encoding to the positive's code values. Not covered: the
filter (``image.resample``) and the size.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from divere_cli.color import dither, transfer
from divere_cli.image.parallel import Parallel
from divere_cli.image.resample import Shrink
from divere_cli.records.job import Encoding

Rows = NDArray[Any]


def depth(encoding: Encoding) -> Literal[16, 32]:
    """Return the bits in which a positive is graded before it is reduced, to round only once.

    Parameters
    ----------
    encoding : Encoding
        How the positive is written.
    """
    return 32 if encoding.bit_depth == 32 else 16


class Resize:
    """Converts graded rows to the rows of the smaller positive.

    Parameters
    ----------
    encoding : Encoding
        Of the positive.
    shape : tuple of int
        (height, width, channels) as graded.
    size : tuple of int
        (width, height) of the positive.
    parallel : Parallel
    """

    def __init__(
        self,
        encoding: Encoding,
        shape: tuple[int, int, int],
        size: tuple[int, int],
        parallel: Parallel,
    ) -> None:
        space = encoding.color_space
        self._kind, self._gamma = space.transfer, space.gamma
        self._shrink = Shrink(shape, size, parallel)
        self._bits = encoding.bit_depth
        self._noise = dither.Noise() if encoding.dither and self._bits == 8 else None
        codes = np.linspace(0.0, 1.0, 1 << 16)
        self._light = transfer.decode(codes, self._kind, self._gamma).astype(np.float32)
        self._row = 0

    def add(self, rows: Rows) -> list[Rows]:
        """Add rows of uint16 (float32 for 32 bits); return finished rows in order."""
        if rows.dtype.kind == "u":
            light = self._light.take(rows, mode="clip")
        else:
            light = transfer.decode(rows, self._kind, self._gamma).astype(np.float32)
        return [self._coded(part) for part in self._shrink.add(light)]

    def _coded(self, light: NDArray[np.float32]) -> Rows:
        values = transfer.encode(light.clip(0.0, 1.0).astype(np.float64), self._kind, self._gamma)
        first, self._row = self._row, self._row + len(values)
        if self._bits == 32:
            return values.astype(np.float32)
        top = float((1 << self._bits) - 1)
        codes = values * top
        noise = self._noise
        codes = np.rint(codes) if noise is None else noise.quantized(codes, first, top)
        return codes.astype(f"u{self._bits // 8}")
