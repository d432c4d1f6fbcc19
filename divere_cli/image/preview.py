"""A small picture as JPEG, in memory. For real outputs see :mod:`divere_cli.image.jpeg.reader`."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

QUALITY = 80


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return ``picture``, (rows, width, 1|3) sRGB codes, as a JPEG."""
    pixels = picture[..., 0] if picture.shape[2] == 1 else picture
    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(pixels), level=QUALITY))
