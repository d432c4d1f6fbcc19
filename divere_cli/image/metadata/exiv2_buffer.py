"""Runs exiv2 on small files in memory; all calls of exiv2 with data are here.

Covers the buffer that exiv2 works on, its lock, and the blocks in the form for JPEG and PNG. Not
covered: which metadata is kept (:mod:`.carried`), and real files, which exiv2 never opens.
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
    """Use exiv2 exclusively, in a fresh state.

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


def jpeg_segments(metadata: PictureMetadata) -> bytes:
    """Encode Exif, XMP and IPTC as JPEG marker segments, to follow SOI (or APP0).

    Parameters
    ----------
    metadata : PictureMetadata
        Metadata of the positive.

    Returns
    -------
    bytes
        APP1 and APP13 segments; the ICC profile is the encoder's.
    """
    return _embedded(SMALLEST_JPEG, metadata)[2:-2]


def png_chunks(metadata: PictureMetadata) -> bytes:
    """Encode Exif, XMP and IPTC as PNG chunks, to follow IHDR.

    Parameters
    ----------
    metadata : PictureMetadata
        Metadata of the positive.

    Returns
    -------
    bytes
        ``eXIf``, ``iTXt`` and ``zTXt`` chunks; the ICC profile is the encoder's.
    """
    if not (metadata.exif or metadata.xmp or metadata.iptc):
        return b""
    png = containers.Held(_embedded(_SMALLEST_PNG, metadata))
    return b"".join(
        png.read(offset - 8, length + 12)
        for name, offset, length in containers.chunks(png)
        if name in (b"eXIf", b"iTXt", b"zTXt")
    )


def _embedded(smallest: bytes, metadata: PictureMetadata) -> bytes:
    """Put the blocks into the smallest file of a format, with exiv2."""
    with session():
        small = Scratch(smallest)
        if metadata.exif:
            exif = Scratch(metadata.exif)
            small.image.setExifData(exif.image.exifData())
        if metadata.iptc:
            iptc = Scratch(exif_block.build([Entry(IPTC_TAG, 7, metadata.iptc)], [], []))
            small.image.setIptcData(iptc.image.iptcData())
        if metadata.xmp:
            # the unchanged packet: exiv2 would write it with attributes and padding
            small.image.setXmpPacket(metadata.xmp.decode("utf-8"))
            small.image.writeXmpFromPacket(True)
        return small.written()
