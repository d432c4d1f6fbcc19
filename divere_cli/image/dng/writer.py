"""Writes a flat master as linear DNG: demosaiced 16-bit light with its color tags.

Covers color and gray, uncompressed strips in flat memory, and the tags by which raw
converters show it as it is: matrices of the space, neutral as shot, the exposure that
brings middle gray to its place, and no curve and no black of the converter's own. Not
covered: previews, mosaics, floats, compression.

The space's primaries are taken from its ICC profile, in which littlecms has adapted them
to D50 by Bradford: exactly DNG's ForwardMatrix. The profile itself is not embedded; DNG
has no place for it.

Source: DNG specification 1.7.1 (Adobe, 2023), chapters 2, 4 and 6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from divere_cli.errors import Internal, OutputError
from divere_cli.image import icc
from divere_cli.image.ifd.writer import (
    BYTE,
    LONG,
    ORDER,
    RATIONAL,
    SHORT,
    Entry,
    numbers,
    text,
)
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.sink import Sink
from divere_cli.image.tiff.writer import TiffWriter
from divere_cli.image.writer import Shape
from divere_cli.records.job import Encoding

SRATIONAL, FLOAT = 10, 11
LINEAR_RAW = 34892
D50 = 23  # as Exif's LightSource numbers illuminants
WHITE = 65535
# DefaultBlackRender needs 1.4; readers of version 1.1 can read the picture, too
_VERSION, _READABLE_BY = (1, 4, 0, 0), (1, 1, 0, 0)
_TEN_THOUSAND = 10_000


def open_writer(
    sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
) -> DngWriter:
    """Start a DNG; see :func:`divere_cli.image.writer.open`.

    Parameters
    ----------
    sink : Sink
        The file to write to.
    encoding : Encoding
        How the positive is written.
    shape : Shape
        Width, height and channels of the picture.
    picture : PictureMetadata
        Metadata and ICC profile to embed.
    """
    if encoding.bit_depth != 16 or encoding.compression != "none":
        raise OutputError("a DNG has 16 bits and no compression")
    return DngWriter(sink, encoding, shape, picture)


class DngWriter(TiffWriter):
    """A DNG that is being written; see :class:`divere_cli.image.writer.Writer`."""

    def _entries(self) -> list[Entry]:
        """Return the entries of the picture, with DNG color tags instead of an ICC profile."""
        ours = [*_always(self._width, self._height, self._channels), *_look(self._picture.exposure)]
        if self._channels == 3:
            ours += _color(self._picture.icc)
        entries = {entry.code: entry for entry in super()._entries() if entry.code != 34675}
        return list((entries | {entry.code: entry for entry in ours}).values())

    def _carried(self, entries: list[Entry]) -> list[Entry]:
        """Return the scan's make and model, which raw converters require."""
        there = {entry.code for entry in entries}
        named = ((271, "divere"), (272, "flat master"))
        return entries + [text(code, name) for code, name in named if code not in there]


def _always(width: int, height: int, channels: int) -> list[Entry]:
    return [
        numbers(262, SHORT, [LINEAR_RAW]),
        Entry(50706, BYTE, bytes(_VERSION)),
        Entry(50707, BYTE, bytes(_READABLE_BY)),
        text(50708, "divere flat master"),  # UniqueCameraModel: never a camera's own matrices
        numbers(50713, SHORT, [1, 1]),  # BlackLevelRepeatDim
        numbers(50714, SHORT, [0] * channels),  # BlackLevel
        numbers(50717, LONG, [WHITE] * channels),  # WhiteLevel
        _ratios(50718, RATIONAL, [1.0, 1.0]),  # DefaultScale
        numbers(50719, LONG, [0, 0]),  # DefaultCropOrigin
        numbers(50720, LONG, [width, height]),  # DefaultCropSize
        numbers(50829, LONG, [0, 0, height, width]),  # ActiveArea
        _ratios(50734, RATIONAL, [1.0]),  # LinearResponseLimit
    ]


def _look(exposure: float) -> list[Entry]:
    """Return the default rendering of a converter."""
    line = struct.pack(ORDER + "4f", 0.0, 0.0, 1.0, 1.0)
    return [
        _ratios(50730, SRATIONAL, [exposure]),  # BaselineExposure
        _ratios(50731, RATIONAL, [1.0]),  # BaselineNoise
        _ratios(50732, RATIONAL, [1.0]),  # BaselineSharpness
        text(50936, "divere flat"),  # ProfileName
        Entry(50940, FLOAT, line),  # ProfileToneCurve
        numbers(50941, LONG, [0]),  # ProfileEmbedPolicy: may be copied
        numbers(51110, LONG, [1]),  # DefaultBlackRender: none
    ]


def _color(profile: bytes) -> list[Entry]:
    forward = icc.colorants(profile)
    try:
        from_xyz = np.linalg.inv(forward)
    except np.linalg.LinAlgError as error:
        raise Internal("the working space has no matrix") from error
    return [
        _ratios(50721, SRATIONAL, from_xyz.ravel()),  # ColorMatrix1
        _ratios(50728, RATIONAL, [1.0, 1.0, 1.0]),  # AsShotNeutral
        numbers(50778, SHORT, [D50]),  # CalibrationIlluminant1
        _ratios(50964, SRATIONAL, np.asarray(forward).ravel()),  # ForwardMatrix1
    ]


def _ratios(code: int, kind: int, values: Iterable[float]) -> Entry:
    letter = "i" if kind == SRATIONAL else "I"
    parts = [
        struct.pack(f"{ORDER}2{letter}", round(value * _TEN_THOUSAND), _TEN_THOUSAND)
        for value in values
    ]
    return Entry(code, kind, b"".join(parts))
