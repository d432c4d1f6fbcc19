"""Writes a positive row by row into an existing file.

Covers the common part of all writers, and the module for each format: rows are counted and
regrouped into strips, so that the file does not depend on how many rows come at once. Each of
those modules exposes ``open_writer(sink, encoding, shape, picture) -> Writer``. Creating,
publishing and removing the file is the business of whoever made it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, Self, cast

from numpy.typing import NDArray

from divere_cli.errors import OutputError
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.parallel import Parallel
from divere_cli.image.sink import Sink
from divere_cli.image.strips import Strips
from divere_cli.records.job import Encoding
from divere_cli.records.outcome import Written

MODULES = {
    "tiff": "divere_cli.image.tiff.writer",
    "png": "divere_cli.image.png.writer",
    "jpeg": "divere_cli.image.jpeg.reader",
    "jxl": "divere_cli.image.jxl.writer",
    "dng": "divere_cli.image.dng.writer",
}

# of rows, by bit depth
DTYPES = {8: "u1", 16: "u2", 32: "f4"}

Rows = NDArray[Any]
Shape = tuple[int, int, int]


class Writer(ABC):
    """A positive that is being written; a context manager.

    Leaving the ``with`` statement without :meth:`close` abandons the file: descriptors and buffers
    are freed, and its content is invalid.

    Parameters
    ----------
    sink : Sink
    shape : tuple of int
        (height, width, channels).
    dtype : str
        Of the rows: ``u1``, ``u2`` or ``f4``.
    strip_rows : int
        Rows that are encoded at once.
    """

    def __init__(self, sink: Sink, shape: Shape, dtype: str, strip_rows: int) -> None:
        self._sink = sink
        self._parallel = Parallel()
        self._height, self._width, self._channels = shape
        self._strips = Strips(strip_rows, shape[1:], dtype)
        self._rows = 0

    def share(self, parallel: Parallel) -> None:
        """Use the threads of ``parallel`` for encoding and the digest; they outlive this writer."""
        self._parallel = parallel
        self._sink.share(parallel)

    def write(self, rows: Rows) -> None:
        """Append rows, ``(rows, width, channels)`` of the encoding's type.

        ``uint8``, ``uint16``, or for 32 bits ``float32``.

        The array is free for other use when this returns.

        Raises
        ------
        NoSpace, OutputError
        """
        self._count(rows)
        self._append(self._strips.add(rows))

    def describe(self, picture: PictureMetadata) -> bool:
        """Replace the metadata before the end; return False if they precede the pixels."""
        return False

    def close(self) -> Written:
        """Finish the file: it is complete, with its metadata, and synced when this returns.

        ``name`` of the result is empty; the caller knows it.

        Raises
        ------
        NoSpace, OutputError
            Also raised if rows are missing.
        """
        if self._rows != self._height:
            raise OutputError(f"{self._rows} of {self._height} rows were written")
        self._append(self._strips.last())
        self._end()
        sha256 = self._sink.sha256()
        size = self._sink.finish()
        return Written("", size, self._width, self._height, self._channels, sha256)

    def _count(self, rows: Rows) -> None:
        if not self._strips.fits(rows):
            raise OutputError(f"rows of {rows.shape} {rows.dtype} do not fit the positive")
        self._rows += len(rows)
        if self._rows > self._height:
            raise OutputError(f"more than {self._height} rows")

    @abstractmethod
    def _append(self, strips: list[Rows]) -> None:
        """Encode and write strips, which are valid during this call only."""

    @abstractmethod
    def _end(self) -> None:
        """Write the data after the last strip."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sink.close()


def open(  # noqa: A001
    path: str,
    encoding: Encoding,
    width: int,
    height: int,
    channels: int,
    picture: PictureMetadata,
) -> Writer:
    """Open an existing file, without following links, for writing a positive.

    Parameters
    ----------
    path : str
        The file; its old content is dropped.
    encoding : Encoding
        Format, bit depth, compression.
    width, height : int
        Pixels of the positive.
    channels : int
        1 or 3.
    picture : PictureMetadata
        Metadata to embed.

    Raises
    ------
    NoSpace, OutputError
    """
    module = import_module(MODULES[encoding.format])
    sink = Sink(path)
    try:
        shape = (height, width, channels)
        return cast(Writer, module.open_writer(sink, encoding, shape, picture))
    except BaseException:
        sink.close()
        raise
