"""Rows of a TIFF picture, from any storage, in bands.

Covers strips and tiles, interleaved and planar samples, color without what
else a pixel carries, and infrared by itself. The same pixels come out
whatever the storage and the height of a band. Memory is one band, one segment
(packed and decoded), and for segments much taller than a band one row of
them. Nothing is mapped: mapped pages count as memory of the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput, InputChanged
from divere_cli.image.layout import Header, Page
from divere_cli.image.source import Source
from divere_cli.image.tiff_segments import NONE, Segments

# 2 MB bands stay in the second-level cache from the read to the write
BAND_BYTES = 2 << 20
# a segment row up to so many bands is decoded straight into a (taller) band
TALL = 4

Band = tuple[int, NDArray[Any]]


def open_reader(path: str, header: Header) -> TiffReader:
    """Open a TIFF file for reading; see :func:`divere_cli.image.reader.open`."""
    return TiffReader(path, header)


class TiffReader:
    """A TIFF scan that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, path: str, header: Header) -> None:
        self.header = header
        self.warnings: tuple[str, ...] = ()
        self._source = Source(path)
        if self._source.size != header.file_size:
            self.close()
            raise InputChanged("the file changed its size while it was read")

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        assert self.header.page is not None, "not a TIFF header"
        samples = slice(0, self.header.channels)
        picture = Rows(self._source, self.header.page, samples, self.header.big_endian)
        return picture.bands(rows)

    def infrared(self) -> Iterator[Band] | None:
        page, samples = self.header.infrared_page, slice(0, 1)
        if page is None and "infrared" in self.header.extra:
            page = self.header.page
            first = self.header.channels + self.header.extra.index("infrared")
            samples = slice(first, first + 1)
        if page is None:
            return None
        return Rows(self._source, page, samples, self.header.big_endian).bands()

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Rows:
    """Rows of chosen samples of one page.

    Parameters
    ----------
    source : Source
    page : Page
    samples : slice
        Which samples of a pixel, consecutive.
    big_endian : bool
    """

    def __init__(self, source: Source, page: Page, samples: slice, big_endian: bool) -> None:
        self._page = page
        self._samples = samples
        self._segments = Segments(source, page, big_endian)
        self.channels = samples.stop - samples.start
        self.dtype = np.dtype(np.float32) if page.sample == "float" else self._segments.dtype
        whole = page.tile is None and self._segments.samples == self.channels
        self._direct = whole and self.dtype == self._segments.dtype
        self._scratch = np.empty(0, dtype=np.uint8)
        self._held = np.empty((0, 0, 0), dtype=self.dtype)
        self._held_row = -1
        self._run = self._one_run()

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield bands from top to bottom; the buffer of one is used again for the next."""
        page = self._page
        height = min(rows or self.natural_rows(), page.height)
        buffer = np.empty((height, page.width, self.channels), dtype=self.dtype)
        for first in range(0, page.height, height):
            band = buffer[: min(height, page.height - first)]
            self.read(first, band)
            yield first, band

    def natural_rows(self) -> int:
        """Rows of a band of some ``BAND_BYTES``, whole segments where they are not too tall."""
        row = self._page.width * self.channels * int(self.dtype.itemsize)
        wanted = int(max(1, BAND_BYTES // row))
        tall = int(self._page.segment_rows)
        plain = self._page.compression == NONE and self._page.tile is None
        if plain or tall > TALL * wanted:
            return wanted
        return max(1, wanted // tall) * tall

    def read(self, first: int, out: NDArray[Any]) -> None:
        """Read the rows from ``first`` into ``out``, (rows, width, channels).

        Raises
        ------
        CorruptInput, Unreadable
        """
        if self._page.compression == NONE and self._page.tile is None:
            self._read_plain(first, out)
        else:
            self._read_segments(first, out)
        self._finish(first, out)

    def _read_plain(self, first: int, out: NDArray[Any]) -> None:
        """Read uncompressed strips: any rows, as many at once as lie together."""
        tall = self._page.height if self._run else self._page.segment_rows
        done = 0
        while done < len(out):
            strip, row = divmod(first + done, tall)
            part = out[done : done + min(len(out) - done, tall - row)]
            for plane in self._planes():
                start = self._start_of(strip, plane)
                target = part if self._direct else self._room(len(part))
                place = start + row * self._segments.row_bytes()
                self._segments.read_rows(place, target, f"row {first + done}")
                if not self._direct:
                    self._take(target, plane, part)
            done += len(part)

    def _start_of(self, strip: int, plane: int) -> int:
        if self._run:
            return self._run[plane]
        return int(self._segments.offsets[strip + plane * self._page.down])

    def _read_segments(self, first: int, out: NDArray[Any]) -> None:
        tall = self._page.segment_rows
        done = 0
        while done < len(out):
            index, row = divmod(first + done, tall)
            there = min(tall, self._page.height - index * tall)
            part = out[done : done + min(len(out) - done, there - row)]
            if len(part) == there:
                self._read_row_of_segments(index, part)
            else:
                self._hold(index, there)
                part[:] = self._held[row : row + len(part)]
            done += len(part)

    def _hold(self, index: int, rows: int) -> None:
        if self._held_row == index:
            return
        self._held_row = -1
        if len(self._held) != rows:
            self._held = np.empty((rows, self._page.width, self.channels), dtype=self.dtype)
        self._read_row_of_segments(index, self._held)
        self._held_row = index

    def _read_row_of_segments(self, row: int, out: NDArray[Any]) -> None:
        """Decode the strips or tiles of one height, all planes, into ``out``."""
        page, segments = self._page, self._segments
        for plane in self._planes():
            for column in range(page.across):
                index = (plane * page.down + row) * page.across + column
                if self._direct:
                    segments.read(index, out)
                    continue
                room = self._room(segments.rows_of(index))
                segments.read(index, room)
                left = column * page.segment_width
                right = min(left + page.segment_width, page.width)
                self._take(room[: len(out), : right - left], plane, out[:, left:right])

    def _planes(self) -> range:
        """Which planes hold the chosen samples; one of all when they are interleaved."""
        if self._page.planar:
            return range(self._samples.start, self._samples.stop)
        return range(1)

    def _take(self, stored: NDArray[Any], plane: int, out: NDArray[Any]) -> None:
        if self._page.planar:
            out[:, :, plane - self._samples.start] = stored[:, :, 0]
        else:
            out[:] = stored[:, :, self._samples]

    def _room(self, rows: int) -> NDArray[Any]:
        """A segment's or a part's samples as stored; the same memory each time."""
        segments = self._segments
        shape = (rows, self._page.segment_width, segments.samples)
        size = rows * segments.row_bytes()
        if size > self._scratch.nbytes:
            self._scratch = np.empty(size, dtype=np.uint8)
        return self._scratch[:size].view(segments.dtype).reshape(shape)

    def _one_run(self) -> tuple[int, ...]:
        """Where each plane starts when its uncompressed strips lie one after the other."""
        page, segments = self._page, self._segments
        if page.compression != NONE or page.tile is not None:
            return ()
        size = np.uint64(page.segment_rows * segments.row_bytes())
        offsets = segments.offsets.reshape(page.planes, page.down)
        if (np.diff(offsets.astype(np.int64), axis=1) == np.int64(size)).all():
            return tuple(int(start) for start in offsets[:, 0])
        return ()

    def _finish(self, first: int, out: NDArray[Any]) -> None:
        if out.dtype.kind == "f":
            finite = np.isfinite(out).all(axis=(1, 2))
            if not finite.all():
                row = first + int(np.argmin(finite))
                raise CorruptInput(f"row {row} has values that are no finite numbers")
        if self._page.photometric == 0 and self._samples.start == 0:
            full = 1.0 if out.dtype.kind == "f" else np.iinfo(out.dtype).max
            np.subtract(out.dtype.type(full), out, out=out)
