"""Writes film data to Exif, XMP and IPTC of a positive.

Covers the fields that Lightroom, darktable, digiKam and exiftool show (Exif, Dublin Core,
IPTC, aux) and those that have no other place (the AnalogExif namespace). The film's
camera takes the place of the scanner, whose name goes to AnalogExif, as AnalogExif
itself does. Not covered: where the notes come from (``batch.film_data``).

Every function is called in a session of ``exiv2_buffer``.

Source: Exif 3.0 (CIPA DC-008-2023); IPTC Photo Metadata 2023.1; AnalogExif's schema.
"""

from __future__ import annotations

import re
from fractions import Fraction

import exiv2

from divere_cli.image.metadata.exif_rules import harmless
from divere_cli.records.film import FilmNotes

ANALOG = "http://analogexif.sourceforge.net/ns/"
_TRANSPARENT_SCANNER = "1"  # Exif's FileSource: a scanner of transparent type
_MOST_ISO = 65535
_WHOLE = re.compile(r"\d{1,4}")
_MAKERS = {
    name.casefold(): name
    for name in (
        "Agfa", "Bronica", "Canon", "Chamonix", "Contax", "Exakta", "Fujifilm", "Graflex",
        "Hasselblad", "Holga", "Horseman", "Intrepid", "Kiev", "Kodak", "Konica", "Leica",
        "Linhof", "Lomography", "Mamiya", "Minolta", "Minox", "Nikon", "Olympus", "Pentax",
        "Plaubel", "Polaroid", "Praktica", "Ricoh", "Rollei", "Sinar", "Topcon",
        "Voigtländer", "Yashica", "Zeiss", "Zenit", "Zorki",
    )
}  # fmt: skip


def into_exif(data: exiv2.ExifData, notes: FilmNotes) -> None:
    """Set the Exif fields; fields without film data keep the values of the scan.

    Parameters
    ----------
    data : ExifData
        The Exif fields; changed in place.
    notes : FilmNotes
        Data about the film of the scan.
    """
    fields: dict[str, str] = {"Exif.Photo.FileSource": _TRANSPARENT_SCANNER}
    if notes.camera:
        fields["Exif.Image.Model"] = notes.camera
        if "Exif.Image.Make" in data:
            del data["Exif.Image.Make"]
        maker = _MAKERS.get(notes.camera.split(" ", 1)[0].casefold())
        if maker:
            fields["Exif.Image.Make"] = maker
    if notes.aperture is not None:
        value = Fraction(notes.aperture).limit_denominator(100)
        fields["Exif.Photo.FNumber"] = f"{value.numerator}/{value.denominator}"
    if notes.shutter is not None:
        fields["Exif.Photo.ExposureTime"] = f"{notes.shutter[0]}/{notes.shutter[1]}"
    if notes.iso is not None:
        fields["Exif.Photo.ISOSpeedRatings"] = str(min(notes.iso, _MOST_ISO))
    day, clock, zone = _moment(notes.date)
    if day.count("-") == 2:
        fields["Exif.Photo.DateTimeOriginal"] = f"{day.replace('-', ':')} {clock or '00:00:00'}"
        if zone:
            fields["Exif.Photo.OffsetTimeOriginal"] = zone
    fields |= {
        "Exif.Photo.LensModel": notes.lens,
        "Exif.Image.Artist": notes.photographer,
        "Exif.Image.Copyright": notes.copyright,
        "Exif.Image.ImageDescription": notes.notes,
    }
    for key, value_ in fields.items():
        if value_:
            data[key] = harmless(value_)


def into_xmp(data: exiv2.XmpData, notes: FilmNotes, scanner: tuple[str, str, str]) -> None:
    """Set the XMP fields.

    Parameters
    ----------
    data : XmpData
        The properties; changed in place.
    notes : FilmNotes
        Data about the film of the scan.
    scanner : tuple[str, str, str]
        Maker, model and program of the scan.
    """
    exiv2.XmpProperties.registerNs(ANALOG, "AnalogExif")
    frame = notes.frame if _WHOLE.fullmatch(notes.frame) else ""
    analog = {
        "Film": notes.film,
        "FilmMaker": notes.maker,
        "RollId": notes.roll,
        "ExposureNumber": str(int(frame)) if frame else "",
        "Developer": notes.developer,
        "DevelopProcess": notes.process,
        "Lab": notes.lab,
    }
    if notes.camera:
        analog |= dict(zip(("ScannerMaker", "Scanner", "ScannerSoftware"), scanner, strict=True))
    fields = {f"Xmp.AnalogExif.{name}": value for name, value in analog.items()}
    fields |= {
        "Xmp.aux.Lens": notes.lens,
        "Xmp.photoshop.DateCreated": notes.date,
        "Xmp.dc.creator": notes.photographer,
        "Xmp.dc.rights": notes.copyright,
        "Xmp.dc.description": notes.notes,
    }
    if frame == "" and notes.frame:
        fields["Xmp.photoshop.Instructions"] = f"frame {notes.frame}"
    for key, value in fields.items():
        if value:
            if key in data:
                _remove(data, key)
            data[key] = harmless(value)
    if notes.film:
        _add_keyword(data, harmless(notes.film))


def into_iptc(data: exiv2.IptcData, notes: FilmNotes) -> None:
    """Set the IPTC fields, in UTF-8.

    Parameters
    ----------
    data : IptcData
        The IPTC fields; changed in place.
    notes : FilmNotes
        Data about the film of the scan.
    """
    day, _, _ = _moment(notes.date)
    fields = {
        "Iptc.Application2.Byline": (notes.photographer, 32),
        "Iptc.Application2.Copyright": (notes.copyright, 128),
        "Iptc.Application2.Caption": (notes.notes, 2000),
        "Iptc.Application2.DateCreated": (day if day.count("-") == 2 else "", 10),
    }
    texts = {key: _cut(harmless(value), most) for key, (value, most) in fields.items() if value}
    if texts:
        data["Iptc.Envelope.CharacterSet"] = "\x1b%G"
    for key, value in texts.items():
        data[key] = value


def _moment(date: str) -> tuple[str, str, str]:
    """Day, time of day and offset of an ISO date."""
    day, _, clock = date.partition("T")
    return day, clock[:8], clock[8:]


def _add_keyword(data: exiv2.XmpData, word: str) -> None:
    words: list[str] = []
    for datum in data:
        if str(datum.key()) == "Xmp.dc.subject":
            words += [str(datum.toString(index)) for index in range(datum.count())]
    if word in words:
        return
    if words:
        _remove(data, "Xmp.dc.subject")
    array = exiv2.XmpArrayValue(exiv2.TypeId.xmpBag)
    for each in [*words, word]:
        array.read(each)
    data.add(exiv2.XmpKey("Xmp.dc.subject"), array)


def _remove(data: exiv2.XmpData, key: str) -> None:
    position = data.findKey(exiv2.XmpKey(key))
    if position != data.end():
        data.erase(position)


def _cut(text: str, most: int) -> str:
    """Text of at most so many bytes, whole characters."""
    return text.encode("utf-8")[:most].decode("utf-8", "ignore")
