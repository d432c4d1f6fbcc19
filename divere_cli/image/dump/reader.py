"""Reads a lab scanner's dump in bands: planes of 16-bit samples, one per color."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from divere_cli.errors import InputChanged
from divere_cli.image.dump.header import find
from divere_cli.image.layout import Header
from divere_cli.image.reader import Band, Reader
from divere_cli.image.source import Source

_BAND_BYTES = 2 << 20


class DumpReader(Reader):
    """A dump that is open for reading; see :class:`divere_cli.image.reader.Reader`."""

    def __init__(self, source: Source, header: Header) -> None:
        super().__init__(header)
        dump = find(source)
        if dump is None or (dump.width, dump.height) != (header.width, header.height):
            raise InputChanged("the size of the file changed while it was read")
        self._source, self._about = source, dump

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture in bands; see :meth:`divere_cli.image.reader.Reader.bands`."""
        about = self._about
        row = 2 * about.width
        tall = rows or max(1, _BAND_BYTES // (row * about.channels))
        for first in range(0, about.height, tall):
            count = min(tall, about.height - first)
            band = np.empty((count, about.width, about.channels), np.uint16)
            for plane in range(about.channels):
                start = about.start + plane * about.plane_bytes + first * row
                data = self._source.read(start, count * row, f"row {first}")
                band[:, :, plane] = np.frombuffer(data, "<u2").reshape(count, about.width)
            yield first, band

    def close(self) -> None:
        self._source.close()


def open_reader(path: str, header: Header) -> DumpReader:
    """Open a dump; see :func:`divere_cli.image.reader.open`.

    Parameters
    ----------
    path : str
        Path of the file.
    header : Header
        Header of the scan.
    """
    source = Source(path)
    try:
        return DumpReader(source, header)
    except BaseException:
        source.close()
        raise
