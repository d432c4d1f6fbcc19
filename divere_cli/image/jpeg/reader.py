"""Reads and writes JPEG.

Covers reading through Pillow (there, libjpeg-turbo stops at missing data; imagecodecs returns a
full picture for a cut file), after a walk over the markers that bounds the scans; a file without
its end marker is read when all of its rows are there, and one with an end marker behind half of
them is cut all the same; writing 4:4:4 in flat memory. Not covered: CMYK, lossless and arithmetic
JPEG (the header refuses them). A bit that flipped inside the picture cannot be seen.

Reading holds the picture once. Writing: a strip of rows at a time becomes a
restart interval, so that the file is that of one encoder, strip by strip.

Source: ITU-T T.81; measured: pixels equal to those of one whole encoding.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from divere_cli.errors import CorruptInput, LimitExceeded, OutputError, Unreadable, Unsupported
from divere_cli.image import containers
from divere_cli.image.layout import Header, PictureMetadata, Resolution
from divere_cli.image.limits import check_expansion
from divere_cli.image.metadata import exiv2_buffer
from divere_cli.image.reader import Band, Reader
from divere_cli.image.sink import Sink
from divere_cli.image.source import Source
from divere_cli.image.writer import Shape, Writer
from divere_cli.records.job import Encoding

_BAND_BYTES = 8 << 20
# A small picture is read in bands, too, so that memory is reused. New memory costs
# a page fault for 4 kB; in one band these were a sixth of those of a small scan.
_BANDS = 8
_LEAST_ROWS = 128
_PIECE = 1 << 20
# Usual progressive files have 10; each scan costs a pass over the whole picture.
MAX_SCANS = 64
# libjpeg reads no more, though the format has 65535
MAX_SIDE = 65_500
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_RESTART, _RESTART_INTERVAL = re.compile(rb"\xff[\xd0-\xd7]"), 0xDD
_SOS, _EOI = 0xDA, 0xD9
_EXIF, _UNUSED = 0xE1, 0xEF  # APP1, APP15
_END = bytes((0xFF, _EOI))
_COEFFICIENTS, _MOST_SHIFT = 64, 15  # of a block; more than any scan leaves for later
# entropy codes that no gray comes from
_FILLED = b"\x5a\xa5\x3c\x69" * 4096
_ICC_PIECE = 65_000


class JpegReader(Reader):
    """A JPEG that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, path: str, header: Header, exif: tuple[int, ...], end: int | None) -> None:
        super().__init__(header)
        self._path = path
        self._exif = exif
        self._end = end  # of the codes; None without an end marker
        self._picture: Image.Image | None = None

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture in bands; see :meth:`divere_cli.image.reader.Reader.bands`."""
        width, height = self.header.width, self.header.height
        most = max(1, _BAND_BYTES // (width * self.header.channels))
        step = rows or min(most, max(_LEAST_ROWS, height // _BANDS))
        picture = self._decoded()
        for first in range(0, height, step):
            part = picture.crop((0, first, width, min(first + step, height)))
            band = np.asarray(part)
            yield first, band.reshape(*band.shape[:2], self.header.channels)

    def _decoded(self) -> Image.Image:
        if self._picture is None:
            picture = self._decode(None, b"" if self._end else _END)
            if self._end is None or self._may_be_cut(picture):
                self._check_rows(picture)
            self._picture = picture
        return self._picture

    def _may_be_cut(self, picture: Image.Image) -> bool:
        """Return whether the last block is flat, as decoders fill blocks without data."""
        width, height = picture.size
        columns = range((width - 1) // 8 * 8, width)
        rows = range((height - 1) // 8 * 8, height)
        return len({picture.getpixel((x, y)) for x in columns for y in rows}) == 1

    def _decode(self, end: int | None, tail: bytes) -> Image.Image:
        """Decode the file up to ``end``, followed by other bytes."""
        mode = "L" if self.header.channels == 1 else "RGB"
        try:
            with _opened(self._path, self._exif, end, tail) as file:
                # as a JPEG and nothing else; its size was checked against the user's limit
                picture = JpegImagePlugin.JpegImageFile(file)
                picture.load()
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise CorruptInput(f"the JPEG is damaged: {error}") from error
        if picture.mode != mode or picture.size != (self.header.width, self.header.height):
            raise CorruptInput("the JPEG's frame is not what its header says")
        return picture

    def _check_rows(self, picture: Image.Image) -> None:
        """Raise unless the last row is complete.

        The decoder silently fills missing data with gray. With different bytes after the file's
        own it would fill it differently: if both results are equal, all data were in the file.
        """
        with Source(self._path) as source:
            end = source.size if self._end is None else self._end
            half = source.read(end - 1, 1) == b"\xff"  # of a marker, or of a code
        padded = self._decode(self._end, half * b"\0" + _FILLED + _END)
        if picture.tobytes() != padded.tobytes():
            raise CorruptInput("the JPEG ends before its last row: it is cut")
        if self._end is None:
            self.warnings = ("the JPEG has no end marker (EOI); all of its rows are there",)

    def close(self) -> None:
        self._picture = None


class JpegWriter(Writer):
    """A JPEG that is being written; see :class:`divere_cli.image.writer.Writer`."""

    def __init__(
        self, sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
    ) -> None:
        self._across = -(-shape[1] // 8)
        # a restart interval is counted in 16 bits
        super().__init__(sink, shape, "u1", 8 * max(1, min(16, 65_535 // self._across)))
        self._quality = encoding.quality
        self._picture = picture
        self._written = 0

    def _append(self, strips: list[NDArray[Any]]) -> None:
        """Write strips; the entropy-coded data of each is one restart interval."""
        for data in self._parallel.map(self._encoded, strips):
            head = list(containers.segments(containers.Held(data)))
            _, offset, length = head[-1]
            if not self._written:
                self._start(data, head)
            else:
                self._sink.write(bytes((0xFF, 0xD0 + (self._written - 1) % 8)))
            self._sink.write(memoryview(data)[offset + length : -2])
            self._written += 1

    def _end(self) -> None:
        self._sink.write(bytes((0xFF, _EOI)))

    def _encoded(self, strip: NDArray[Any]) -> bytes:
        gray = self._channels == 1
        encoded = imagecodecs.jpeg8_encode(
            np.ascontiguousarray(strip[:, :, 0] if gray else strip),
            level=self._quality,
            subsampling=None if gray else "444",
        )
        return bytes(encoded)

    def _start(self, data: bytes, head: list[tuple[int, int, int]]) -> None:
        """Write the head of the first strip as the head of the whole picture."""
        out = [
            b"\xff\xd8",
            _jfif(self._picture.resolution),
            exiv2_buffer.jpeg_segments(self._picture),
        ]
        out += _icc_segments(self._picture.icc)
        for marker, offset, length in head:
            segment = bytearray(data[offset - 4 : offset + length])
            if marker == 0xE0:
                continue
            if marker == 0xC0:
                segment[5:7] = struct.pack(">H", self._height)
            if marker == _SOS:
                interval = self._across * (self._strips.height // 8)
                out.append(b"\xff\xdd" + struct.pack(">HH", 4, interval))
            out.append(bytes(segment))
        self._sink.write(b"".join(out))


def open_reader(path: str, header: Header) -> JpegReader:
    """Open a JPEG; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    """
    if max(header.width, header.height) > MAX_SIDE:
        raise Unsupported(f"a JPEG of more than {MAX_SIDE} pixels a side")
    check_expansion(header.pixels * header.channels, header.file_size)
    with Source(path) as source:
        end, scans = check_whole(source)
        if end is None and header.variant == "progressive" and not _is_refined(scans):
            raise CorruptInput("scans of the progressive JPEG are missing: it is cut")
        exif = [at - 3 for marker, at, _ in containers.segments(source) if marker == _EXIF]
    return JpegReader(path, header, tuple(exif), end)


def open_writer(
    sink: Sink, encoding: Encoding, shape: Shape, picture: PictureMetadata
) -> JpegWriter:
    """Start a JPEG; see :func:`divere_cli.image.writer.open`.

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
    height, width, _ = shape
    if max(width, height) > MAX_SIDE:
        raise OutputError(
            f"{width} x {height} pixels are too many for a JPEG (at most {MAX_SIDE} a side)",
            hint="use --format tiff",
        )
    return JpegWriter(sink, encoding, shape, picture)


def check_whole(source: Source) -> tuple[int | None, list[bytes]]:
    """Walk over all scans to the end of the image.

    Parameters
    ----------
    source : Source
        The open file.

    Returns
    -------
    int or None
        Offset of the end marker; None if there is none.
    list of bytes
        The header of each scan (T.81 B.2.3).

    Raises
    ------
    CorruptInput
        When a segment ends after the end of the file.
    LimitExceeded
        When it has more scans than any real picture.
    """
    *parts, (_, offset, length) = containers.segments(source)
    restarts = any(marker == _RESTART_INTERVAL for marker, _, _ in parts)
    at, scans = offset + length, [source.read(offset, length)]
    while True:
        start = at
        marker, at = _next_marker(source, at)
        if restarts:
            _check_restarts(source, start, at)
        if marker in (_EOI, 0):
            return (at - 2 if marker else None), scans
        (length,) = struct.unpack(">H", source.read(at, 2, "a JPEG segment"))
        source.inside(at, max(length, 2), "a JPEG segment")
        if marker == _SOS:
            scans.append(source.read(at + 2, max(length - 2, 0)))
        at += max(length, 2)
        if len(scans) > MAX_SCANS:
            raise LimitExceeded(
                f"the JPEG has more than {MAX_SCANS} scans", hint="save it again as baseline JPEG"
            )


def _check_restarts(source: Source, start: int, end: int) -> None:
    """Raise if a restart marker of a scan is missing: the decoder would fill its rows."""
    expected = 0
    while start < end:
        data = source.read(start, min(_PIECE, end - start))
        for match in _RESTART.finditer(data):
            if data[match.start() + 1] & 7 != expected:
                raise CorruptInput(
                    f"restart marker {expected} of the JPEG is missing: some rows were lost"
                )
            expected = (expected + 1) % 8
        # an 0xFF at the end of a piece may be the first half of a marker
        half = data[-1] == 0xFF and start + len(data) < end
        start += max(1, len(data) - half)


def _is_refined(scans: list[bytes]) -> bool:
    """Return whether the scans of a progressive JPEG contain every bit of every coefficient."""
    missing_bits: dict[int, list[int]] = {}
    for scan in scans:
        count = scan[0] if scan else 0
        if len(scan) < 2 * count + 4:
            return False
        first, last, bits = scan[1 + 2 * count : 4 + 2 * count]
        for component in scan[1 : 1 + 2 * count : 2]:
            missing = missing_bits.setdefault(component, [_MOST_SHIFT] * _COEFFICIENTS)
            for coefficient in range(first, min(last, _COEFFICIENTS - 1) + 1):
                missing[coefficient] = bits & 15
    return bool(missing_bits) and not any(map(any, missing_bits.values()))


def _next_marker(source: Source, at: int) -> tuple[int, int]:
    """Return the next marker in entropy-coded data (0: none) and the offset after it."""
    while at < source.size:
        piece = source.read(at, min(_PIECE, source.size - at))
        match = _MARKER.search(piece)
        if match is not None:
            return piece[match.start() + 1], at + match.end()
        # an 0xFF at the very end may be the first half of a marker
        at += len(piece) - (piece[-1] == 0xFF and at + len(piece) < source.size)
    return 0, at


class _WithoutExif(io.FileIO):
    """A JPEG whose Exif has another marker: Pillow would parse it and warn about its faults.

    It ends at ``end``, or where the file does, and ``tail`` follows.
    """

    def __init__(self, path: str, markers: tuple[int, ...], end: int | None, tail: bytes) -> None:
        super().__init__(path)
        self._markers = markers
        self._end = end
        self._tail = tail

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = bytearray(super().read(size) or b"")
        if self._end is not None:
            del data[max(0, self._end - start) :]
        for offset in self._markers:
            if start <= offset < start + len(data):
                data[offset - start] = _UNUSED
        if not data and size:
            data, self._tail = bytearray(self._tail), b""
        return bytes(data)


def _opened(path: str, exif: tuple[int, ...], end: int | None, tail: bytes) -> _WithoutExif:
    try:
        return _WithoutExif(path, exif, end, tail)
    except (FileNotFoundError, PermissionError) as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from error


def _jfif(resolution: Resolution | None) -> bytes:
    """Return the APP0 segment; it stores densities as integers of at most 16 bits."""
    unit, x, y = 0, 1, 1
    if resolution is not None:
        # per inch: 4000 per inch is no integer per centimeter
        factor = 2.54 if resolution.unit == 3 else 1.0
        densities = [max(1, round(value * factor)) for value in (resolution.x, resolution.y)]
        if max(densities) <= 65_535:
            unit, (x, y) = int(resolution.unit != 1), densities
    return struct.pack(">BBH5sBBBHHBB", 0xFF, 0xE0, 16, b"JFIF\0", 1, 1, unit, x, y, 0, 0)


def _icc_segments(icc: bytes) -> list[bytes]:
    """Return the APP2 segments of a profile (ICC.1:2010 annex B.4)."""
    pieces = [icc[i : i + _ICC_PIECE] for i in range(0, len(icc), _ICC_PIECE)]
    return [
        struct.pack(">BBH12sBB", 0xFF, 0xE2, len(piece) + 16, b"ICC_PROFILE\0", i, len(pieces))
        + piece
        for i, piece in enumerate(pieces, 1)
    ]
