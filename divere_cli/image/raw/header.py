"""Recognizes camera raw files that are no plain TIFF, by their first bytes.

Their size is known only to LibRaw (:mod:`.reader`), so width and height are
0 here. Raw files that are TIFF inside (DNG, NEF, CR2, ARW...) are found by
:mod:`divere_cli.image.tiff.dialects`.
"""

from __future__ import annotations

from divere_cli.image import orientation
from divere_cli.image.layout import Header
from divere_cli.image.source import Source

_STARTS = {
    b"FUJIFILMCCD-RAW ": "raf",
    b"IIRO": "orf",
    b"IIRS": "orf",
    b"MMOR": "orf",
    b"IIU\0": "rw2",
    b"FOVb": "x3f",
    b"\0MRM": "mrw",
}


def is_raw(head: bytes) -> bool:
    """Return whether the first bytes are those of a camera's raw file.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    """
    return _variant(head) != ""


def _variant(head: bytes) -> str:
    if head[4:12] == b"ftypcrx ":
        return "cr3"
    return next((name for start, name in _STARTS.items() if head.startswith(start)), "")


def read(source: Source, suffix: str) -> Header:
    """Return the header of a raw file without LibRaw: only its kind is known.

    Parameters
    ----------
    source : Source
        The open file.
    suffix : str
        The file's suffix, in lower case.
    """
    head = source.read(0, min(16, source.size))
    return Header(
        format="raw",
        width=0,
        height=0,
        channels=3,
        bits=16,
        file_size=source.size,
        compression="raw",
        variant=_variant(head) or suffix.lstrip("."),
        orientation=orientation.of_blocks(source) or 1,
        notes=("the size is known only to the raw decoder",),
    )
