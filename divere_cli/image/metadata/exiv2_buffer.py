"""exiv2 on small files in memory: the one place where it is called with data.

What it covers: the buffer that exiv2 works on, its lock, and the blocks as a
JPEG or a PNG takes them. What it does not: which metadata is kept
(``metadata``), and real files, which exiv2 never sees.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import exiv2

from divere_cli.image import containers
from divere_cli.image.ifd.writer import Entry
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.metadata import exif_block
from divere_cli.image.png_chunks import chunk

XMP_TAG, IPTC_TAG = 700, 33723
_LOCK = threading.Lock()


SMALLEST_JPEG = b"\xff\xd8\xff\xd9"
_SMALLEST_PNG = (
    containers.PNG_SIGNATURE
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\0\0"))
    + chunk(b"IEND", b"")
)


@contextmanager
def session() -> Iterator[None]:
    """Have exiv2 for oneself, as if nothing had been read before.

    XMP-Toolkit keeps every namespace that a packet brings: without a fresh start
    (50 us) a damaged prefix in one scan spoils the metadata of the next.
    """
    with _LOCK:
        exiv2.XmpProperties.unregisterNs()
        exiv2.XmpParser.terminate()
        exiv2.XmpParser.initialize()
        yield


class Scratch:
    """A small file in memory that exiv2 reads and writes; used in a :func:`session` only.

    exiv2 works on the buffer itself, also when that is ``bytes``, and does not
    keep it alive: the scratch owns a copy for as long as the image lives.
    """

    def __init__(self, data: bytes) -> None:
        exiv2.LogMsg.setLevel(exiv2.LogMsg.Level.mute)
        self._buffer = bytearray(data)
        self.image = exiv2.ImageFactory.open(self._buffer)
        self.image.readMetadata()

    def written(self) -> bytes:
        """Write the metadata and return the whole file."""
        self.image.writeMetadata()
        return bytes(self.image.io().data())


def jpeg_segments(given: PictureMetadata) -> bytes:
    """Encode Exif, XMP and IPTC as JPEG marker segments, to follow SOI (or APP0).

    Parameters
    ----------
    given : PictureMetadata
        Metadata of the positive.

    Returns
    -------
    bytes
        APP1 and APP13 segments; the ICC profile is the encoder's.
    """
    return _embedded(SMALLEST_JPEG, given)[2:-2]


def png_chunks(given: PictureMetadata) -> bytes:
    """Encode Exif, XMP and IPTC as PNG chunks, to follow IHDR.

    Parameters
    ----------
    given : PictureMetadata
        Metadata of the positive.

    Returns
    -------
    bytes
        ``eXIf``, ``iTXt`` and ``zTXt`` chunks; the ICC profile is the encoder's.
    """
    if not (given.exif or given.xmp or given.iptc):
        return b""
    whole = containers.Held(_embedded(_SMALLEST_PNG, given))
    return b"".join(
        whole.read(offset - 8, length + 12)
        for name, offset, length in containers.chunks(whole)
        if name in (b"eXIf", b"iTXt", b"zTXt")
    )


def _embedded(smallest: bytes, given: PictureMetadata) -> bytes:
    """Let exiv2 put the blocks into the smallest file of a format."""
    with session():
        small = Scratch(smallest)
        if given.exif:
            exif = Scratch(given.exif)
            small.image.setExifData(exif.image.exifData())
        if given.iptc:
            iptc = Scratch(exif_block.build([Entry(IPTC_TAG, 7, given.iptc)], [], []))
            small.image.setIptcData(iptc.image.iptcData())
        if given.xmp:
            # the packet as it is: exiv2 would write it with attributes and padding
            small.image.setXmpPacket(given.xmp.decode("utf-8"))
            small.image.writeXmpFromPacket(True)
        return small.written()
