"""Reads the header of a JPEG XL: its boxes, if any, and the head of its codestream.

Covers size, depth and channels. Not covered: the color space, metadata boxes and a
picture's pixels. Standard library only.

Source: ISO/IEC 18181-2:2024, section 9.
"""

from __future__ import annotations

from divere_cli.errors import CorruptInput
from divere_cli.image.containers import boxes
from divere_cli.image.jxl import codestream
from divere_cli.image.layout import Header
from divere_cli.image.limits import check_size
from divere_cli.image.source import Source

SIGNATURE = bytes.fromhex("0000000c4a584c200d0a870a")
_PART_NUMBER = 4
_PREMULTIPLIED = "alpha is premultiplied; color is taken as stored"


def is_jxl(head: bytes) -> bool:
    """Return whether the first bytes are those of a JPEG XL file, with or without boxes.

    Parameters
    ----------
    head : bytes
        The first bytes of the file.
    """
    return head.startswith((SIGNATURE, codestream.START))


def read(source: Source, max_pixels: int) -> Header:
    """Read the header of a JPEG XL file.

    Parameters
    ----------
    source : Source
        The open file.
    max_pixels : int
        Larger pictures are refused.

    Raises
    ------
    CorruptInput, Unsupported, LimitExceeded
    """
    at, size = _codestream(source)
    data = source.read(at, min(size, codestream.HEAD_BYTES), "the JPEG XL head")
    head = codestream.read(data)
    check_size(head.width, head.height, max_pixels)
    return Header(
        format="jxl",
        width=head.width,
        height=head.height,
        channels=1 if head.gray else 3,
        bits=head.bits,
        file_size=source.size,
        sample="float" if head.floats else "uint",
        compression="lossy" if head.lossy else "lossless",
        variant="jxl",
        orientation=head.orientation,
        extra=("alpha",) if head.alpha else (),
        transfer="" if head.transfer == "gamma 0" else head.transfer,
        transfer_by="JPEG XL color encoding",
        warnings=(_PREMULTIPLIED,) if head.premultiplied else (),
    )


def _codestream(source: Source) -> tuple[int, int]:
    """Return the start of the codestream, or of its first part, and its length."""
    if source.read(0, 2) == codestream.START:
        return 0, source.size
    for kind, start, end in boxes(source, 0, source.size):
        if kind == b"jxlc":
            return start, end - start
        if kind == b"jxlp":
            return start + _PART_NUMBER, end - start - _PART_NUMBER
    raise CorruptInput("the JPEG XL has no codestream")
