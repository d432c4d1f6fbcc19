"""A small picture as JPEG or PNG, in memory. For real outputs see the writers of each format."""

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
    """Return ``picture``, (rows, width, 1|3) sRGB codes, as a JPEG."""
    return bytes(imagecodecs.jpeg8_encode(_plain(picture), level=QUALITY))


def fine_jpeg(picture: NDArray[np.uint8], profile: bytes) -> bytes:
    """Return ``picture``, (rows, width, 1|3) codes, as a JPEG without subsampling, with a profile.

    ``profile`` is an ICC profile of at most 65,000 bytes.
    """
    assert len(profile) <= _MOST_PROFILE
    data = bytes(imagecodecs.jpeg8_encode(_plain(picture), level=FINE, subsampling="444"))
    # ICC.1:2010 annex B.4: one segment, the first of one
    head = struct.pack(">BBH12sBB", 0xFF, 0xE2, len(profile) + 16, b"ICC_PROFILE\0", 1, 1)
    return data[:2] + head + profile + data[2:]


def png(picture: NDArray[np.uint8], profile: bytes) -> bytes:
    """Return ``picture``, (rows, width, 1|3) codes, as a PNG with a profile; fast, not small."""
    data = bytes(imagecodecs.png_encode(_plain(picture), level=PNG_LEVEL))
    part = chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    return data[:_PNG_HEAD] + part + data[_PNG_HEAD:]


def _plain(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture)
