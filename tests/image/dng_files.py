"""A camera's raw file, as small as LibRaw takes it: a Bayer mosaic in a DNG."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

BLACK, WHITE = 256, 16383
GRAY = {"red": 8000, "green": 12000, "blue": 4000}
MAKER = [
    (50706, 1, 4, (1, 4, 0, 0), True),  # DNGVersion
    (50708, 2, 0, "Divere Test", True),  # UniqueCameraModel
    (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),  # ColorMatrix1
    (50778, 3, 1, 21, True),  # CalibrationIlluminant1
    (271, 2, 0, "Divere", True),
    (272, 2, 0, "Test", True),
]
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
    tags = [
        *MAKER,
        (33421, 3, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, 1, 4, (0, 1, 1, 2), True),  # CFAPattern
        (50714, 4, 1, BLACK, True),
        (50717, 4, 1, WHITE, True),
        *([(50728, 5, 3, neutral, True)] if neutral else []),  # AsShotNeutral
    ]
    tifffile.imwrite(
        path, mosaic, photometric=32803, extratags=tags, metadata=None, software=False,
        rowsperstrip=mosaic.shape[0], **options,
    )  # fmt: skip
    return str(path)


def linear(path: Path, pixels: NDArray[np.uint16 | np.float32], **options: Any) -> str:
    """Write a scan as VueScan does its raw DNG: (height, width, 1|3|4) linear samples."""
    gray = pixels.shape[2] == 1
    tifffile.imwrite(
        path, pixels[:, :, 0] if gray else pixels, photometric=1 if gray else 34892,
        planarconfig=None if gray else 1, extratags=MAKER, metadata=None, software=False, **options,
    )  # fmt: skip
    if gray:  # which tifffile does not want to write
        with tifffile.TiffFile(path) as tiff:
            place = tiff.pages[0].tags[262].valueoffset  # type: ignore[union-attr]
        data = bytearray(path.read_bytes())
        struct.pack_into("<H", data, place, 34892)
        path.write_bytes(data)
    return str(path)
