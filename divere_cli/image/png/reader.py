"""Reads PNG, 8 and 16 bit, band by band.

Covers verifying every chunk's check sum, and finding a cut before the first row is decoded. zlib
inflates row by row; libpng undoes the row filters of one band at a time, handed to it as a PNG of
its own that begins with the row before. Interlaced files are decoded as a whole. Rows of fewer
than 8 bits and palettes are unfiltered as the bytes that they are, then spread. Not covered:
animation.

Source: PNG specification, third edition (W3C, 2025).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput
from divere_cli.image import containers
from divere_cli.image.containers import PNG_SIGNATURE
from divere_cli.image.layout import Header
from divere_cli.image.limits import check_expansion
from divere_cli.image.png_chunks import COLOR_TYPES, chunk
from divere_cli.image.reader import Band, Reader
from divere_cli.image.source import Source

_BAND_BYTES = 4 << 20
_PIECE = 1 << 20
# first column and row, and the steps, of each pass (PNG section 8.2)
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class PngReader(Reader):
    """A PNG that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, source: Source, header: Header) -> None:
        super().__init__(header)
        self._source = source
        self._samples = header.channels + len(header.extra)
        self._palette = _palette(source) if header.variant == "palette" else None
        if self._palette is not None:
            self._samples = 1
        self._packed = header.bits < 8 or self._palette is not None
        self._row = self._row_bytes(header.width)
        self._color = 0 if self._packed else COLOR_TYPES[header.channels, bool(header.extra)]
        self._interlaced = bool(source.read(28, 1)[0])
        self._idat = [
            (offset, length)
            for name, offset, length in containers.chunks(source)
            if name == b"IDAT"
        ]

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture in bands; see :meth:`divere_cli.image.reader.Reader.bands`."""
        height = rows or max(1, _BAND_BYTES // self._row)
        decoded = self._deinterlaced(height) if self._interlaced else self._streamed(height)
        for first, band in decoded:
            color = band.reshape(*band.shape[:2], -1)[:, :, : self.header.channels]
            yield first, np.ascontiguousarray(color)
        self._check_rest()

    def _streamed(self, height: int) -> Iterator[Band]:
        previous = bytes(self._row)
        filtered = self._inflated(height)
        for first in range(0, self.header.height, height):
            band = self._decode(b"\0" + previous + next(filtered), self.header.width)[1:]
            previous = band[-1].astype(band.dtype.newbyteorder(">"), copy=False).tobytes()
            yield first, self._spread(band, self.header.width) if self._packed else band
        next(filtered, None)

    def _deinterlaced(self, height: int) -> Iterator[Band]:
        """Decode the seven passes of an interlaced picture."""
        about = self.header
        shape = (about.height, about.width, 3 if self._palette is not None else self._samples)
        picture = np.empty(shape, "uint8" if self._packed else f"uint{about.bits}")
        data = self._all()
        start = 0
        for x, y, across, down in _ADAM7:
            width, rows = -(-(about.width - x) // across), -(-(about.height - y) // down)
            if width <= 0 or rows <= 0:
                continue
            size = rows * (1 + self._row_bytes(width))
            if start + size > len(data):
                raise CorruptInput("the PNG's pixels end too early")
            part = self._decode(data[start : start + size], width)
            part = self._spread(part, width) if self._packed else part
            picture[y::down, x::across] = part.reshape(rows, width, -1)
            start += size
        for first in range(0, about.height, height):
            yield first, picture[first : first + height]

    def _all(self) -> bytes:
        """Inflate the whole stream; at most twice the picture, to limit deflate bombs."""
        machine = zlib.decompressobj()
        try:
            data = machine.decompress(
                b"".join(self._pieces()), 2 * (self._row + 8) * self.header.height
            )
        except zlib.error as error:
            raise CorruptInput(f"the PNG's pixels are damaged: {error}") from error
        if not machine.eof:
            raise CorruptInput("the PNG's pixels have no end")
        return data

    def _inflated(self, height: int) -> Iterator[bytes]:
        """Yield the filtered rows of each band, exactly as many as there are."""
        machine = zlib.decompressobj()
        pieces = self._pieces()
        pending = b""
        for first in range(0, self.header.height, height):
            size = min(height, self.header.height - first) * (self._row + 1)
            rows = bytearray()
            while len(rows) < size:
                pending = pending or next(pieces, b"")
                if machine.eof or not pending:
                    raise CorruptInput(f"the PNG's pixels end in row {first} or soon after")
                try:
                    rows += machine.decompress(pending, size - len(rows))
                except zlib.error as error:
                    raise CorruptInput(f"the PNG's pixels are damaged: {error}") from error
                pending = machine.unconsumed_tail
            yield bytes(rows)
        self._check_end(machine, pending, pieces)

    def _check_end(self, machine: Any, pending: bytes, pieces: Iterator[bytes]) -> None:
        """Check that the stream ends after the last row, with the right check sum."""
        try:
            while not machine.eof:
                pending = pending or next(pieces, b"")
                if not pending:
                    raise CorruptInput("the PNG's pixels have no end")
                if machine.decompress(pending, _PIECE):
                    self.warnings = ("there are more rows in the PNG than its header says",)
                    return
                pending = machine.unconsumed_tail
        except zlib.error as error:
            raise CorruptInput(f"the PNG's pixels are damaged: {error}") from error
        for _ in pieces:  # verifies the check sums of the remaining chunks
            pass

    def _pieces(self) -> Iterator[bytes]:
        """Yield the compressed data; each chunk's check sum is verified before it ends."""
        for offset, length in self._idat:
            check = zlib.crc32(b"IDAT")
            for start in range(0, length, _PIECE):
                piece = self._source.read(offset + start, min(_PIECE, length - start))
                check = zlib.crc32(piece, check)
                yield piece
            self._compare(offset, length, check)

    def _check_rest(self) -> None:
        """Verify the check sums of the chunks without pixels."""
        for name, offset, length in containers.chunks(self._source):
            if name == b"IDAT":
                continue
            check = zlib.crc32(name)
            for start in range(0, length, _PIECE):
                piece = self._source.read(offset + start, min(_PIECE, length - start))
                check = zlib.crc32(piece, check)
            self._compare(offset, length, check)

    def _compare(self, offset: int, length: int, check: int) -> None:
        (stored,) = struct.unpack(">I", self._source.read(offset + length, 4))
        if stored != check:
            raise CorruptInput(f"the check sum of the PNG chunk at byte {offset} does not fit")

    def _row_bytes(self, width: int) -> int:
        return -(-width * self._samples * self.header.bits // 8)

    def _spread(self, packed: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
        """Unpack rows of 1, 2, 4 or 8 bits; colors of a palette, else gray of 8 bits."""
        bits = self.header.bits
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        codes = (packed[:, :, None] >> shifts) & np.uint8((1 << bits) - 1)
        codes = codes.reshape(len(packed), -1)[:, :width]
        if self._palette is None:
            return (codes * np.uint8(255 // ((1 << bits) - 1)))[:, :, None]
        if int(codes.max(initial=0)) >= len(self._palette):
            raise CorruptInput("a pixel's index is not in the palette")
        colors: NDArray[np.uint8] = self._palette[codes]
        return colors

    def _decode(self, filtered: bytes, width: int) -> NDArray[Any]:
        """Undo the filters of inflated rows with libpng."""
        row = 1 + self._row_bytes(width)
        rows = len(filtered) // row
        # filters of packed rows work on whole bytes: to libpng they are gray of 8 bits
        wide, bits = (row - 1, 8) if self._packed else (width, self.header.bits)
        head = struct.pack(">IIBBBBB", wide, rows, bits, self._color, 0, 0, 0)
        body = chunk(b"IDAT", zlib.compress(filtered, 0)) + chunk(b"IEND", b"")
        try:
            band = imagecodecs.png_decode(PNG_SIGNATURE + chunk(b"IHDR", head) + body)
        except (imagecodecs.PngError, ValueError) as error:
            raise CorruptInput(f"the PNG's pixels are damaged: {error}") from error
        return np.asarray(band)

    def close(self) -> None:
        self._source.close()


def _palette(source: Source) -> NDArray[np.uint8]:
    """Return the colors of a palette, (colors, 3)."""
    for name, offset, length in containers.chunks(source):
        if name == b"PLTE" and 0 < length <= 768 and length % 3 == 0:
            return np.frombuffer(source.read(offset, length), np.uint8).reshape(-1, 3)
        if name == b"IDAT":
            break
    raise CorruptInput("the palette of the PNG is missing")


def open_reader(path: str, header: Header) -> PngReader:
    """Open a PNG; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    """
    samples = 1 if header.variant == "palette" else header.channels + len(header.extra)
    full = header.pixels * samples * header.bits // 8
    check_expansion(full, header.file_size)
    source = Source(path)
    try:
        return PngReader(source, header)
    except BaseException:
        source.close()
        raise
