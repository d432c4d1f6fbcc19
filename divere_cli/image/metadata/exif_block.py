"""Builds and reads an Exif block, which is a small TIFF.

Covers IFD0 with its Exif and GPS directories. Not covered: choosing tags (:mod:`.carried`), and
the layout of directories (:mod:`divere_cli.image.ifd.writer`).

Source: Exif 2.32 section 4.6.3.
"""

from __future__ import annotations

import struct

from divere_cli.errors import CorruptInput
from divere_cli.image.containers import Held
from divere_cli.image.ifd.reader import Tiff, parse
from divere_cli.image.ifd.writer import ORDER, Entry, lay_out, pick

EXIF_IFD, GPS_IFD = 34665, 34853
_START = b"II*\0" if ORDER == "<" else b"MM\0*"
# tags of the block's own picture, or written by the TIFF writer
_NOT_CARRIED = frozenset({
    254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 283, 284, 296,
    305, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347, 513, 514, 529, 530, 531, 532,
    700, 33723, 34377, 34675, 50341, EXIF_IFD, GPS_IFD,
})  # fmt: skip
_INTEROPERABILITY = 40965
_MAKER_NOTE = 37500
_MAX_VALUE = 1 << 20


def build(ifd0: list[Entry], exif: list[Entry], gps: list[Entry]) -> bytes:
    """Build an Exif block; the pointers between the directories are added here.

    Parameters
    ----------
    ifd0 : list of Entry
        Entries of the first directory, each code at most once.
    exif : list of Entry
        Entries of the Exif directory.
    gps : list of Entry
        Entries of the GPS directory.
    """
    made, start = lay_out(ifd0, {EXIF_IFD: exif, GPS_IFD: gps}, 8, big=False)
    return _START + struct.pack(ORDER + "I", start) + made


def carried(block: bytes) -> tuple[list[Entry], dict[int, list[Entry]]]:
    """Return the entries of an Exif block for a picture's own directory.

    Parameters
    ----------
    block : bytes
        As in :class:`divere_cli.image.layout.PictureMetadata`; may be empty.

    Returns
    -------
    list of Entry
        Of the main directory, without tags that describe the block's own picture.
    dict of list of Entry
        The Exif and GPS sub-directories by their tag.

    Raises
    ------
    CorruptInput
    """
    if not block:
        return [], {}
    tiff = parse(Held(block))
    main = tiff.directory(tiff.first).entries
    places = {
        code: int(tiff.values(main[code], 1)[0]) for code in (EXIF_IFD, GPS_IFD) if code in main
    }
    without = frozenset([_INTEROPERABILITY, _MAKER_NOTE])
    subs = {code: _entries_of(tiff, offset, without) for code, offset in places.items()}
    return _entries_of(tiff, tiff.first, _NOT_CARRIED), subs


def _entries_of(tiff: Tiff, offset: int, without: frozenset[int]) -> list[Entry]:
    directory = tiff.directory(offset)
    limits = dict.fromkeys(directory.entries.keys() - without, _MAX_VALUE)
    entries, lost = pick(tiff, directory, limits)
    if lost:
        raise CorruptInput(f"the Exif block lacks the values of its tags {lost}")
    return entries
