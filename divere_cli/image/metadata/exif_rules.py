"""Rules for Exif that belongs to the picture, and the line that records the processing.

Covers allowed tags with the largest size of each, and text without control characters. Not
covered: XMP (``xmp_rules``), files and blocks (:mod:`.blocks`, :mod:`.exif_block`), or when the
rules are applied (:mod:`.carried`).

Source: Exif 3.0 (CIPA DC-008-2023), TIFF 6.0.
"""

from __future__ import annotations

import unicodedata

from divere_cli.image.ifd.writer import ASCII, BYTE, UNDEFINED, Entry
from divere_cli.image.layout import Processing
from divere_cli.image.metadata.exif_block import EXIF_IFD, GPS_IFD

_TEXT = 16_384
_NUMBERS = 1_024

_IFD0_TEXT = {
    269: "DocumentName",
    270: "ImageDescription",
    271: "Make",
    272: "Model",
    285: "PageName",
    305: "Software",
    306: "DateTime",
    315: "Artist",
    316: "HostComputer",
    33432: "Copyright",
    36867: "DateTimeOriginal",
    50708: "UniqueCameraModel",
    50735: "CameraSerialNumber",
}
_IFD0_NUMBERS = {
    18246: "Rating",
    18249: "RatingPercent",
    33434: "ExposureTime",
    33437: "FNumber",
    34855: "ISOSpeedRatings",
    37386: "FocalLength",
}
# Windows Explorer's, UTF-16: XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject
_IFD0_WIDE = range(40091, 40096)
_EXIF_TEXT = {
    *(0x8824, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292, 0xA420),
    *range(0xA430, 0xA432),
    *range(0xA433, 0xA43D),
}
_EXIF_NUMBERS = {
    *(0x829A, 0x829D, 0x8822, 0x8827, 0x9000, 0xA20B, 0xA20E, 0xA20F, 0xA210, 0xA215, 0xA217),
    *range(0x8830, 0x8836),
    *range(0x9201, 0x920B),
    *range(0x9400, 0x9406),
    *(0xA300, 0xA301, 0xA432),
    *range(0xA401, 0xA40B),
    0xA40C,
}
_USER_COMMENT = 0x9286
_TEXT_CODES = _IFD0_TEXT.keys() | _EXIF_TEXT

IFD0 = {
    **dict.fromkeys(_IFD0_TEXT, _TEXT),
    **dict.fromkeys(_IFD0_NUMBERS, _NUMBERS),
    **dict.fromkeys(_IFD0_WIDE, _TEXT),
}
EXIF = {
    **dict.fromkeys(_EXIF_TEXT, _TEXT),
    **dict.fromkeys(_EXIF_NUMBERS, _NUMBERS),
    _USER_COMMENT: _TEXT,
}
GPS = dict.fromkeys(range(32), _NUMBERS)
# in the order in which a block is built; 0 is IFD0
PARTS = {0: IFD0, EXIF_IFD: EXIF, GPS_IFD: GPS}

IPTC_PREVIEW = {
    "Iptc.Application2.Preview",
    "Iptc.Application2.PreviewFormat",
    "Iptc.Application2.PreviewVersion",
}


def name_of(code: int) -> str:
    """Return a tag's name for people.

    Parameters
    ----------
    code : int
        Number of the tag.
    """
    names = {_USER_COMMENT: "UserComment"}
    return {**names, **_IFD0_TEXT, **_IFD0_NUMBERS}.get(code, f"tag {code}")


def record(processing: Processing) -> str:
    """Return the processing of a scan in one line.

    Parameters
    ----------
    processing : Processing
        Program, version and profile.
    """
    return (
        f"{processing.program} {processing.version}, profile {harmless(processing.profile)}, "
        f"sha256 {processing.profile_sha256}"
    )


def harmless(value: str) -> str:
    """Remove control characters except line breaks and tabs.

    Parameters
    ----------
    value : str
        The text.
    """
    return "".join(c for c in value if c in "\t\n\r" or unicodedata.category(c) != "Cc")


def clean(entries: list[Entry]) -> list[Entry]:
    """Convert text to UTF-8 without control characters; drop empty entries and wrong types.

    A text that is no UTF-8 is read as Latin-1, which scanner programs wrote. A description in XML
    or JSON (OME, tifffile, ImageJ) describes the planes of the input; it would mislead readers of
    the positive.

    Parameters
    ----------
    entries : list of Entry
        Entries of a directory.
    """
    cleaned = []
    for entry in entries:
        if entry.kind != ASCII and entry.code not in _TEXT_CODES:
            cleaned.append(entry)
            continue
        if entry.kind not in (BYTE, ASCII, UNDEFINED):
            continue
        parts = [_text(part) for part in entry.data.rstrip(b"\0").split(b"\0")]
        value = "\0".join(parts) if entry.code == 33432 else parts[0]
        if entry.code == 270 and value.lstrip().startswith(("<", "{", "ImageJ=", "shape=(")):
            continue
        if value.strip():
            cleaned.append(Entry(entry.code, ASCII, value.encode() + b"\0"))
    return cleaned


def _text(raw: bytes) -> str:
    try:
        value = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character was cut at the limit; otherwise it is another encoding
        at_end = error.start >= len(raw) - 3 and error.reason == "unexpected end of data"
        value = raw[: error.start].decode("utf-8") if at_end else raw.decode("latin-1")
    return harmless(value)


def fit(parts: list[list[Entry]], limit: int) -> list[int]:
    """Remove the longest values until the rest fits; return their codes.

    Parameters
    ----------
    parts : list[list[Entry]]
        Entries of each directory; changed in place.
    limit : int
        Bytes.
    """
    lost = []
    while sum(len(entry.data) + 12 for part in parts for entry in part) > limit:
        part, entry = max(
            ((part, entry) for part in parts for entry in part),
            key=lambda pair: len(pair[1].data),
        )
        part.remove(entry)
        lost.append(entry.code)
    return lost
