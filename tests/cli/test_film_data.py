"""``--film-data`` through the public command: what other programs find in the positives."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.cli.program import divere
from tests.frames.strips import Spec, draw

RNG = np.random.default_rng(5)
TABLE = (
    "file;film;iso;camera;lens;aperture;shutter;date;roll;frame;lab;developer;notes;"
    "photographer;copyright\r\n"
    "*;Kodak Portra 400;;Nikon F3;Nikkor 50mm f/1.8;;;;Lisbon 7;;Lab A;;;José;© José\r\n"
    "a.tif;;;;;2,8;1/125;17.05.2024 14:30;;12;;XTOL 1+1;Tram, im Regen;;\r\n"
    "never_*.tif;;;;;4;;;;;;;;;\r\n"
)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b"):
        codes = RNG.integers(3000, 50000, (40, 60, 3)).astype(np.uint16)
        extra = [(271, "s", 0, "Nikon", True), (272, "s", 0, "LS-5000", True)]
        tifffile.imwrite(
            folder / f"{name}.tif", codes, photometric="rgb", extratags=extra, software="VueScan"
        )
    (tmp_path / "film.csv").write_bytes(b"\xef\xbb\xbf" + TABLE.encode("utf-8"))
    return folder


def batch(scans: Path, *words: str, code: int = 0) -> Any:
    table = scans.parent / "film.csv"
    done = divere("batch", scans, scans.parent / "out", "--film-data", table, *words)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("isolation", ["always", "never"])
def test_the_notes_are_in_the_positives(scans: Path, isolation: str) -> None:
    done = batch(scans, "--isolation", isolation, "--also", "jpeg")
    assert "line 4 (never_*.tif) fits no scan" in done.stderr
    out = scans.parent / "out"
    report = json.loads((out / "divere-report.json").read_text())
    assert any("never_*.tif" in line for line in report["warnings"])
    with Image.open(out / "a.jpg") as picture:
        exif, xmp = picture.getexif(), picture.info["xmp"].decode()
    inner = exif.get_ifd(0x8769)
    assert (exif[271], exif[272]) == ("Nikon", "Nikon F3")
    assert exif[315].encode("latin-1").decode("utf-8") == "José"  # Pillow knows no UTF-8 in Exif
    assert float(inner[0x829D]) == 2.8
    assert float(inner[0x829A]) == 1 / 125
    assert inner[0x8827] == 400  # the box speed, for want of another
    assert inner[0x9003] == "2024:05:17 14:30:00"
    assert inner[0xA434] == "Nikkor 50mm f/1.8"
    for said in (
        "<AnalogExif:Film>Kodak Portra 400<",
        "<AnalogExif:FilmMaker>Kodak<",
        "<AnalogExif:RollId>Lisbon 7<",
        "<AnalogExif:ExposureNumber>12<",
        "<AnalogExif:Developer>XTOL 1+1<",
        "<AnalogExif:DevelopProcess>C-41<",
        "<AnalogExif:Lab>Lab A<",
        "<AnalogExif:Scanner>LS-5000<",
        "Tram, im Regen",
        "© José",
        "stEvt:softwareAgent",
    ):
        assert said in xmp, said
    digest = hashlib.sha256((scans / "a.tif").read_bytes()).hexdigest()
    assert f"urn:sha256:{digest}" in xmp
    assert "<stRef:filePath>a.tif<" in xmp


def test_a_note_that_changes_regrades_its_scan_alone(scans: Path) -> None:
    batch(scans)
    report = scans.parent / "out" / "divere-report.json"
    batch(scans)
    assert json.loads(report.read_text())["summary"]["up_to_date"] == 2
    table = scans.parent / "film.csv"
    table.write_text(table.read_text("utf-8").replace("1/125", "1/60"), "utf-8")
    batch(scans)
    summary = json.loads(report.read_text())["summary"]
    assert (summary["ok"], summary["up_to_date"]) == (1, 1)


def test_pixels_do_not_change(scans: Path) -> None:
    batch(scans)
    plain = scans.parent / "plain"
    assert divere("batch", scans, plain).returncode == 0
    found = tifffile.imread(scans.parent / "out" / "a.tif")
    assert np.array_equal(found, tifffile.imread(plain / "a.tif"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("film,camera\nx,y\n", "column 'file' or 'frame'"),
        ("file,aperture\na.tif,wide\n", "line 2: aperture 'wide'"),
    ],
)
def test_a_table_that_cannot_be_read_writes_nothing(scans: Path, text: str, said: str) -> None:
    (scans.parent / "film.csv").write_text(text)
    done = batch(scans, code=2)
    assert said in done.stderr
    assert not (scans.parent / "out").exists()


def test_it_is_metadata(scans: Path) -> None:
    assert "leave out --no-metadata" in batch(scans, "--no-metadata", code=2).stderr


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("exiftool"), reason="no exiftool")
@pytest.mark.parametrize("name", ["a.tif", "a.jpg", "a.png", "a.jxl", "a.dng"])
def test_exiftool_reads_every_field(scans: Path, name: str) -> None:
    batch(scans, *(word for kind in ("jpeg", "png", "jxl", "dng") for word in ("--also", kind)))
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-struct", str(scans.parent / "out" / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = json.loads(done.stdout)
    assert found["IFD0:Model"] == "Nikon F3"
    assert found["ExifIFD:FNumber"] == 2.8
    assert found["ExifIFD:ExposureTime"] == "1/125"
    assert found["ExifIFD:ISO"] == 400
    assert found["ExifIFD:DateTimeOriginal"] == "2024:05:17 14:30:00"
    assert found["XMP-AnalogExif:Film"] == "Kodak Portra 400"
    assert found["XMP-dc:Creator"] == ["José"]
    assert found["XMP-dc:Subject"] == ["Kodak Portra 400"]
    assert found["XMP-xmpMM:DerivedFrom"]["FilePath"] == "a.tif"
    if name not in ("a.jxl",):
        assert found["IPTC:By-line"] == "José"
    assert not [key for key in found if "Warning" in key or "Error" in key]


def test_each_crop_of_a_strip_gets_its_own_row(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    strip = draw(Spec(count=2, scale=6.0, seed=3), [])
    tifffile.imwrite(folder / "strip.tif", strip.pixels, photometric="rgb")
    table = tmp_path / "film.csv"
    table.write_text("file,frame,film,notes\nstrip.tif,,Portra 400,\n,1,,the tram\n,2,,the hill\n")
    words = ("batch", folder, out, "--frames", "find", "--auto", "off", "--film-data", table)
    done = divere(*words, "--isolation", "never")
    assert (done.returncode, "fits no scan" in done.stderr) == (0, False), done.stderr
    told = {}
    for path in sorted(out.glob("*.tif")):
        with tifffile.TiffFile(path) as file:
            xmp = file.pages[0].tags[700].value
        told[path.name] = xmp.decode() if isinstance(xmp, bytes) else str(xmp)
    assert list(told) == ["strip-1.tif", "strip-2.tif"]
    for xmp, ours, other in zip(
        told.values(), ("the tram", "the hill"), ("the hill", "the tram"), strict=True
    ):
        assert ours in xmp
        assert other not in xmp
        assert "Kodak Portra 400" in xmp
        assert "DerivedFrom" in xmp
    again = divere(*words, "--isolation", "never", "--json")
    assert '"status": "up_to_date"' in again.stdout
    table.write_text(table.read_text().replace("the hill", "the river"))
    changed = divere(*words, "--isolation", "never", "--json")
    assert '"status": "ok"' in changed.stdout
