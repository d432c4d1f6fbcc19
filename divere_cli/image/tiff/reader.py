"""Reads rows of a TIFF picture in bands, from any storage.

Covers strips and tiles, interleaved and planar samples, color without what
else a pixel carries, and infrared by itself. The same pixels come out
whatever the storage and the height of a band. Memory is one band, one segment
(packed and decoded), and for segments much taller than a band one row of
them. Nothing is mapped: mapped pages count as memory of the process.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput, InputChanged
from divere_cli.image import codes
from divere_cli.image.codes import Conversion
from divere_cli.image.ifd.reader import parse
from divere_cli.image.ifd.tags import Compression, Photometric
from divere_cli.image.layout import Header, Page
from divere_cli.image.parallel import Parallel, slices
from divere_cli.image.reader import Band, Reader
from divere_cli.image.source import Source
from divere_cli.image.tiff.checks import streams
from divere_cli.image.tiff.segments import Segments

# 2 MB bands stay in the second-level cache from the read to the write
BAND_BYTES = 2 << 20
# a segment row up to so many bands is decoded straight into a (taller) band
TALL = 4

NONE = Compression.NONE

Piece = tuple[int, int, NDArray[Any]]  # segment, plane, where it goes


def open_reader(path: str, header: Header) -> TiffReader:
    """Open a TIFF file for reading; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    """
    return TiffReader(path, header)


class TiffReader(Reader):
    """A TIFF scan that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, path: str, header: Header) -> None:
        super().__init__(header)
        self._parallel = Parallel()
        self._source = Source(path)
        if self._source.size != header.file_size:
            self.close()
            raise InputChanged("the size of the file changed while it was read")

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        header = self.header
        assert header.page is not None, "not a TIFF header"
        samples = slice(0, _stored_channels(header))
        picture = self._rows(header.page, samples)
        conversion = self._conversion(header.page, samples)
        if conversion is None:
            yield from picture.bands(rows)
        else:
            yield from _converted(picture, conversion, header, rows)
        self.warnings = (*picture.warnings(), *_clipped(conversion, header))

    def infrared(self) -> Iterator[Band] | None:
        page, first = self.header.infrared_page, 0
        if page is None:
            sample = _infrared_sample(self.header)
            if sample is None:
                return None
            page, first = self.header.page, sample
        assert page is not None, "not a TIFF header"
        samples = slice(first, first + 1)
        picture, conversion = self._rows(page, samples), self._conversion(page, samples)
        if conversion is None:
            bands = picture.bands()
            return _codes(bands) if page.sample == "float" else bands
        about = replace(self.header, width=page.width, height=page.height, channels=1)
        if about.page is not page:
            about = replace(about, page=page, band="uint8" if page.bits < 8 else "uint16")
        elif about.layout.sample == "float":
            return _codes(_converted(picture, conversion, about, None))
        return _converted(picture, conversion, about, None)

    def _conversion(self, page: Page, samples: slice) -> Conversion | None:
        return codes.conversion_of(page, parse(self._source), samples)

    def share(self, parallel: Parallel) -> None:
        self._parallel = parallel

    def _rows(self, page: Page, samples: slice) -> Rows:
        rows = Rows(self._source, page, samples, self.header.big_endian, self._parallel)
        rows.inverted = (
            page.photometric == Photometric.MIN_IS_WHITE
            and samples.start == 0
            and self._conversion(page, samples) is None
        )
        rows.clipped = page.bits == 64 or page.levels is not None
        return rows

    def close(self) -> None:
        self._source.close()


def segments_of(source: Source, page: Page, big_endian: bool) -> Segments:
    """Open a page's strips or tiles with the reader that knows them.

    Parameters
    ----------
    source : Source
        The open file.
    page : Page
        One picture of the TIFF.
    big_endian : bool
        Byte order of the file.
    """
    if streams(page):
        return Segments(source, page, big_endian)
    from divere_cli.image.other.segments import OtherSegments  # starts tifffile

    return OtherSegments(source, page, big_endian)


class Rows:
    """Reads rows of chosen samples of one page.

    Parameters
    ----------
    source : Source
    page : Page
    samples : slice
        Which samples of a pixel, consecutive.
    big_endian : bool
    parallel : Parallel
        Decodes segments beside each other.
    """

    def __init__(
        self, source: Source, page: Page, samples: slice, big_endian: bool, parallel: Parallel
    ) -> None:
        self._page = page
        self.parallel = parallel
        self._samples = samples
        self._segments = segments_of(source, page, big_endian)
        self.channels = samples.stop - samples.start
        self.dtype = np.dtype(np.float32) if page.sample == "float" else self._segments.dtype
        self._plain = page.compression == NONE and page.tile is None and page.subsampling == (1, 1)
        full_rows = page.tile is None and self._segments.samples == self.channels
        self._direct = full_rows and self.dtype == self._segments.dtype
        self._scratch = threading.local()
        self._decoded = np.empty((0, 0, 0), dtype=self.dtype)
        self._decoded_row = -1
        self._run = self._one_run()
        self._low, self._high = 0.0, 1.0  # of float samples
        self.inverted = False
        self.clipped = False  # what is made of floats holds 0 to 1 only

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield bands from top to bottom; the buffer is reused."""
        page = self._page
        height = min(rows or self.natural_rows(), page.height)
        buffer = np.empty((height, page.width, self.channels), dtype=self.dtype)
        for first in range(0, page.height, height):
            band = buffer[: min(height, page.height - first)]
            self.read(first, band)
            yield first, band

    def natural_rows(self) -> int:
        """Return the rows of a band of about ``BAND_BYTES``, whole segments unless too tall."""
        row = self._page.width * self.channels * int(self.dtype.itemsize)
        rows = int(max(1, BAND_BYTES * self.parallel.size // row))
        tall = int(self._page.segment_rows)
        if self._plain or tall > TALL * rows:
            return rows
        return max(1, rows // tall) * tall

    def warnings(self) -> tuple[str, ...]:
        """Warnings about the rows read so far."""
        if self._low >= 0 and self._high <= 1:
            return self._segments.warnings
        return (
            *self._segments.warnings,
            f"float samples lie between {self._low:g} and {self._high:g};"
            f" they are {'cut off' if self.clipped else 'taken as they are'}, 1 as full"
            " transmittance",
        )

    def read(self, first: int, out: NDArray[Any]) -> None:
        """Read the rows from ``first`` into ``out``, (rows, width, channels).

        Raises
        ------
        CorruptInput, Unreadable
        """
        if self._plain:
            self._read_plain(first, out)
        else:
            self._read_segments(first, out)
        self._finish(first, out)

    def _read_plain(self, first: int, out: NDArray[Any]) -> None:
        """Read uncompressed strips: any rows, with one read for each contiguous run."""
        tall = self._page.height if self._run else self._page.segment_rows
        done = 0
        while done < len(out):
            strip, row = divmod(first + done, tall)
            part = out[done : done + min(len(out) - done, tall - row)]
            for plane in self._planes():
                start = self._start_of(strip, plane)
                target = part if self._direct else self._room(len(part))
                offset = start + row * self._segments.stored_row_bytes()
                self._segments.read_rows(offset, target, f"row {first + done}")
                if not self._direct:
                    self._take(target, plane, part)
            done += len(part)

    def _start_of(self, strip: int, plane: int) -> int:
        if self._run:
            return self._run[plane]
        return int(self._segments.offsets[strip + plane * self._page.down])

    def _read_segments(self, first: int, out: NDArray[Any]) -> None:
        """Decode segments inside ``out`` directly into it, others into a buffer."""
        tall = self._page.segment_rows
        pieces: list[Piece] = []
        done = 0
        while done < len(out):
            index, row = divmod(first + done, tall)
            there = min(tall, self._page.height - index * tall)
            part = out[done : done + min(len(out) - done, there - row)]
            if len(part) == there:
                pieces += self._pieces(index, part)
            else:
                self._hold(index, there)
                part[:] = self._decoded[row : row + len(part)]
            done += len(part)
        self.parallel.each(self._decode, zip(pieces))

    def _hold(self, index: int, rows: int) -> None:
        if self._decoded_row == index:
            return
        self._decoded_row = -1
        if len(self._decoded) != rows:
            self._decoded = np.empty((rows, self._page.width, self.channels), dtype=self.dtype)
        self.parallel.each(self._decode, zip(self._pieces(index, self._decoded)))
        self._decoded_row = index

    def _pieces(self, row: int, out: NDArray[Any]) -> list[Piece]:
        """List the strips or tiles of one row, in all planes, with their part of ``out``."""
        page = self._page
        pieces = []
        for plane in self._planes():
            for column in range(page.across):
                index = (plane * page.down + row) * page.across + column
                left = column * page.segment_width
                right = min(left + page.segment_width, page.width)
                pieces.append((index, plane, out[:, left:right]))
        return pieces

    def _decode(self, piece: Piece) -> None:
        index, plane, out = piece
        if self._direct:
            self._segments.read(index, out)
            return
        room = self._room(self._segments.rows_of(index))
        self._segments.read(index, room)
        self._take(room[: len(out), : out.shape[1]], plane, out)

    def _planes(self) -> range:
        """Return the planes with the chosen samples; one plane if they are interleaved."""
        if self._page.planar:
            return range(self._samples.start, self._samples.stop)
        return range(1)

    def _take(self, stored: NDArray[Any], plane: int, out: NDArray[Any]) -> None:
        if self._page.planar:
            out[:, :, plane - self._samples.start] = stored[:, :, 0]
        else:
            out[:] = stored[:, :, self._samples]

    def _room(self, rows: int) -> NDArray[Any]:
        """Return a buffer for stored samples of a segment or part; the memory is reused."""
        segments = self._segments
        shape = (rows, self._page.segment_width, segments.samples)
        size = rows * segments.row_bytes()
        room: NDArray[np.uint8] | None = getattr(self._scratch, "room", None)
        if room is None or size > room.nbytes:
            room = self._scratch.room = np.empty(size, dtype=np.uint8)
        return room[:size].view(segments.dtype).reshape(shape)

    def _one_run(self) -> tuple[int, ...]:
        """Return the start of each plane if its uncompressed strips are contiguous."""
        page, segments = self._page, self._segments
        if not self._plain:
            return ()
        size = np.uint64(page.segment_rows * segments.stored_row_bytes())
        offsets = segments.offsets.reshape(page.planes, page.down)
        if (np.diff(offsets.astype(np.int64), axis=1) == np.int64(size)).all():
            return tuple(int(start) for start in offsets[:, 0])
        return ()

    def _finish(self, first: int, out: NDArray[Any]) -> None:
        if out.dtype.kind == "f":
            low, high = float(out.min()), float(out.max())
            if not (math.isfinite(low) and math.isfinite(high)):
                row = first + int(np.argmin(np.isfinite(out).all(axis=(1, 2))))
                raise CorruptInput(f"row {row} has values that are not finite numbers")
            self._low, self._high = min(self._low, low), max(self._high, high)
        if self.inverted:
            full = 1.0 if out.dtype.kind == "f" else np.iinfo(out.dtype).max
            np.subtract(out.dtype.type(full), out, out=out)


def _codes(bands: Iterator[Band]) -> Iterator[Band]:
    """Convert floats to 16-bit codes, clipped to 0 to 1."""
    for first, band in bands:
        yield first, np.rint(np.clip(band, 0, 1) * 65535).astype(np.uint16)


def _stored_channels(header: Header) -> int:
    """Return the number of color samples per pixel; a palette stores one for three."""
    assert header.page is not None, "not a TIFF header"
    return 1 if header.page.photometric == Photometric.PALETTE else header.channels


def _infrared_sample(header: Header) -> int | None:
    """Return the index of the infrared sample, or of one with unknown meaning."""
    if "infrared" in header.extra:
        return _stored_channels(header) + header.extra.index("infrared")
    if header.extra.count("unknown") == 1:
        return _stored_channels(header) + header.extra.index("unknown")
    return None


def _converted(
    picture: Rows, conversion: Conversion, header: Header, rows: int | None
) -> Iterator[Band]:
    """Convert stored bands to the header's layout, and crop them."""
    assert header.page is not None, "not a TIFF header"
    levels = header.page.levels
    left, top, width, height = levels.crop if levels else (0, 0, header.width, header.height)
    tall = min(rows or picture.natural_rows(), height)
    stored = np.empty((tall, header.page.width, picture.channels), picture.dtype)
    out = np.empty((tall, header.page.width, header.channels), header.layout.dtype)
    for first in range(0, height, tall):
        count = min(tall, height - first)
        picture.read(top + first, stored[:count])
        parts = slices(count, 2 * picture.parallel.size)
        work = [(top + first + part.start, stored[part], out[part]) for part in parts]
        picture.parallel.each(conversion.apply, work)
        band = out[:count]
        if width != header.page.width:
            band = np.ascontiguousarray(band[:, left : left + width])
        yield first, band


def _clipped(conversion: Conversion | None, header: Header) -> tuple[str, ...]:
    """Warn if more of a picture than a few highlights is above its white."""
    above = conversion.above_white() if conversion else 0
    share = above / max(1, header.pixels * header.channels)
    if share <= codes.TOLD_SHARE:
        return ()
    return (f"{share:.0%} of the samples are above the white of the file; they are clipped",)
