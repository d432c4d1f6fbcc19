"""Carried and dropped metadata of each container; read back by exiv2, Pillow and tifffile."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import exiv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.errors import Unreadable
from divere_cli.image import header
from divere_cli.image.ifd.writer import Entry, text
from divere_cli.image.layout import Carried, Header, PictureMetadata, Processing, Resolution
from divere_cli.image.metadata import carried as metadata
from divere_cli.image.metadata import exiv2_buffer
from divere_cli.image.metadata.exif_block import build

DONE = Processing("divere", "1.2.3", "Portra 400", "ab" * 32)
RECORD = f"divere 1.2.3, profile Portra 400, sha256 {'ab' * 32}"
PLAIN = Header("tiff", 8, 8, 3, 16, 1000, resolution=Resolution(4000, 2000, 2))

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:lab="http://lab.example/ns/"
 xmp:Rating="4" tiff:Orientation="6" tiff:ImageWidth="9" tiff:Model="LS-5000"
 crs:Exposure2012="+1.0" photoshop:ICCProfile="negative" photoshop:City="Köln"
 xmpMM:DocumentID="xmp.did:1" xmpMM:InstanceID="xmp.iid:2" lab:Roll="R-17">
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Kölner Dom</rdf:li></rdf:Alt></dc:title>
 <dc:subject><rdf:Bag><rdf:li>church</rdf:li><rdf:li>rain</rdf:li></rdf:Bag></dc:subject>
 {more}</rdf:Description></rdf:RDF></x:xmpmeta>"""
IPTC = b"\x1c\x01\x5a\0\x03\x1b%G" + b"\x1c\x02\x50\0\x07K\xc3\xb6ster"


def rational(code: int, *values: int) -> Entry:
    return Entry(code, 5, struct.pack(f"<{len(values)}I", *values))


def short(code: int, value: int) -> Entry:
    return Entry(code, 3, struct.pack("<H", value))


IFD0 = [
    text(270, "Rainy street"),
    text(271, "Nikon"),
    text(272, "LS-5000"),
    short(274, 6),
    text(305, "Nikon Scan 4.0"),
    text(306, "2020:06:01 21:55:16"),
    text(315, "A. Köster"),
    text(33432, "QI Wei"),
    rational(282, 4000, 1),
    Entry(34377, 1, b"8BIM\x04\x0c" + bytes(100)),
    Entry(33723, 7, IPTC),
    Entry(700, 1, XMP.format(more="").encode()),
]
EXIF = [
    text(0x9003, "1998:05:04 10:00:00"),
    rational(0x829A, 1, 125),
    short(0x8827, 400),
    Entry(0x927C, 7, b"Nikon\0" + bytes(50)),
    Entry(0x9286, 7, b"ASCII\0\0\0a note"),
    short(0xA001, 1),
    Entry(0xA002, 4, struct.pack("<I", 9999)),
]
GPS = [
    Entry(0, 1, b"\2\3\0\0"),
    text(1, "N"),
    rational(2, 50, 1, 56, 1, 28, 1),
    text(3, "E"),
    rational(4, 6, 1, 57, 1, 30, 1),
]


def tiff_scan(tmp_path: Path, ifd0: list[Entry] = IFD0) -> str:
    """A file that is nothing but its directories."""
    path = tmp_path / "scan.tif"
    path.write_bytes(build(ifd0, EXIF, GPS))
    return str(path)


def big_endian(tmp_path: Path) -> str:
    """The same tags as another order stores them, through exiv2."""
    image = exiv2.ImageFactory.open(build(IFD0[:-4], EXIF[:3], GPS))
    image.readMetadata()
    image.setByteOrder(exiv2.ByteOrder.bigEndian)
    data = image.exifData()
    data["Exif.Image.HostComputer"] = "swap"
    stream = b"MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x02x\0\0\0\0\0\0\0"
    fresh = exiv2.ImageFactory.open(stream)
    fresh.readMetadata()
    fresh.setExifData(data)
    fresh.writeMetadata()
    path = tmp_path / "scan.tif"
    path.write_bytes(bytes(fresh.io().mmap()))
    assert path.read_bytes()[:2] == b"MM"
    return str(path)


def bigtiff_scan(tmp_path: Path) -> str:
    path = tmp_path / "scan.tif"
    tags = [(271, 2, 0, "Nikon", True), (315, 2, 0, "A. Köster".encode(), True)]
    tifffile.imwrite(path, np.zeros((4, 4, 3), np.uint16), bigtiff=True, extratags=tags,
                     metadata=None, software="VueScan 9")  # fmt: skip
    return str(path)


def jpeg_scan(tmp_path: Path, ending: str = ".jpg") -> str:
    block = b"Exif\0\0" + build(IFD0[:8], EXIF, GPS)
    packet = b"http://ns.adobe.com/xap/1.0/\0" + XMP.format(more="").encode()
    photoshop = b"Photoshop 3.0\x008BIM\x04\x0c\0\0\0\0\0\x04thum8BIM\x04\x04\0\0"
    photoshop += struct.pack(">I", len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    whole = stream.getvalue()
    segments = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
        for marker, data in ((0xE1, block), (0xE1, packet), (0xED, photoshop))
    )
    path = tmp_path / f"scan{ending}"
    path.write_bytes(whole[:2] + segments + whole[2:])
    return str(path)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_scan(tmp_path: Path, chunks: bytes | None = None) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    whole = stream.getvalue()
    if chunks is None:
        packet = XMP.format(more="").encode()
        chunks = chunk(b"eXIf", build(IFD0[:8], EXIF, GPS))
        chunks += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
        chunks += chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(
            b"\niptc\n      %d\n" % len(IPTC) + IPTC.hex().encode() + b"\n"))  # fmt: skip
    path = tmp_path / "scan.png"
    path.write_bytes(whole[:33] + chunks + whole[33:])
    return str(path)


def raf_scan(tmp_path: Path) -> str:
    preview = Path(jpeg_scan(tmp_path)).read_bytes()
    path = tmp_path / "scan.raf"
    head = b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">II", 100, len(preview))
    path.write_bytes(head.ljust(100, b"\0") + preview)
    return str(path)


def orf_scan(tmp_path: Path) -> str:
    path = tmp_path / "scan.orf"
    path.write_bytes(b"IIRO" + build(IFD0, EXIF, GPS)[4:])
    return str(path)


def cr3_scan(tmp_path: Path) -> str:
    """Canon stores each part as a TIFF of its own."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I4s", len(data) + 8, kind) + data

    parts = ((b"CMT1", IFD0[:8]), (b"CMT2", EXIF), (b"CMT3", EXIF), (b"CMT4", GPS))
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    canon += b"".join(box(name, build(entries, [], [])) for name, entries in parts)
    packet = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + XMP.format(more="").encode()
    whole = box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", box(b"uuid", canon))
    path = tmp_path / "scan.cr3"
    path.write_bytes(whole + box(b"uuid", packet) + box(b"mdat", bytes(100)))
    return str(path)


def exif_of(block: bytes) -> dict[str, str]:
    image = exiv2.ImageFactory.open(block)
    image.readMetadata()
    return {str(d.key()): str(d.toString()) for d in image.exifData()}


def xmp_of(packet: bytes) -> dict[str, str]:
    image = exiv2.ImageFactory.open(build([Entry(700, 1, packet)], [], []))
    image.readMetadata()
    return {str(d.key()): str(d.toString()) for d in image.xmpData()}


def picture(carried: Carried | None, about: Header = PLAIN, **more: bool) -> PictureMetadata:
    return metadata.picture(carried, about, DONE, b"icc", turned=more.get("turned", False))


@pytest.mark.parametrize("scan", [tiff_scan, jpeg_scan, png_scan, raf_scan, orf_scan, cr3_scan])
def test_exif_xmp_and_iptc_are_carried_from(scan: object, tmp_path: Path) -> None:
    carried = metadata.read(scan(tmp_path))  # type: ignore[operator]
    assert carried.warnings == ()
    exif = exif_of(carried.exif)
    assert exif["Exif.Image.Make"] == "Nikon"
    assert exif["Exif.Image.Artist"] == "A. Köster"
    assert exif["Exif.Image.Copyright"] == "QI Wei"
    assert exif["Exif.Image.DateTime"] == "2020:06:01 21:55:16"
    assert exif["Exif.Photo.DateTimeOriginal"] == "1998:05:04 10:00:00"
    assert exif["Exif.Photo.ExposureTime"] == "1/125"
    assert exif["Exif.GPSInfo.GPSLatitude"] == "50/1 56/1 28/1"
    xmp = xmp_of(carried.xmp)
    assert xmp["Xmp.photoshop.City"] == "Köln"
    assert xmp["Xmp.dc.subject"] == "church, rain"
    assert xmp["Xmp.lab.Roll"] == "R-17"
    assert carried.iptc.endswith(b"K\xc3\xb6ster") or scan is cr3_scan


def test_exif_of_the_other_byte_order_is_carried(tmp_path: Path) -> None:
    exif = exif_of(metadata.read(big_endian(tmp_path)).exif)
    assert exif["Exif.Photo.ExposureTime"] == "1/125"
    assert exif["Exif.Photo.ISOSpeedRatings"] == "400"
    assert exif["Exif.GPSInfo.GPSLongitude"] == "6/1 57/1 30/1"
    assert exif["Exif.Image.Model"] == "LS-5000"


def test_exif_of_a_bigtiff_is_carried(tmp_path: Path) -> None:
    path = bigtiff_scan(tmp_path)
    exif = exif_of(metadata.read(path).exif)
    assert exif["Exif.Image.Make"] == "Nikon"
    assert exif["Exif.Image.Software"] == "VueScan 9"


def test_metadata_about_the_negative_are_dropped(tmp_path: Path) -> None:
    done = picture(metadata.read(tiff_scan(tmp_path)))
    exif = exif_of(done.exif)
    for gone in ("MakerNote", "PixelXDimension", "ImageResources", "XMLPacket", "IPTCNAA"):
        assert not [key for key in exif if key.endswith(gone)]
    assert not [key for key in exif if key.startswith(("Exif.Thumbnail", "Exif.Nikon"))]
    xmp = xmp_of(done.xmp)
    for gone in ("crs.", "tiff.Orientation", "tiff.ImageWidth", "photoshop.ICCProfile"):
        assert not [key for key in xmp if key.startswith("Xmp." + gone)]
    assert "Xmp.xmpMM.DocumentID" not in xmp
    assert xmp["Xmp.xmpMM.DerivedFrom/stRef:documentID"] == "xmp.did:1"
    assert xmp["Xmp.tiff.Model"] == "LS-5000"


def test_an_iptc_preview_of_the_negative_is_dropped(tmp_path: Path) -> None:
    preview = b"\x1c\x02\xc8\0\2\0\1" + b"\x1c\x02\xca\0\x0athumbnail!"
    scan = tiff_scan(tmp_path, [Entry(33723, 7, IPTC + preview)])
    carried = metadata.read(scan)
    assert b"thumbnail" not in carried.iptc
    assert carried.iptc.endswith(b"K\xc3\xb6ster")


@pytest.mark.parametrize("software", ["Nikon Scan 4.0", ""])
def test_the_record_says_what_was_done(tmp_path: Path, software: str) -> None:
    carried = metadata.read(tiff_scan(tmp_path))
    done = picture(carried, replace(PLAIN, software=software))
    exif = exif_of(done.exif)
    assert exif["Exif.Image.Orientation"] == "1"
    assert exif["Exif.Image.Software"] == done.software == RECORD
    xmp = xmp_of(done.xmp)
    assert xmp["Xmp.xmp.CreatorTool"] == "Nikon Scan 4.0"
    assert xmp["Xmp.xmpMM.History[1]/stEvt:softwareAgent"] == "divere 1.2.3"
    assert xmp["Xmp.xmpMM.History[1]/stEvt:parameters"] == (
        f"profile Portra 400, sha256 {'ab' * 32}"
    )


def test_history_is_continued_not_replaced(tmp_path: Path) -> None:
    first = picture(metadata.read(tiff_scan(tmp_path)))
    scan = tiff_scan(tmp_path, [Entry(700, 1, first.xmp)])
    xmp = xmp_of(picture(metadata.read(scan)).xmp)
    assert xmp["Xmp.xmpMM.History[2]/stEvt:action"] == "converted"
    assert "Xmp.xmpMM.History[3]/stEvt:action" not in xmp


def test_the_record_is_there_without_any_metadata_in_the_scan(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.uint16), metadata=None, software=False)
    carried = metadata.read(str(path))
    assert carried == Carried()
    done = picture(carried)
    assert exif_of(done.exif)["Exif.Image.Software"] == RECORD
    assert "Xmp.xmpMM.History[1]/stEvt:action" in xmp_of(done.xmp)
    assert done.iptc == b""


@pytest.mark.parametrize("turned", [False, True])
def test_resolution_turns_with_the_picture(tmp_path: Path, turned: bool) -> None:
    done = picture(metadata.read(tiff_scan(tmp_path)), turned=turned)
    want = Resolution(2000, 4000, 2) if turned else Resolution(4000, 2000, 2)
    assert done.resolution == want
    exif = exif_of(done.exif)
    x, y = exif["Exif.Image.XResolution"], exif["Exif.Image.YResolution"]
    assert (eval_ratio(x), eval_ratio(y)) == (want.x, want.y)
    assert exif["Exif.Image.ResolutionUnit"] == "2"


def eval_ratio(value: str) -> float:
    top, below = value.split("/")
    return int(top) / int(below)


def test_no_metadata_is_resolution_and_profile_only() -> None:
    done = picture(None, turned=True)
    assert done == PictureMetadata(icc=b"icc", resolution=Resolution(2000, 4000, 2))


def test_equal_scans_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (picture(metadata.read(tiff_scan(tmp_path))) for _ in range(2))
    assert first == second
    assert exiv2_buffer.jpeg_segments(first) == exiv2_buffer.jpeg_segments(second)
    assert exiv2_buffer.png_chunks(first) == exiv2_buffer.png_chunks(second)


def test_one_scan_s_namespaces_do_not_spoil_the_next(tmp_path: Path) -> None:
    scan = tiff_scan(tmp_path)
    before = picture(metadata.read(scan))
    evil = XMP.format(more="").replace("ns.adobe.com/xap/1.0/mm/", "evil.example/")
    (tmp_path / "evil").mkdir()
    metadata.read(tiff_scan(tmp_path / "evil", [Entry(700, 1, evil.encode())]))
    assert picture(metadata.read(scan)) == before


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    scans = [make(tmp_path) for make in (tiff_scan, jpeg_scan, png_scan, cr3_scan)]

    def embedded(scan: str) -> tuple[bytes, bytes]:
        done = picture(metadata.read(scan))
        return exiv2_buffer.jpeg_segments(done), exiv2_buffer.png_chunks(done)

    wanted = {scan: embedded(scan) for scan in scans}
    with ThreadPoolExecutor(8) as pool:
        for scan, got in zip(scans * 50, pool.map(embedded, scans * 50), strict=True):
            assert got == wanted[scan]


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_embedded_metadata_are_read_back(tmp_path: Path, ending: str) -> None:
    """A positive is a scan's equal: nothing is lost by going through it once more."""
    done = picture(metadata.read(tiff_scan(tmp_path)))
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, ending[1:].replace("jpg", "jpeg"))
    whole = stream.getvalue()
    at, part = (
        (2, exiv2_buffer.jpeg_segments(done))
        if ending == ".jpg"
        else (33, exiv2_buffer.png_chunks(done))
    )
    path = tmp_path / f"positive{ending}"
    path.write_bytes(whole[:at] + part + whole[at:])
    again = metadata.read(str(path))
    kept = exif_of(again.exif)
    assert kept["Exif.GPSInfo.GPSLatitude"] == "50/1 56/1 28/1"
    assert kept["Exif.Image.Software"] == RECORD
    assert again.iptc.endswith(b"K\xc3\xb6ster")
    assert xmp_of(again.xmp)["Xmp.dc.title"] == xmp_of(done.xmp)["Xmp.dc.title"]
    with Image.open(path) as opened:
        assert opened.getexif()[274] == 1
        assert opened.getexif()[315].encode("latin-1").decode() == "A. Köster"


def test_a_warning_names_a_few_of_many(tmp_path: Path) -> None:
    long = "".join(f"<lab:P{i}>{'x' * 17_000}</lab:P{i}>" for i in range(9))
    carried = metadata.read(tiff_scan(tmp_path, [Entry(700, 1, XMP.format(more=long).encode())]))
    (warning,) = carried.warnings
    assert warning.endswith("XMP Xmp.lab.P5 and 3 more")


def test_without_metadata_nothing_is_embedded() -> None:
    assert exiv2_buffer.jpeg_segments(PictureMetadata()) == b""
    assert exiv2_buffer.png_chunks(PictureMetadata()) == b""


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b"a\x1b[31mb\x07", "a[31mb"),
        ("Köster".encode("latin-1"), "Köster"),
        ("Köster".encode(), "Köster"),
        (b"line\r\nline\ttab", "line\r\nline\ttab"),
        (b"C1 \xc2\x9b31m", "C1 31m"),
        (b"x\0hidden", "x"),
        (b"\xff\xfe\xfd", "ÿþý"),
    ],
)
def test_text_is_made_harmless(tmp_path: Path, raw: bytes, kept: str) -> None:
    carried = metadata.read(tiff_scan(tmp_path, [Entry(315, 2, raw + b"\0")]))
    assert exif_of(carried.exif)["Exif.Image.Artist"] == kept


def test_a_text_of_10_megabytes_is_cut_with_a_warning(tmp_path: Path) -> None:
    description = ("é" * 5_000_000).encode() + b"\0"
    carried = metadata.read(tiff_scan(tmp_path, [Entry(270, 2, description)]))
    (warning,) = carried.warnings
    assert "ImageDescription" in warning
    kept = exif_of(carried.exif)["Exif.Image.ImageDescription"]
    assert set(kept) == {"é"}
    assert 8_000 < len(kept) <= 8_192


def test_too_much_of_everything_still_fits_into_a_segment(tmp_path: Path) -> None:
    many = [Entry(code, 2, b"x" * 16_000 + b"\0") for code in (269, 270, 271, 272, 315, 316)]
    history = "".join(f"<lab:Part{i}>{'y' * 9_000}</lab:Part{i}>" for i in range(12))
    scan = tiff_scan(tmp_path, [*many, Entry(700, 1, XMP.format(more=history).encode())])
    carried = metadata.read(scan)
    assert len(carried.warnings) == 1
    done = picture(carried)
    assert len(done.exif) < 65_000
    assert len(done.xmp) < 65_000
    segments = exiv2_buffer.jpeg_segments(done)
    assert segments.startswith(b"\xff\xe1")


def test_a_long_history_is_dropped_before_other_xmp(tmp_path: Path) -> None:
    events = "".join(
        f'<rdf:li rdf:parseType="Resource"><stEvt:action>saved {i}</stEvt:action>'
        f"<stEvt:changed>{'z' * 200}</stEvt:changed></rdf:li>"
        for i in range(400)
    )
    history = (
        '<xmpMM:History xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#">'
        f"<rdf:Seq>{events}</rdf:Seq></xmpMM:History>"
    )
    carried = metadata.read(tiff_scan(tmp_path, [Entry(700, 1, XMP.format(more=history).encode())]))
    assert carried.warnings
    xmp = xmp_of(picture(carried).xmp)
    assert xmp["Xmp.photoshop.City"] == "Köln"
    assert xmp["Xmp.xmpMM.History[1]/stEvt:action"] == "converted"


def test_photoshop_s_ancestors_cost_nothing_but_themselves(tmp_path: Path) -> None:
    items = "<rdf:li>xmp.did:0123456789abcdef</rdf:li>" * 20_000
    bag = f"<photoshop:DocumentAncestors><rdf:Bag>{items}</rdf:Bag></photoshop:DocumentAncestors>"
    carried = metadata.read(tiff_scan(tmp_path, [Entry(700, 1, XMP.format(more=bag).encode())]))
    assert "DocumentAncestors" in carried.warnings[0]
    assert xmp_of(carried.xmp)["Xmp.photoshop.City"] == "Köln"


@pytest.mark.parametrize(
    "more",
    [
        "".join(f"<lab:P{i}>x</lab:P{i}>" for i in range(60_000)),
        '<lab:a rdf:parseType="Resource">' * 20_000 + "</lab:a>" * 20_000,
        "<lab:a><rdf:Bag><rdf:li>" * 20_000 + "</rdf:li></rdf:Bag></lab:a>" * 20_000,
    ],
    ids=["wide", "deep", "nested"],
)
def test_xmp_that_would_cost_minutes_is_not_decoded(tmp_path: Path, more: str) -> None:
    carried = metadata.read(tiff_scan(tmp_path, [Entry(700, 1, XMP.format(more=more).encode())]))
    assert carried.xmp == b""
    assert carried.warnings


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 9)
    )
    packet = f"<!DOCTYPE x [{entities}]>" + XMP.format(more="<lab:a>&a8;</lab:a>")
    carried = metadata.read(tiff_scan(tmp_path, [Entry(700, 1, packet.encode())]))
    assert b"haha" not in carried.xmp


def test_a_million_iptc_records_are_left_out(tmp_path: Path) -> None:
    many = b"\x1c\x02\x19\0\1k" * 500_000
    carried = metadata.read(tiff_scan(tmp_path, [Entry(33723, 7, many)]))
    assert carried.iptc == b""
    assert "IPTC" in carried.warnings[0]


@pytest.mark.parametrize(
    "description",
    [
        '{"shape": [4000, 6000, 3]}',
        "<?xml version='1.0'?><OME><UUID FileName='../secret.tif'/></OME>",
        "ImageJ=1.53\nimages=4\n",
        "shape=(4, 4)",
    ],
)
def test_a_description_of_how_planes_are_stored_is_not_carried(
    tmp_path: Path, description: str
) -> None:
    carried = metadata.read(tiff_scan(tmp_path, [text(270, description), text(271, "Nikon")]))
    assert "Exif.Image.ImageDescription" not in exif_of(carried.exif)


@pytest.mark.parametrize(
    "entry",
    [
        Entry(700, 1, b"<x:xmpmeta><unclosed"),
        Entry(700, 1, b"\xff\xfe\0" * 40),
        Entry(33723, 7, b"\x1c\x02\x50\xff\xffshort"),
        Entry(33723, 7, b"no records here"),
    ],
)
def test_a_damaged_block_is_left_out_with_a_warning(tmp_path: Path, entry: Entry) -> None:
    carried = metadata.read(tiff_scan(tmp_path, [text(271, "Nikon"), entry]))
    assert exif_of(carried.exif)["Exif.Image.Make"] == "Nikon"
    assert (carried.xmp, carried.iptc) == (b"", b"")
    assert len(carried.warnings) == 1


def test_a_pointer_into_nowhere_is_a_warning(tmp_path: Path) -> None:
    nowhere = Entry(34665, 4, struct.pack("<I", 1 << 30))
    path = tmp_path / "scan.tif"
    path.write_bytes(build([text(271, "Nikon"), nowhere], [], []))
    carried = metadata.read(str(path))
    assert "Exif" in carried.warnings[0]
    assert exif_of(carried.exif)["Exif.Image.Make"] == "Nikon"


def test_a_text_bomb_in_a_png_is_not_inflated(tmp_path: Path) -> None:
    bomb = b"Raw profile type exif\0\0" + zlib.compress(bytes(100_000_000), 9)
    carried = metadata.read(png_scan(tmp_path, chunk(b"zTXt", bomb)))
    assert carried.exif == b""
    assert carried.warnings


@pytest.mark.parametrize("scan", [tiff_scan, jpeg_scan, png_scan, big_endian, bigtiff_scan])
def test_damaged_metadata_never_affect_the_pixels(scan: object, tmp_path: Path) -> None:
    """Bytes are changed and cut everywhere; reading and writing never fail."""
    path = Path(scan(tmp_path))  # type: ignore[operator]
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    for round_ in range(150):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 3):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged[: len(whole) - round_ * len(whole) // 300])
        picture(metadata.read(str(path)))


def test_metadata_of_a_missing_file_are_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        metadata.read(str(tmp_path / "none.tif"))


def test_a_real_scan_s_metadata_arrives(shared: Path) -> None:
    path = str(shared / "scans/ultramax400_colorchecker_0ev.tif")
    about = header.read(path)
    carried = metadata.read(path)
    assert carried.warnings == ()
    done = picture(carried, about)
    exif = exif_of(done.exif)
    assert exif["Exif.Image.Model"] == "LS-5000"
    assert exif["Exif.Photo.DateTimeDigitized"] == "2020:06:01 21:55:16"
    assert xmp_of(done.xmp)["Xmp.xmp.CreatorTool"] == "Adobe Photoshop 26.2 (Macintosh)"
    assert about.resolution == Resolution(4000, 4000, 2)
