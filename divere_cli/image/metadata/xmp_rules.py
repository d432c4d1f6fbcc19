"""Rules for XMP that belongs to the picture, and the event that records the processing.

Covers choosing properties that exiv2 decoded, and the XMP history. Not covered: packets
(:mod:`.carried` decodes and encodes them). Every function is called in a session of ``scratch``.

Source: XMP Specification Part 2 (2022).
"""

from __future__ import annotations

import exiv2

from divere_cli.image.layout import Processing
from divere_cli.image.metadata.exif_rules import harmless

# XMP groups that describe the negative's storage or another program's raw conversion.
_DROPPED_GROUPS = {"crs", "crss", "xmpGImg", "xmpNote", "GImage", "GDepth", "GAudio", "xmpBJ"}
_KEPT_TIFF = {"Make", "Model", "Artist", "Copyright", "ImageDescription", "DateTime"}
_DROPPED = {
    "Xmp.dc.format",
    "Xmp.exif.ColorSpace",
    "Xmp.exif.ComponentsConfiguration",
    "Xmp.exif.MakerNote",
    "Xmp.exif.PixelXDimension",
    "Xmp.exif.PixelYDimension",
    "Xmp.photoshop.ColorMode",
    "Xmp.photoshop.ICCProfile",
    "Xmp.photoshop.SidecarForExtension",
    "Xmp.photoshop.TextLayers",
    "Xmp.xmp.Thumbnails",
    "Xmp.xmpMM.DerivedFrom",
    "Xmp.xmpMM.DocumentID",
    "Xmp.xmpMM.InstanceID",
}
_LONGEST = 16_384
# Left out in this order when a packet is too long.
BULK = ("Xmp.xmpMM.Pantry", "Xmp.xmpMM.History")
_ANCESTORS = b"photoshop:DocumentAncestors"

EMPTY = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
)


def trimmed(packet: bytes) -> tuple[bytes, list[str]]:
    """Remove the list of ancestors from a packet: Photoshop lets it grow to megabytes.

    Parameters
    ----------
    packet : bytes
        The XMP packet.
    """
    start, end = packet.find(b"<" + _ANCESTORS), packet.rfind(b"</" + _ANCESTORS + b">")
    if not 0 <= start < end:
        return packet, []
    shorter = packet[:start] + packet[end + len(_ANCESTORS) + 3 :]
    return shorter, [f"XMP {_ANCESTORS.decode()}"]


def keep(data: exiv2.XmpData) -> tuple[exiv2.XmpData, list[str]]:
    """Return the properties that belong to the picture; its origin becomes DerivedFrom.

    Parameters
    ----------
    data : XmpData
        All properties.
    """
    properties, lost = exiv2.XmpData(), []
    origin = {}
    for datum in data:
        key = str(datum.key())
        top = key.split("/")[0].split("[")[0]
        group = key.split(".")[1]
        if top in ("Xmp.xmpMM.InstanceID", "Xmp.xmpMM.DocumentID"):
            name = top.rsplit(".", 1)[-1]
            origin[name[0].lower() + name[1:]] = str(datum.toString())
        if top in _DROPPED or group in _DROPPED_GROUPS:
            continue
        if group == "tiff" and top.rsplit(".", 1)[-1] not in _KEPT_TIFF:
            continue
        if datum.size() > _LONGEST:
            lost.append(f"XMP {top}")
            continue
        properties.add(datum)
    if origin:
        _add_structure(properties, "Xmp.xmpMM.DerivedFrom")
        for name, value in sorted(origin.items()):
            properties[f"Xmp.xmpMM.DerivedFrom/stRef:{name}"] = value
    return properties, lost


def without(data: exiv2.XmpData, top: str) -> exiv2.XmpData:
    """Return a copy without one property and its content.

    Parameters
    ----------
    data : XmpData
        All properties.
    top : str
        Name of the property.
    """
    copied = exiv2.XmpData()
    for datum in data:
        if str(datum.key()).split("/")[0].split("[")[0] != top:
            copied.add(datum)
    return copied


def append_history(data: exiv2.XmpData, processing: Processing) -> None:
    """Append one event to ``xmpMM:History``.

    Parameters
    ----------
    data : XmpData
        The properties; changed in place.
    processing : Processing
        Program, version and profile.
    """
    name = "Xmp.xmpMM.History"
    if name not in data:
        array = exiv2.XmpTextValue("")
        array.setXmpArrayType(exiv2.XmpValue.XmpArrayType.xaSeq)
        data.add(exiv2.XmpKey(name), array)
    events = [str(datum.key()) for datum in data if str(datum.key()).startswith(name + "[")]
    last = max((int(key[len(name) + 1 :].split("]")[0]) for key in events), default=0)
    event = f"{name}[{last + 1}]"
    _add_structure(data, event)
    data[f"{event}/stEvt:action"] = "converted"
    data[f"{event}/stEvt:softwareAgent"] = f"{processing.program} {processing.version}"
    data[f"{event}/stEvt:parameters"] = (
        f"profile {harmless(processing.profile)}, sha256 {processing.profile_sha256}"
    )


def derive_from(data: exiv2.XmpData, origin: str, sha256: str) -> None:
    """Name the scan as the origin of the positive, by file name and SHA-256.

    Parameters
    ----------
    data : XmpData
        The properties; changed in place.
    origin : str
        File name of the scan.
    sha256 : str
        Its digest, in hex digits.
    """
    name = "Xmp.xmpMM.DerivedFrom"
    existing = next((d for d in data if str(d.key()) == f"{name}/stRef:documentID"), None)
    before = str(existing.toString()) if existing is not None else ""
    if name not in data:
        _add_structure(data, name)
    if before and not before.startswith("urn:sha256:"):
        data[f"{name}/stRef:originalDocumentID"] = before
    data[f"{name}/stRef:documentID"] = f"urn:sha256:{sha256}"
    data[f"{name}/stRef:filePath"] = harmless(origin)


def _add_structure(data: exiv2.XmpData, key: str) -> None:
    structure = exiv2.XmpTextValue("")
    structure.setXmpStruct(exiv2.XmpValue.XmpStruct.xsStruct)
    data.add(exiv2.XmpKey(key), structure)
