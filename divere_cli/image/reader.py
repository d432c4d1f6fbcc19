"""Opens a scan and returns its pixels in bands.

Covers the contract of readers and which module reads which format. Each of
those modules exposes ``open_reader(path, header) -> Reader`` (that of camera raw
files takes the white balance, too) and is imported only when a file of its
format is opened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from numpy.typing import NDArray

from divere_cli.errors import Unsupported
from divere_cli.image import header as headers
from divere_cli.image.closing import Closing
from divere_cli.image.layout import Header
from divere_cli.image.parallel import Parallel
from divere_cli.records.grade import WhiteBalance

Band = tuple[int, NDArray[Any]]

MODULES = {
    "tiff": "divere_cli.image.tiff.reader",
    "png": "divere_cli.image.png.reader",
    "jpeg": "divere_cli.image.jpeg.reader",
    "raw": "divere_cli.image.raw.reader",
    "linear": "divere_cli.image.dng.reader",
    "pnm": "divere_cli.image.pnm.reader",
    "dump": "divere_cli.image.dump.reader",
    "whole": "divere_cli.image.other.whole",
    "jxl": "divere_cli.image.other.whole",
}


class Reader(Closing, ABC):
    """A scan that is open for reading; a context manager.

    ``warnings`` may grow while bands are read.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.warnings: tuple[str, ...] = ()

    def share(self, parallel: Parallel) -> None:
        """Use the threads of ``parallel`` from now on; they must outlive this reader."""

    @abstractmethod
    def bands(self, rows: int | None = None) -> Iterator[Band]:
        """Yield the picture from top to bottom as (first row, band).

        Parameters
        ----------
        rows : int, optional
            Rows of a band (the last may have fewer); by default a height that
            suits the storage.

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

    def infrared(self) -> Iterator[Band] | None:
        """Return the infrared channel as bands of one channel; None if there is none.

        ``uint8`` or ``uint16``: as stored, floats of 0 to 1 as 16-bit codes.
        """
        return None


def open(  # noqa: A001
    path: str, header: Header | None = None, white_balance: WhiteBalance = "off"
) -> Reader:
    """Open a scan for reading.

    Parameters
    ----------
    path : str
        The scan.
    header : Header, optional
        The result of :func:`divere_cli.image.header.read`; read if None.
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
    scan_header = headers.read(path) if header is None else header
    if (scan_header.reader or scan_header.format) not in MODULES:
        raise Unsupported(
            f"is a {headers.NAMES[scan_header.format]}, which divere can write but not read",
            hint="convert it to TIFF or PNG",
        )
    module = import_module(MODULES[scan_header.reader or scan_header.format])
    arguments = (white_balance,) if scan_header.format == "raw" else ()
    return cast(Reader, module.open_reader(path, scan_header, *arguments))
