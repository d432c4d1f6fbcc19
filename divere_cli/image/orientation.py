"""Finds the orientation of files that say it elsewhere than in their own tag.

Covers ``tiff:Orientation`` in an XMP packet, and Exif and XMP in the texts of a PNG or in the
boxes of a camera's raw file. Not covered: the tag of TIFF and of an Exif block, which comes first
where it exists.

Source: XMP specification part 2, section 3.3 (TIFF schema).
"""

from __future__ import annotations

import re

from divere_cli.errors import CorruptInput
from divere_cli.image.ifd.tags import TiffTag
from divere_cli.image.metadata import blocks
from divere_cli.image.source import Source

# EXIF's orientation: mirrored left for right first, then turned, degrees counter-clockwise.
TURNS = {
    1: (False, 0),
    2: (True, 0),
    3: (False, 180),
    4: (True, 180),
    5: (True, 90),
    6: (False, 270),
    7: (True, 270),
    8: (False, 90),
}
XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_ORIENTATION = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])\b")


def of_xmp(packet: bytes) -> int:
    """Return the orientation in an XMP packet, 1 to 8; 0 if there is none.

    Parameters
    ----------
    packet : bytes
        XMP in UTF-8.
    """
    match = _ORIENTATION.search(packet)
    return int(match.group(1)) if match else 0


def of_blocks(source: Source) -> int:
    """Return the orientation in the metadata blocks of a file; 0 if there is none.

    Parameters
    ----------
    source : Source
        The open file.
    """
    stored = blocks.find(source)
    part = stored.exif.get(blocks.IFD0)
    if part is not None:
        try:
            tag = part.directory.entries.get(TiffTag.ORIENTATION)
            value = int(part.tiff.number(tag, 0))
        except CorruptInput:
            value = 0
        if value:
            return value
    return of_xmp(stored.xmp)
