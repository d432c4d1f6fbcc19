"""Summarizes the metadata of a scan for ``inspect``, by bounded reads only.

Covers the name of the embedded ICC profile, the metadata blocks that exist, authorship and dates.
Not covered: carrying metadata (:mod:`.carried`, which needs exiv2). Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from divere_cli.errors import CorruptInput
from divere_cli.image import embedded, icc
from divere_cli.image.layout import Header
from divere_cli.image.metadata import blocks, exif_block
from divere_cli.image.metadata.blocks import Part
from divere_cli.image.source import Source

_TEXTS = (
    ("make", blocks.IFD0, (271,)),
    ("model", blocks.IFD0, (272,)),
    ("software", blocks.IFD0, (305,)),
    ("date", blocks.IFD0, (306,)),
    ("artist", blocks.IFD0, (315,)),
    ("copyright", blocks.IFD0, (33432,)),
    ("description", blocks.IFD0, (270,)),
    ("taken", exif_block.EXIF_IFD, (0x9003, 0x9004)),
)


@dataclass(frozen=True, slots=True)
class About:
    """Facts for people; texts are as stored, at most 200 bytes of each."""

    icc: str = ""
    exif: bool = False
    gps: bool = False
    xmp: bool = False
    iptc: bool = False
    make: str = ""
    model: str = ""
    software: str = ""
    date: str = ""
    artist: str = ""
    copyright: str = ""
    description: str = ""
    taken: str = ""


def read(path: str, header: Header) -> About:
    """Read the summary of a scan.

    Parameters
    ----------
    path : str
        The scan.
    header : Header
        What ``header.read`` said of it.

    Returns
    -------
    About
        A damaged block counts as absent.

    Raises
    ------
    Unreadable
        When the file cannot be opened or the device fails.
    """
    with Source(path) as source:
        stored = blocks.find(source)
        exif = exif_block.EXIF_IFD in stored.exif or (bool(stored.exif) and header.format != "tiff")
        exif &= not stored.spoken
        return About(
            icc=_icc_name(source, header),
            exif=exif,
            gps=exif_block.GPS_IFD in stored.exif,
            xmp=bool(stored.xmp),
            iptc=bool(stored.iptc),
            **_texts(stored.exif),
        )


def _texts(parts: Mapping[int, Part]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, where, codes in _TEXTS:
        if where not in parts:
            continue
        tiff, entries = parts[where].tiff, parts[where].directory.entries
        for code in codes:
            try:
                texts[name] = texts.get(name) or tiff.text(entries.get(code))
            except CorruptInput:
                continue
    return texts


def _icc_name(source: Source, header: Header) -> str:
    """Return the profile's name, or a note that it has none; empty without a profile."""
    try:
        data = embedded.read(source, header)
    except CorruptInput:
        return "damaged"
    return (icc.description(data) or "without a name") if data else ""
