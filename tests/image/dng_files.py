"""A camera's raw file, as small as LibRaw takes it: a Bayer mosaic in a DNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

BLACK, WHITE = 256, 16383
GRAY = {"red": 8000, "green": 12000, "blue": 4000}
NEUTRAL = (1, 2, 1, 1, 1, 2)  # quotients: white balance doubles red and blue


def bayer(height: int = 64, width: int = 96) -> NDArray[np.uint16]:
    """A flat RGGB mosaic, which demosaicing leaves as it is."""
    mosaic = np.empty((height, width), np.uint16)
    mosaic[0::2, 0::2] = GRAY["red"]
    mosaic[0::2, 1::2] = mosaic[1::2, 0::2] = GRAY["green"]
    mosaic[1::2, 1::2] = GRAY["blue"]
    return mosaic


def developed() -> list[float]:
    """What the gray of :func:`bayer` is without white balance, of 65535."""
    return [(GRAY[c] - BLACK) / (WHITE - BLACK) * 65535 for c in ("red", "green", "blue")]


def write(
    path: Path,
    mosaic: NDArray[np.uint16],
    neutral: tuple[int, ...] = NEUTRAL,
    **options: Any,
) -> str:
    """Write a mosaic; ``neutral`` may be empty: a camera that noted no white balance."""
    matrix = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    tags = [
        (50706, 1, 4, (1, 4, 0, 0), True),  # DNGVersion
        (50708, 2, 0, "Divere Test", True),  # UniqueCameraModel
        (33421, 3, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, 1, 4, (0, 1, 1, 2), True),  # CFAPattern
        (50714, 4, 1, BLACK, True),
        (50717, 4, 1, WHITE, True),
        (50721, 10, 9, matrix, True),  # ColorMatrix1: identity
        *([(50728, 5, 3, neutral, True)] if neutral else []),  # AsShotNeutral
        (50778, 3, 1, 21, True),
        (271, 2, 0, "Divere", True),
        (272, 2, 0, "Test", True),
    ]
    tifffile.imwrite(
        path, mosaic, photometric=32803, extratags=tags, metadata=None, software=False,
        rowsperstrip=mosaic.shape[0], **options,
    )  # fmt: skip
    return str(path)
