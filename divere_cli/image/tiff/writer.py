"""Writes a positive as TIFF, row by row, in constant memory.

Covers integer and float samples, strips without and with compression (LZW, deflate,
zstd, each with the horizontal predictor or, for floats, that of their bytes),
BigTIFF when 4 GB do not suffice, and what goes beside the pixels. The head is written
last: a file that was not finished is no TIFF.

Deflate runs at level 1 and zstd at level 1: on 16-bit scans higher levels cost
up to 5 times the time for the same size (measured: deflate 1: 1.55, 6: 1.52;
zstd 1: 1.49, 3: 1.56, at 783 and 142 MB/s).
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from functools import partial

import numpy as np

from divere_cli.image.ifd.writer import (
    BYTE,
    LONG,
    LONG8,
    ORDER,
    SHORT,
    UNDEFINED,
    Entry,
    lay_out,
    numbers,
    rational,
    text,
)
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.metadata import exif_block
from divere_cli.image.sink import Sink
from divere_cli.image.writer import Rows, Shape, Writer
from divere_cli.records.job import Encoding

STRIP_BYTES = 512 << 10
CLASSIC_LIMIT = 0xFFFF_FFFF
ROOM_FOR_TABLES = 32 << 20
TAGS = {"none": 1, "lzw": 5, "deflate": 8, "zstd": 50000}
# largest size of incompressible bytes; LZW uses up to 12 bits for 8
EXPANSION = {"none": 1.0, "lzw": 1.5, "deflate": 1.01, "zstd": 1.01}

Encode = Callable[[Rows], bytes | bytearray | memoryview]


def open_writer(
    sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
) -> TiffWriter:
    """Start a TIFF; see :func:`divere_cli.image.writer.open`.

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
    return TiffWriter(sink, encoding, shape, picture)


class TiffWriter(Writer):
    """A TIFF that is being written; see :class:`divere_cli.image.writer.Writer`."""

    def __init__(
        self, sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
    ) -> None:
        height, width, channels = shape
        self._float = encoding.bit_depth == 32
        self._dtype = np.dtype("f4" if self._float else f"u{encoding.bit_depth // 8}")
        self._row_bytes = width * channels * self._dtype.itemsize
        strip_rows = max(1, min(height, STRIP_BYTES // self._row_bytes))
        super().__init__(sink, shape, self._dtype.str, strip_rows)
        self._compression = encoding.compression
        self._encode = _encoder(encoding.compression)
        self._picture = picture
        most = height * self._row_bytes * EXPANSION[encoding.compression]
        self._big = most + ROOM_FOR_TABLES > CLASSIC_LIMIT
        self._scratch = threading.local()
        self._offsets: list[int] = []
        self._counts: list[int] = []
        blank = bytes(16 if self._big else 8)
        self._sink.promise(blank, self._known_head() if self._encode is None else b"")

    def describe(self, picture: PictureMetadata) -> bool:
        self._picture = picture
        return True

    def write(self, rows: Rows) -> None:
        if self._encode is not None:
            super().write(rows)
            return
        self._count(rows)
        plain = np.ascontiguousarray(rows)
        self._sink.write(plain.reshape(-1).view(np.uint8).data)

    def _known_head(self) -> bytes:
        """Return the final head, if the sizes of all strips are known in advance."""
        self._count_strips()
        size = self._offsets[-1] + self._counts[-1]
        _, start = self._directory(size + size % 2)
        return self._head(start)

    def _append(self, strips: list[Rows]) -> None:
        for data in self._parallel.map(self._encoded, strips):
            self._offsets.append(self._sink.size)
            self._counts.append(len(data))
            self._sink.write(data)

    def _end(self) -> None:
        self._sink.write(bytes(self._sink.size % 2))
        made, start = self._directory(self._sink.size)
        self._sink.write(made)
        self._sink.rewrite(0, self._head(start))

    def _directory(self, at: int) -> tuple[bytes, int]:
        """Return the bytes of the directory, for offset ``at``, and its start in the file."""
        carried, subs = exif_block.carried(self._picture.exif)
        return lay_out(self._entries() + self._carried(carried), subs, at, self._big)

    def _encoded(self, rows: Rows) -> bytes | bytearray | memoryview:
        assert self._encode is not None
        if self._float:
            return self._encode(_shuffled(rows))
        room: Rows | None = getattr(self._scratch, "room", None)
        if room is None:
            shape = (self._strips.height, self._width, self._channels)
            room = self._scratch.room = np.empty(shape, dtype=self._dtype)
        differences = room[: len(rows)]
        differences[:, 0] = rows[:, 0]
        np.subtract(rows[:, 1:], rows[:, :-1], out=differences[:, 1:])
        return self._encode(differences)

    def _count_strips(self) -> None:
        """Compute the offsets of uncompressed strips, whose rows are contiguous."""
        first = 16 if self._big else 8
        size = self._strips.height * self._row_bytes
        end = first + self._height * self._row_bytes
        self._offsets = list(range(first, end, size))
        self._counts = [min(size, end - offset) for offset in self._offsets]

    def _entries(self) -> list[Entry]:
        """Return the entries of the picture and its metadata, except Exif."""
        long = LONG8 if self._big else LONG
        picture = self._picture
        entries = [
            numbers(254, LONG, [0]),
            numbers(256, LONG, [self._width]),
            numbers(257, LONG, [self._height]),
            numbers(258, SHORT, [self._dtype.itemsize * 8] * self._channels),
            numbers(259, SHORT, [TAGS[self._compression]]),
            numbers(262, SHORT, [2 if self._channels == 3 else 1]),
            numbers(273, long, self._offsets),
            numbers(274, SHORT, [picture.orientation]),
            numbers(277, SHORT, [self._channels]),
            numbers(278, LONG, [self._strips.height]),
            numbers(279, long, self._counts),
            numbers(284, SHORT, [1]),
            numbers(339, SHORT, [3 if self._float else 1] * self._channels),
        ]
        if self._encode is not None:
            entries.append(numbers(317, SHORT, [3 if self._float else 2]))
        if picture.resolution is not None:
            entries.append(rational(282, picture.resolution.x))
            entries.append(rational(283, picture.resolution.y))
            entries.append(numbers(296, SHORT, [picture.resolution.unit]))
        if picture.software:
            entries.append(text(305, picture.software))
        blocks = (
            Entry(700, BYTE, picture.xmp),
            Entry(33723, UNDEFINED, picture.iptc),
            Entry(34675, UNDEFINED, picture.icc),
        )
        return entries + [block for block in blocks if block.data]

    def _carried(self, entries: list[Entry]) -> list[Entry]:
        """Return Exif's entries for the picture's own directory."""
        return entries

    def _head(self, start: int) -> bytes:
        mark = b"II" if ORDER == "<" else b"MM"
        if self._big:
            return mark + struct.pack(ORDER + "HHHQ", 43, 8, 0, start)
        return mark + struct.pack(ORDER + "HI", 42, start)


def _shuffled(rows: Rows) -> Rows:
    """Apply predictor 3 to floats (Adobe, TIFF technical note 3, 2005)."""
    import imagecodecs

    # differences are between neighbors of one channel, counted in samples
    made = imagecodecs.floatpred_encode(np.ascontiguousarray(rows), axis=1, dist=1)
    return np.asarray(made)


def _encoder(compression: str) -> Encode | None:
    if compression == "none":
        return None
    import imagecodecs

    codecs: dict[str, Callable[..., bytes | bytearray | memoryview]] = {
        "lzw": imagecodecs.lzw_encode,
        "deflate": partial(imagecodecs.deflate_encode, level=1),
        "zstd": partial(imagecodecs.zstd_encode, level=1),
    }
    return codecs[compression]
