"""Reads and decodes the strips and tiles of a TIFF page.

Covers the tables of offsets and byte counts with all that can be checked of
them before decoding, and turning one segment's bytes into samples: codec,
byte order, predictor. A segment that is short or damaged is an error that
names it, never zeros: imagecodecs' LZW decoder returns what it got so far,
its JPEG decoder fills up with gray. Not covered: putting segments
together to rows (:mod:`divere_cli.image.tiff.reader`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput, DivereError
from divere_cli.image.containers import Held
from divere_cli.image.ifd.reader import size_of
from divere_cli.image.ifd.tags import Compression, Photometric
from divere_cli.image.jpeg import header
from divere_cli.image.layout import Page
from divere_cli.image.source import Source
from divere_cli.image.tiff import placing
from divere_cli.image.tiff.checks import rows_of, stored_row

Samples = NDArray[Any]
Codec = Callable[[memoryview, Samples], int]

PREDICTED = (Compression.LZW, Compression.ADOBE_DEFLATE, Compression.DEFLATE, Compression.ZSTD)
JPEGS = (Compression.JPEG, Compression.OLD_JPEG)
MAX_JPEG_PIXELS = 1 << 32
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"


class Segments:
    """The strips or tiles of one page, ready to be read one by one, by any thread.

    Parameters
    ----------
    source : Source
        The open file.
    page : Page
        A page that :func:`divere_cli.image.header.read` let pass.
    big_endian : bool
        Byte order of the file's numbers and samples.

    Raises
    ------
    CorruptInput
        When a segment is empty, ends after the end of the file, or is too
        short for what it should hold.
    """

    def __init__(self, source: Source, page: Page, big_endian: bool) -> None:
        self.page = page
        self.samples = 1 if page.planar else page.samples
        self.warnings: tuple[str, ...] = ()
        self._source = source
        self._order: Literal["<", ">"] = ">" if big_endian else "<"
        self.stored, self.dtype = self._types()
        places = placing.read(source, page, self._order)
        self.offsets, self.counts = places.offsets, places.counts
        self.warnings = places.warnings
        self._room = threading.local()
        self._decode = self._codec() if page.compression != Compression.NONE else None

    def _types(self) -> tuple[np.dtype[Any], np.dtype[Any]]:
        """Return the type of samples as stored, and as decoded."""
        letter = "f" if self.page.sample == "float" else "u"
        stored = np.dtype(f"{self._order}{letter}{self.page.bits // 8}")
        return stored, stored.newbyteorder("=")

    def rows_of(self, index: int) -> int:
        """Return the rows of segment ``index``; the last strip has fewer, tiles never."""
        return rows_of(self.page, index)

    def row_bytes(self) -> int:
        """Return the bytes of one decoded row of a segment."""
        return self.page.segment_width * self.samples * self.dtype.itemsize

    def stored_row_bytes(self) -> int:
        """Return the bytes of one row of an uncompressed segment in the file."""
        return stored_row(self.page)

    def read(self, index: int, out: Samples) -> None:
        """Decode segment ``index`` into ``out``.

        Parameters
        ----------
        index : int
        out : ndarray, (rows_of(index), segment width, samples of a segment)
            C-contiguous, of ``dtype``.

        Raises
        ------
        CorruptInput
            The message names the segment.
        """
        if self._decode is None:
            self.read_rows(int(self.offsets[index]), out, self.name_of(index))
            return
        data = self._data(index)
        try:
            self._fill(index, data, out)
        except (CorruptInput, MemoryError):
            raise
        except Exception as error:  # codecs have no common base class of errors
            raise CorruptInput(f"{self.name_of(index)} cannot be decoded: {error}") from error

    def read_rows(self, offset: int, out: Samples, name: str) -> None:
        """Read uncompressed samples at ``offset`` straight into ``out`` (C-contiguous)."""
        self._source.read_into(offset, out.reshape(-1).view(np.uint8).data, name)
        if not self.stored.isnative:
            out.byteswap(inplace=True)

    def name_of(self, index: int) -> str:
        """Return ``strip 3`` or ``tile 3``, for messages; counted from 0 as in other tools."""
        return f"{self.page.segment_name} {index}"

    def _data(self, index: int) -> memoryview:
        count = int(self.counts[index])
        packed: bytearray = getattr(self._room, "packed", bytearray())
        if count > len(packed):
            packed = self._room.packed = bytearray(int(count * 1.2))
        view = memoryview(packed)[:count]
        self._source.read_into(int(self.offsets[index]), view, self.name_of(index))
        return view

    def _fill(self, index: int, data: memoryview, out: Samples) -> None:
        assert self._decode is not None
        try:
            got = self._decode(data, out)
        except Exception:
            padded = self._padded(index, out)
            if padded is None:
                raise
            got = self._decode(data, padded)
            out[:] = padded[: len(out)]
            got -= padded.nbytes - out.nbytes
        if got < out.nbytes:
            raise CorruptInput(f"{self.name_of(index)} ends {out.nbytes - got} bytes too early")
        if self.page.compression not in JPEGS:
            self._restore(out)

    def _padded(self, index: int, out: Samples) -> Samples | None:
        """Return a buffer for a last strip that is stored with as many rows as the others."""
        rows = self.page.segment_rows
        if self.page.tile is not None or len(out) == rows:
            return None
        return np.empty((rows, *out.shape[1:]), dtype=out.dtype)

    def _restore(self, out: Samples) -> None:
        """Undo byte order and predictor, in place."""
        import imagecodecs

        predictor = self.page.predictor if self.page.compression in PREDICTED else 1
        if predictor == 3:
            out[:] = imagecodecs.floatpred_decode(out.view(self.stored), axis=-2)
            return
        if not self.stored.isnative:
            out.byteswap(inplace=True)
        if predictor == 2:
            bits = out.view(f"u{out.itemsize}")
            imagecodecs.delta_decode(bits, axis=-2, out=bits)

    def _codec(self) -> Codec:
        import imagecodecs

        from divere_cli.image.tiff import lzw

        if self.page.compression in JPEGS:
            return self._jpeg()
        decoders: dict[int, Callable[..., Any]] = {
            Compression.LZW: lzw.decode,
            Compression.ADOBE_DEFLATE: imagecodecs.deflate_decode,
            Compression.DEFLATE: imagecodecs.deflate_decode,
            Compression.PACKBITS: imagecodecs.packbits_decode,
            Compression.ZSTD: imagecodecs.zstd_decode,
        }
        decode = decoders[self.page.compression]

        def run(data: memoryview, out: Samples) -> int:
            return len(decode(data, out=out.reshape(-1).view(np.uint8)))

        return run

    def _jpeg(self) -> Codec:
        import imagecodecs

        page = self.page
        tables = None
        if page.tables is not None:
            length = min(size_of(page.tables), 1 << 16)
            tables = self._source.read(page.tables.offset, length, "the JPEG tables")
        rgb = self.samples == 3
        stored = "RGB" if rgb and page.photometric == Photometric.RGB else None
        space = "RGB" if rgb else "GRAYSCALE"
        decode: Callable[..., Samples] = imagecodecs.jpeg8_decode

        def run(data: memoryview, out: Samples) -> int:
            _check_jpeg(data, out, page.segment_rows)
            got = decode(data, tables=tables, colorspace=stored, outcolorspace=space)
            shaped = got.reshape(*got.shape[:2], -1)
            if shaped.shape[1:] != out.shape[1:]:
                raise ValueError(f"JPEG data of another size: {shaped.shape}")
            rows = min(len(shaped), len(out))
            out[:rows] = shaped[:rows]
            return int(out[:rows].nbytes)

        return run


def _check_jpeg(data: memoryview, out: Samples, rows: int) -> None:
    """Raise ValueError for JPEG data that the decoder would fill with gray, or that are huge."""
    if not bytes(data[-64:]).rstrip(b"\0").endswith(END_OF_IMAGE):
        # bytes behind the end marker: a computed byte count, or padding
        scan = max(bytes(data).find(START_OF_SCAN), 0)
        if bytes(data).find(END_OF_IMAGE, scan) < 0:
            raise ValueError("JPEG data without its end")
    try:
        frame = header.read(Held(bytes(data)), MAX_JPEG_PIXELS)
    except DivereError as error:
        raise ValueError(error.message) from error
    if (frame.width, frame.channels) != out.shape[1:] or frame.height > rows:
        raise ValueError(f"JPEG data of another size: {frame.width} x {frame.height}")
