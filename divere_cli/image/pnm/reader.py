"""Reads portable pixmaps in bands, with all of their bits.

Covers raw and plain samples with any white, without alpha, and PFM from the bottom row up. Raw
pixmaps are read row by row; a plain one is text and is read as a whole. Of several pixmaps in one
file, the first is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput
from divere_cli.image.layout import Header
from divere_cli.image.pnm.header import Pixmap, pixmap
from divere_cli.image.reader import Band, Reader
from divere_cli.image.source import Source

_BAND_BYTES = 2 << 20


class PnmReader(Reader):
    """A pixmap that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, source: Source, header: Header) -> None:
        super().__init__(header)
        self._source = source
        self._about = pixmap(source)
        self._table = _table(self._about, np.dtype(header.layout.dtype))
        self._text = _numbers(source, self._about) if self._about.plain else None

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture in bands; see :meth:`divere_cli.image.reader.Reader.bands`."""
        about = self._about
        row = about.row_bytes or about.width * about.samples
        tall = min(rows or max(1, _BAND_BYTES // row), about.height)
        for first in range(0, about.height, tall):
            count = min(tall, about.height - first)
            stored = self._stored(first, count)
            if about.most and int(stored.max(initial=0)) > about.most:
                raise CorruptInput(f"a sample in row {first} or soon after is above the white")
            band = stored[:, :, : self.header.channels]
            yield first, np.ascontiguousarray(self._samples(band, first))
        self._said_of_rest()

    def _samples(self, stored: NDArray[Any], first: int) -> NDArray[Any]:
        if self._table is not None:
            samples: NDArray[Any] = self._table[stored]
            return samples
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            raise CorruptInput(f"row {first} or one soon after has values that are not numbers")
        return stored.astype(self.header.layout.dtype)

    def _stored(self, first: int, count: int) -> NDArray[Any]:
        """Codes of some rows, (rows, width, samples)."""
        about = self._about
        if self._text is not None:
            return self._text[first : first + count]
        top = about.height - first - count if not about.most else first
        start, size = about.start + top * about.row_bytes, count * about.row_bytes
        data = self._source.read(start, size, f"row {first}")
        if about.kind == "4":
            packed = np.frombuffer(data, np.uint8).reshape(count, -1)
            return np.unpackbits(packed, axis=1)[:, : about.width, None]
        order = ">" if about.big_endian else "<"
        kind = "f4" if not about.most else f"u{about.sample_bytes}"
        codes = np.frombuffer(data, order + kind).reshape(count, about.width, about.samples)
        return codes if about.most else codes[::-1]

    def _said_of_rest(self) -> None:
        about = self._about
        end = about.start + about.row_bytes * about.height
        if about.row_bytes and self._source.size > end + 1:
            self.warnings = ("there is more in the pixmap than its header says; it is left out",)

    def close(self) -> None:
        self._source.close()


def open_reader(path: str, header: Header) -> PnmReader:
    """Open a pixmap; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    """
    source = Source(path)
    try:
        return PnmReader(source, header)
    except BaseException:
        source.close()
        raise


def _table(about: Pixmap, kind: np.dtype[Any]) -> NDArray[Any] | None:
    """Return a table of samples by code; None if samples equal codes."""
    if not about.most or about.most == np.iinfo(kind).max:
        return None
    codes = np.arange(about.most + 1) / about.most
    if about.kind in "14":  # in a bitmap 1 is black
        codes = 1 - codes
    return np.rint(codes * np.iinfo(kind).max).astype(kind)


def _numbers(source: Source, about: Pixmap) -> NDArray[Any]:
    """Return the samples of a plain pixmap."""
    text = source.read(about.start, source.size - about.start)
    count = about.width * about.height * about.samples
    lines = (line.split(b"#", 1)[0] for line in text.split(b"\n"))
    if about.kind == "1":
        digits = b"".join(b"".join(line.split()) for line in lines)
        samples = np.frombuffer(digits, np.uint8).astype(np.int64) - ord("0")
    else:
        words = [word for line in lines for word in line.split()][:count]
        if not all(word.isdigit() and len(word) < 6 for word in words):
            raise CorruptInput("the pixmap has samples that are not numbers")
        samples = np.array([int(word) for word in words], np.int64)
    if len(samples) < count:
        raise CorruptInput(f"the pixmap has {len(samples)} samples instead of {count}")
    return samples[:count].clip(0, 65536).reshape(about.height, about.width, about.samples)
