"""Write a positive row by row into a file that already exists.

Covers the contract of writers and which module writes which format. Each of
those modules exposes ``open_writer(path, encoding, width, height, channels,
picture) -> Writer``. Creating, publishing and removing the file is the
business of whoever made it.
"""

from __future__ import annotations

from importlib import import_module
from types import TracebackType
from typing import Any, Protocol, Self, cast

from numpy.typing import NDArray

from divere_cli.image.layout import PictureMetadata
from divere_cli.records import Encoding, Written

MODULES = {
    "tiff": "divere_cli.image.tiff_writer",
    "png": "divere_cli.image.png_writer",
    "jpeg": "divere_cli.image.jpeg",
}


class Writer(Protocol):
    """A positive that is being written; a context manager.

    Leaving the ``with`` statement without :meth:`close` gives up: descriptors
    and buffers are freed and the file's content is worth nothing.
    """

    def write(self, rows: NDArray[Any]) -> None:
        """Append rows, ``(rows, width, channels)`` of ``uint8`` or ``uint16`` as the encoding says.

        The array is free for other use when this returns.

        Raises
        ------
        NoSpace, OutputError
        """
        ...

    def close(self) -> Written:
        """Finish the file: whole, with its metadata, and fsynced when this returns.

        ``name`` of the result is empty; the caller knows it.

        Raises
        ------
        NoSpace, OutputError
            Also when rows are missing.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open(  # noqa: A001
    path: str,
    encoding: Encoding,
    width: int,
    height: int,
    channels: int,
    picture: PictureMetadata,
) -> Writer:
    """Open an existing file, without following links, to write a positive into it.

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
        What is embedded beside the pixels.

    Raises
    ------
    NoSpace, OutputError
    """
    module = import_module(MODULES[encoding.format])
    return cast(Writer, module.open_writer(path, encoding, width, height, channels, picture))
