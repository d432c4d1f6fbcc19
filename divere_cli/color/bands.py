"""Bands of pixels: converting samples to float64, and passing bands to OpenColorIO.

Covers normalizing (step 1) and the description of C-contiguous bands in memory. Not covered: what
is computed with them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import PyOpenColorIO

from divere_cli.color.exact import finite
from divere_cli.errors import Internal

Array = npt.NDArray[np.float64]
Band = npt.NDArray[Any]

DEPTHS = {
    np.dtype(np.uint8): PyOpenColorIO.BIT_DEPTH_UINT8,
    np.dtype(np.uint16): PyOpenColorIO.BIT_DEPTH_UINT16,
    np.dtype(np.float32): PyOpenColorIO.BIT_DEPTH_F32,
}


class Levels:
    """Converts samples of one type to float64: codes to 0..1, float samples unchanged.

    Attributes
    ----------
    top : float
        The largest code value; 1 for float samples.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.top = float(np.iinfo(self.dtype).max) if self.dtype.kind == "u" else 1.0

    def of(self, samples: Band) -> Array:
        """Return normalized samples, float64, of the same shape."""
        return finite(samples / self.top if self.top != 1.0 else samples.astype(np.float64))

    def clean(self, samples: Band) -> Band:
        """Return the samples with infinities and NaN replaced."""
        return samples if self.dtype.kind == "u" else finite(samples)


def run(processor: PyOpenColorIO.CPUProcessor, src: Band, out: Band) -> None:
    """Process one band into another, both of shape (rows, width, 3 or 4), C-contiguous.

    Parameters
    ----------
    processor : CPUProcessor
        The OpenColorIO processor.
    src : Band
        The band to read.
    out : Band
        The band to write.
    """
    try:
        processor.apply(_described(src), _described(out))
    except PyOpenColorIO.Exception as error:
        raise Internal(f"OpenColorIO fails on a band: {error}") from error


def _described(band: Band) -> PyOpenColorIO.PackedImageDesc:
    rows, width, channels = band.shape
    size = band.itemsize
    pixel = size * channels
    return PyOpenColorIO.PackedImageDesc(
        band, width, rows, channels, DEPTHS[band.dtype], size, pixel, pixel * width
    )
