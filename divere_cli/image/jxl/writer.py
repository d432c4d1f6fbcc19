"""Writes a positive as JPEG XL, lossless or lossy.

Covers 8 and 16 bits and float, gray and color, with Exif and XMP in boxes of their own
and the color space in the codestream's head. Not covered: encodings that are neither
linear nor a power (they need an ICC profile inside), and IPTC, which the format has no
place for.

libjxl's encoder wants the picture whole. Measured on 24 megapixels of a scan with two
threads, in bytes a pixel beside what is written: 16 bits lossless 15 and 0.4 s, 8 bits
lossless 7 and 0.2 s, lossy 32 and 1.6 s, float 38 and 3.5 s.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import OutputError
from divere_cli.image import icc
from divere_cli.image.containers import Held, boxes
from divere_cli.image.jxl import codestream
from divere_cli.image.jxl.header import SIGNATURE
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.sink import Sink
from divere_cli.image.writer import Shape, Writer
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding

LOSSLESS = 100  # the quality that means lossless
# Efforts beyond cost 6 times the time for 1 % (lossless), twice the time for as many bytes (lossy).
_EFFORT = {True: 1, False: 4}
_STRIP_BYTES = 1 << 20
_BRAND = b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
# Lossy pixels are passed as light in sRGB's primaries, outside of 0..1 if needed.
_LINEAR = Space("linear", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.3290), 1.0)


def open_writer(
    sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
) -> JxlWriter:
    """Start a JPEG XL; see :func:`divere_cli.image.writer.open`.

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
    if encoding.color_space.transfer != "power":
        raise OutputError(
            f"JPEG XL cannot describe the color encoding of {encoding.color_space.name}",
            hint="use --format tiff, or another --color-space",
        )
    return JxlWriter(sink, encoding, shape, picture)


class JxlWriter(Writer):
    """A JPEG XL that is being written; see :class:`divere_cli.image.writer.Writer`."""

    def __init__(
        self, sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
    ) -> None:
        dtype = np.dtype("f4" if encoding.bit_depth == 32 else f"u{encoding.bit_depth // 8}")
        super().__init__(sink, shape, dtype.str, max(1, _STRIP_BYTES // (shape[1] * 16)))
        self._bits = encoding.bit_depth
        self._space = encoding.color_space
        self._quality = encoding.quality
        self._picture = picture
        self._pixels = np.empty(shape, dtype if self._lossless else np.float32)
        self._filled = 0

    @property
    def _lossless(self) -> bool:
        return self._quality >= LOSSLESS

    def _append(self, strips: list[NDArray[Any]]) -> None:
        ready = strips if self._lossless else list(self._parallel.map(self._linear, strips))
        for rows in ready:
            self._pixels[self._filled : self._filled + len(rows)] = rows
            self._filled += len(rows)

    def _linear(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Convert encoded values to light, which the encoder takes for lossy pixels."""
        import imagecodecs

        values = rows.astype(np.float32)
        if rows.dtype.kind == "u":
            values /= np.float32(np.iinfo(rows.dtype).max)
        if self._channels == 1:
            return np.asarray(values ** np.float32(self._space.gamma), np.float32)
        light = imagecodecs.cms_transform(
            values,
            icc.profile(self._space),
            icc.profile(_LINEAR),
            colorspace="rgb",
            outcolorspace="rgb",
            intent=1,
        )
        return np.asarray(light, np.float32)

    def describe(self, picture: PictureMetadata) -> bool:
        self._picture = picture
        return True

    def _end(self) -> None:
        import imagecodecs

        picture, self._pixels = self._pixels, self._pixels[:0]
        options: dict[str, Any] = {"lossless": True}
        if not self._lossless:
            options = {"distance": distance(self._quality)}
        try:
            data = imagecodecs.jpegxl_encode(
                picture[:, :, 0] if self._channels == 1 else picture,
                effort=_EFFORT[self._lossless],
                numthreads=self._parallel.size,
                **options,
            )
        except imagecodecs.JpegxlError as error:
            raise OutputError(f"the JPEG XL encoder failed: {error}") from error
        del picture
        level, stream = _parts(bytes(data))
        head, behind = codestream.named(stream, self._space, self._bits)
        self._sink.write(SIGNATURE + _BRAND + level + self._metadata())
        size = len(head) + len(stream) - behind
        self._sink.write(struct.pack(">I4sQ", 1, b"jxlc", size + 16) + head)
        self._sink.write(memoryview(stream)[behind:])

    def _metadata(self) -> bytes:
        made = b""
        if self._picture.exif:
            made += _box(b"Exif", bytes(4) + self._picture.exif)
        if self._picture.xmp:
            made += _box(b"xml ", self._picture.xmp)
        return made


def distance(quality: int) -> float:
    """Return libjxl's Butteraugli distance for a JPEG-like quality.

    Parameters
    ----------
    quality : int
        1 to 99.
    """
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53.0 / 3000.0 * quality**2 - 23.0 / 20.0 * quality + 25.0


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _parts(data: bytes) -> tuple[bytes, memoryview]:
    """Return the box with the level, if there is one, and the codestream."""
    if data.startswith(codestream.START):
        return b"", memoryview(data)
    level, source = b"", Held(data)
    for kind, start, end in boxes(source, 0, len(data)):
        if kind == b"jxll":
            level = _box(kind, data[start:end])
        if kind == b"jxlc":
            return level, memoryview(data)[start:end]
    raise OutputError("the JPEG XL encoder gave no codestream")
