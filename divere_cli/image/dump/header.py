"""Recognizes a lab scanner's dump by its head of 16 bytes or by its size.

Covers Pakon's planar 16-bit files (``.raw``), as its client program saves them:
with a head (its own length, width, height, bits of a pixel, each of four bytes),
or without one, of the sizes that the scanner makes. Noritsu's and others' dumps
have no head and no sizes of their own: they are refused with a hint. Standard
library only.

Source: the pages of the Pakon community on TLXClientDemo; files of a film
simulator made after them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from divere_cli.errors import Unsupported
from divere_cli.image.layout import Header
from divere_cli.image.limits import check_size
from divere_cli.image.source import Source

HEAD = 16
# base 16, 8 and 4, across the film's width
SIZES = ((3000, 2000), (2250, 1500), (1500, 1000))
HINT = (
    "dumps of Pakon and Noritsu scanners have no size of their own: save them with"
    ' "Add File Header", or convert them to 16-bit TIFF by their width and height'
)


@dataclass(frozen=True, slots=True)
class Dump:
    """The size, channels and start of the planes of a dump."""

    width: int
    height: int
    channels: int
    start: int

    @property
    def plane_bytes(self) -> int:
        """Bytes of one color plane."""
        return 2 * self.width * self.height

    @property
    def description(self) -> str:
        """How the file was read, as a warning."""
        head = "by its head" if self.start else "by the file's size"
        kind = "RGB" if self.channels == 3 else "gray"
        return (
            f"a scanner's dump without a format, taken as Pakon: {self.width} x {self.height},"
            f" 16-bit planar {kind}, {head}"
        )


def find(source: Source) -> Dump | None:
    """Return the layout of a dump; None if no known layout fits, or more than one.

    Parameters
    ----------
    source : Source
        The open file.
    """
    with_head = _with_head(source)
    if with_head is not None:
        return with_head
    layouts = [
        Dump(width, height, channels, 0)
        for width, height in SIZES
        for channels in (1, 3)
        if source.size == 2 * width * height * channels
    ]
    return layouts[0] if len(layouts) == 1 else None


def _with_head(source: Source) -> Dump | None:
    if source.size <= HEAD:
        return None
    length, width, height, bits = struct.unpack("<IIII", source.read(0, HEAD))
    channels = {48: 3, 16: 1}.get(bits, 0)
    fits = source.size == HEAD + 2 * width * height * channels
    return Dump(width, height, channels, HEAD) if length == HEAD and channels and fits else None


def read(source: Source, max_pixels: int) -> Header:
    """Return the header of a dump.

    Parameters
    ----------
    source : Source
        The open file.
    max_pixels : int
        Larger pictures are refused.

    Raises
    ------
    Unsupported
        No known layout fits the file's size, or more than one.
    LimitExceeded
    """
    dump = find(source)
    if dump is None:
        raise Unsupported(
            "is neither a camera's raw file nor a lab scanner's dump of a known size", hint=HINT
        )
    check_size(dump.width, dump.height, max_pixels)
    return Header(
        format="dump",
        width=dump.width,
        height=dump.height,
        channels=dump.channels,
        bits=16,
        file_size=source.size,
        planar=True,
        variant="pakon",
        warnings=(dump.description,),
    )
