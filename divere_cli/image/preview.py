"""Encodes a small picture as JPEG or PNG in memory; outputs use the writers of each format."""

from __future__ import annotations

import struct
import zlib

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from divere_cli.image.png_chunks import chunk

QUALITY = 80
FINE = 90
PNG_LEVEL = 1
_PNG_HEAD = 33  # signature and IHDR
_MOST_PROFILE = 65_000  # bytes that one segment of a JPEG holds


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as a JPEG.

    Parameters
    ----------
    picture : ndarray of uint8
        sRGB codes, uint8, shape (rows, width, 1 or 3).
    """
    return bytes(imagecodecs.jpeg8_encode(_plain(picture), level=QUALITY))


def fine_jpeg(picture: NDArray[np.uint8], profile: bytes) -> bytes:
    """Return a picture as a JPEG without subsampling.

    ``profile`` is an ICC profile of at most 65,000 bytes.

    Parameters
    ----------
    picture : ndarray of uint8
        Codes, uint8, shape (rows, width, 1 or 3).
    profile : bytes
        An ICC profile of at most 65,000 bytes.
    """
    assert len(profile) <= _MOST_PROFILE
    data = bytes(imagecodecs.jpeg8_encode(_plain(picture), level=FINE, subsampling="444"))
    # ICC.1:2010 annex B.4: one segment, the first of one
    head = struct.pack(">BBH12sBB", 0xFF, 0xE2, len(profile) + 16, b"ICC_PROFILE\0", 1, 1)
    return data[:2] + head + profile + data[2:]


def png(picture: NDArray[np.uint8], profile: bytes) -> bytes:
    """Return a picture as a PNG, encoded fast rather than small.

    Parameters
    ----------
    picture : ndarray of uint8
        Codes, uint8, shape (rows, width, 1 or 3).
    profile : bytes
        An ICC profile.
    """
    data = bytes(imagecodecs.png_encode(_plain(picture), level=PNG_LEVEL))
    part = chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    return data[:_PNG_HEAD] + part + data[_PNG_HEAD:]


def _plain(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture)
