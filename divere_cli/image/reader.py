"""Open a scan and hand out its pixels in bands.

Covers the contract of readers and which module reads which format. Each of
those modules exposes ``open_reader(path, header) -> Reader`` (that of camera raw
files takes the white balance, too) and is imported only when a file of its
format is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, Self, cast

from numpy.typing import NDArray

from divere_cli.image import header as headers
from divere_cli.image.layout import Header
from divere_cli.records import WhiteBalance

Band = tuple[int, NDArray[Any]]

MODULES = {
    "tiff": "divere_cli.image.tiff_reader",
    "png": "divere_cli.image.png_reader",
    "jpeg": "divere_cli.image.jpeg",
    "raw": "divere_cli.image.raw",
}


class Reader(Protocol):
    """A scan that is open for reading; a context manager.

    ``warnings`` and ``notes`` may grow while bands are read.
    """

    @property
    def header(self) -> Header: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...

    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture from top to bottom as (first row, band).

        Parameters
        ----------
        rows : int, optional
            Rows of a band (the last may have fewer); what suits the storage
            when absent.

        Yields
        ------
        tuple of int and ndarray
            The band is ``(rows, width, channels)``, C-contiguous, native byte
            order, of ``header.layout.dtype``; color only. Its buffer is used
            again for the next band.

        Raises
        ------
        CorruptInput, Unreadable
            As soon as a segment is short or damaged; never zeros instead.
        """
        ...

    def infrared(self) -> Iterator[Band] | None:
        """Yield the infrared channel as bands of one channel; None where there is none.

        ``uint8`` or ``uint16``: as stored, floats of 0 to 1 as 16-bit codes.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open(  # noqa: A001
    path: str, header: Header | None = None, white_balance: WhiteBalance = "off"
) -> Reader:
    """Open a scan for reading.

    Parameters
    ----------
    path : str
        The scan.
    header : Header, optional
        What :func:`divere_cli.image.header.read` said of it; read when absent.
    white_balance : str
        Of a camera's raw file; other files have none.

    Returns
    -------
    Reader
        To be closed, or used in a ``with`` statement.

    Raises
    ------
    Unreadable, Unsupported, CorruptInput, LimitExceeded
    """
    known = headers.read(path) if header is None else header
    module = import_module(MODULES[known.format])
    wanted = (white_balance,) if known.format == "raw" else ()
    return cast(Reader, module.open_reader(path, known, *wanted))
