"""Metadata carried from a scan to its positives: Exif, XMP and IPTC, through exiv2.

Covers which of an input's metadata belongs to the picture and is
kept (make, model, dates, authorship, exposure, GPS), what describes the
negative or its storage and is dropped (thumbnails, maker notes, raw settings,
sizes, profiles), the record of what divere did, and the form in which JPEG
and PNG take it. Not covered: the ICC profile (``icc``), and writing files:
the writers embed the blocks while they write, because exiv2 would rewrite a
finished TIFF in memory (measured: 282 MB and 0.5 s for 144 MB) and refuses
BigTIFF.

Metadata never fails a scan: what is damaged is left out and a warning says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import exiv2

from divere_cli.image import containers
from divere_cli.image.ifd.reader import parse
from divere_cli.image.ifd.writer import Entry, pick, text
from divere_cli.image.layout import Carried, Header, PictureMetadata, Processing, Resolution
from divere_cli.image.metadata import (
    blocks,
    exif_block,
    exif_rules,
    exiv2_buffer,
    film_data,
    xmp_rules,
)
from divere_cli.image.metadata.blocks import Part
from divere_cli.image.source import Source

# A JPEG segment holds 65533 bytes; what is carried fits into one in every format.
BLOCK_BYTES = 60_000
_MOST_XMP = 2 << 20
# XMP-Toolkit needs the square of this: 0.8 s
_MOST_PROPERTIES = 10_000
_MOST_IPTC = 256 << 10
_MOST_NAMES = 6


def read(path: str) -> Carried:
    """Read the metadata of a scan that belong to the picture.

    Parameters
    ----------
    path : str
        Any file that ``header.read`` accepts.

    Returns
    -------
    Carried
        Blocks of at most 60 kB each, cleaned; ``warnings`` say what was lost.

    Raises
    ------
    Unreadable
        When the file cannot be read at all.
    """
    with Source(path) as source:
        raw_blocks = blocks.find(source)
        lost = list(raw_blocks.lost)
        exif = b""
        if raw_blocks.exif:
            exif, names = _exif_of(raw_blocks.exif)
            lost += names
    xmp, xmp_lost = _clean_xmp(raw_blocks.xmp)
    iptc, iptc_lost = _clean_iptc(raw_blocks.iptc)
    lost += xmp_lost + iptc_lost
    warnings = (_complaint(list(dict.fromkeys(lost))),) if lost else ()
    return Carried(exif=exif, xmp=xmp, iptc=iptc, warnings=warnings)


def _complaint(lost: list[str]) -> str:
    names = ", ".join(lost[:_MOST_NAMES])
    more = f" and {len(lost) - _MOST_NAMES} more" if len(lost) > _MOST_NAMES else ""
    return f"metadata that is damaged or too long was cut or left out: {names}{more}"


def picture(
    carried: Carried | None,
    header: Header,
    processing: Processing,
    icc: bytes,
    *,
    turned: bool,
) -> PictureMetadata:
    """Return the metadata that a writer embeds in one positive.

    Parameters
    ----------
    carried : Carried or None
        What :func:`read` took from the scan; None carries nothing but the
        resolution and the profile (``--no-metadata``).
    header : Header
        Of the scan: its resolution.
    processing : Processing
        What was done; goes into Exif (Software) and into the XMP history. The
        program that made the scan stays as XMP's CreatorTool.
    icc : bytes
        Profile of the output space.
    turned : bool
        The positive was rotated by a quarter turn: x and y resolution swap.

    Returns
    -------
    PictureMetadata
        Orientation is 1. Equal arguments give equal bytes.
    """
    resolution = header.resolution
    if turned and resolution is not None:
        resolution = Resolution(resolution.y, resolution.x, resolution.unit)
    if carried is None:
        return PictureMetadata(icc=icc, resolution=resolution)
    return PictureMetadata(
        icc=icc,
        resolution=resolution,
        software=exif_rules.record(processing),
        exif=_finished_exif(carried.exif, processing, resolution),
        xmp=_finished_xmp(carried.xmp, processing, _scanner(carried.exif, header)),
        iptc=_finished_iptc(carried.iptc, processing),
    )


def _scanner(exif: bytes, header: Header) -> tuple[str, str, str]:
    """Return maker, model and program of the scan, from its header or a clean block."""
    made = header.make, header.model, header.software
    if not exif:
        return made
    tiff = parse(containers.Held(exif))
    entries = tiff.directory(tiff.first).entries
    texts = (tiff.text(entries.get(code)) for code in (271, 272, 305))
    make, model, software = (stated or text for stated, text in zip(made, texts, strict=True))
    return make, model, software


def _exif_of(parts: Mapping[int, Part]) -> tuple[bytes, list[str]]:
    """Build a clean block from a file's own directories."""
    lost: list[int] = []
    picked: list[list[Entry]] = []
    for code, limits in exif_rules.PARTS.items():
        entries: list[Entry] = []
        missed: list[int] = []
        if code in parts:
            part = parts[code]
            entries, missed = pick(part.tiff, part.directory, limits)
        picked.append(exif_rules.clean(entries))
        lost += missed
    lost += exif_rules.fit(picked, BLOCK_BYTES - 4096)
    block = exif_block.build(*picked) if any(picked) else b""
    return block, [exif_rules.name_of(code) for code in lost]


def _finished_exif(exif: bytes, processing: Processing, resolution: Resolution | None) -> bytes:
    """Add orientation, resolution and the processing record, through exiv2."""
    start = exif or exif_block.build([text(305, " ")], [], [])
    with exiv2_buffer.session():
        small = exiv2_buffer.Scratch(start)
        data = small.image.exifData()
        data["Exif.Image.Orientation"] = exiv2.UShortValue(1)
        data["Exif.Image.Software"] = exif_rules.record(processing)
        data["Exif.Photo.ExifVersion"] = "48 50 51 50"
        data["Exif.Photo.ColorSpace"] = exiv2.UShortValue(0xFFFF)
        if resolution is not None:
            data["Exif.Image.XResolution"] = _rational(resolution.x)
            data["Exif.Image.YResolution"] = _rational(resolution.y)
            data["Exif.Image.ResolutionUnit"] = exiv2.UShortValue(resolution.unit)
        if processing.film is not None:
            film_data.into_exif(data, processing.film)
        # In a TIFF, exiv2 would treat the resolution as the picture's own and drop it.
        block = exiv2_buffer.Scratch(exiv2_buffer.SMALLEST_JPEG)
        block.image.setExifData(data)
        jpeg = containers.Held(block.written())
    _, offset, length = next(iter(containers.segments(jpeg)))
    return jpeg.read(offset, length).removeprefix(blocks.EXIF_START)


def _rational(value: float) -> str:
    top, below = Fraction(value).limit_denominator(1000).as_integer_ratio()
    return f"{top}/{below}"


def _clean_xmp(packet: bytes) -> tuple[bytes, list[str]]:
    """Keep properties that belong to the picture; drop a packet that is no XMP."""
    if not packet.strip(b"\0 \r\n\t"):
        return b"", []
    packet, lost = xmp_rules.trimmed(packet)
    if len(packet) > _MOST_XMP or packet.count(b"<") // 2 + packet.count(b"=") > _MOST_PROPERTIES:
        return b"", ["XMP"]
    with exiv2_buffer.session():
        try:
            small = exiv2_buffer.Scratch(
                exif_block.build([Entry(exiv2_buffer.XMP_TAG, 1, packet)], [], [])
            )
            data = small.image.xmpData()
            if data.empty():
                return b"", ["XMP"]
            properties, long = xmp_rules.keep(data)
            lost += long
            cleaned = _encoded(properties)
            for group in xmp_rules.BULK:
                if len(cleaned) <= BLOCK_BYTES - 4096:
                    break
                lost.append(f"XMP {group}")
                properties = xmp_rules.without(properties, group)
                cleaned = _encoded(properties)
        except (exiv2.Exiv2Error, UnicodeDecodeError):
            return b"", ["XMP"]
    if len(cleaned) > BLOCK_BYTES - 4096:
        return b"", ["XMP"]
    return cleaned, lost


def _encoded(data: exiv2.XmpData) -> bytes:
    # elements, not attributes: ImageMagick 6 and 7 stumble over Photoshop's `changed="/"`
    flags = exiv2.XmpParser.XmpFormatFlags.omitAllFormatting
    if data.empty():
        return b""
    code, packet = exiv2.XmpParser.encode(data, flags, 1)
    if code:
        raise exiv2.Exiv2Error(exiv2.ErrorCode.kerXMPToolkitError, "XMP cannot be encoded")
    return str(packet).encode("utf-8")


def _finished_xmp(packet: bytes, processing: Processing, scanner: tuple[str, str, str]) -> bytes:
    """Add the program that made the scan, and append the processing to the history.

    ``scanner`` is the maker, the model and the program of the scan.
    """
    with exiv2_buffer.session():
        entry = Entry(exiv2_buffer.XMP_TAG, 1, packet or xmp_rules.EMPTY)
        small = exiv2_buffer.Scratch(exif_block.build([entry], [], []))
        data = small.image.xmpData()
        creator = exif_rules.harmless(scanner[2]).strip()
        if creator and "Xmp.xmp.CreatorTool" not in data:
            data["Xmp.xmp.CreatorTool"] = creator
        if processing.film is not None:
            film_data.into_xmp(data, processing.film, scanner)
        if processing.origin_sha256:
            xmp_rules.derive_from(data, processing.origin, processing.origin_sha256)
        xmp_rules.append_history(data, processing)
        return _encoded(data)


def _clean_iptc(records: bytes) -> tuple[bytes, list[str]]:
    """Keep IPTC except previews of the negative."""
    if not records.strip(b"\0"):
        return b"", []
    if len(records) > _MOST_IPTC:
        return b"", ["IPTC"]
    with exiv2_buffer.session():
        try:
            small = exiv2_buffer.Scratch(
                exif_block.build([Entry(exiv2_buffer.IPTC_TAG, 7, records)], [], [])
            )
            data = small.image.iptcData()
            if data.empty():
                return b"", ["IPTC"]
            records_kept = exiv2.IptcData()
            for datum in data:
                if str(datum.key()) not in exif_rules.IPTC_PREVIEW:
                    records_kept.add(datum)
            small.image.setIptcData(records_kept)
            cleaned = _iptc_tag(small.written())
        except (exiv2.Exiv2Error, UnicodeDecodeError):
            return b"", ["IPTC"]
    return (cleaned, []) if len(cleaned) <= BLOCK_BYTES else (b"", ["IPTC"])


def _finished_iptc(records: bytes, processing: Processing) -> bytes:
    """Add the film data."""
    if processing.film is None:
        return records
    with exiv2_buffer.session():
        entries = [Entry(exiv2_buffer.IPTC_TAG, 7, records)] if records else [text(305, " ")]
        small = exiv2_buffer.Scratch(exif_block.build(entries, [], []))
        data = small.image.iptcData()
        film_data.into_iptc(data, processing.film)
        small.image.setIptcData(data)
        return _iptc_tag(small.written())


def _iptc_tag(data: bytes) -> bytes:
    tiff = parse(containers.Held(data))
    entries, _ = pick(tiff, tiff.directory(tiff.first), {exiv2_buffer.IPTC_TAG: len(data)})
    return entries[0].data if entries else b""
