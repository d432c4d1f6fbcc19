"""Metadata, profile and infrared through the whole unit of work, from and to every format.

The slow tier asks exiftool, for an output beside its input.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import exiv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.cli import app as program
from divere_cli.develop.scan import develop
from divere_cli.image import header, icc, reader
from divere_cli.image.metadata import carried as metadata
from divere_cli.profile import library
from divere_cli.profile.select import Selector
from divere_cli.records.job import Encoding, Frame, Job, Stamp, Target
from divere_cli.records.outcome import TaskResult
from tests.image import foreign
from tests.image.metadata.test_carried import (
    big_endian,
    bigtiff_scan,
    jpeg_scan,
    png_scan,
    tiff_scan,
)

FORMATS: dict[str, tuple[Literal["tiff", "png", "jpeg"], Literal[8, 16]]] = {
    ".tif": ("tiff", 16),
    ".png": ("png", 16),
    ".jpg": ("jpeg", 8),
}


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        yield

    def advance(self, done: float) -> None:
        pass


def grade(scan: str, out: Path, **more: Any) -> TaskResult:
    """Develop one scan into one positive, as a batch would."""
    kind, bits = FORMATS[out.suffix]
    space = library.output_space("DisplayP3")
    encoding = Encoding(kind, bits, space, metadata=more.get("metadata", True))
    chosen = Selector().choose(scan, header.read(scan))
    out.touch()
    sidecar = None
    if "sidecar" in more:
        more["sidecar"].touch()
        sidecar = Target("ir.tif", str(more["sidecar"]), str(more["sidecar"]))
    frame = Frame(
        Target(out.name, str(out), str(out)), chosen.frames[0].recipe,
        orientation=more.get("orientation", 0),
    )  # fmt: skip
    status = os.stat(scan)
    stamp = Stamp(status.st_size, status.st_mtime_ns)
    return develop(Job(1, "scan", scan, stamp, encoding, (frame,), sidecar), Silent())


def with_pixels(tmp_path: Path, make: Any) -> str:
    """A scan with metadata and real pixels: what ``make`` wrote, put into a file that has some."""
    if make is not tiff_scan:
        return str(make(tmp_path))
    path = tmp_path / "scan.tif"
    block = metadata.read(tiff_scan(tmp_path))
    tags = [(271, 2, 0, "Nikon", True), (315, 2, 0, "A. Köster".encode(), True)]
    tags += [
        (700, 1, len(block.xmp), block.xmp, True),
        (33723, 7, len(block.iptc), block.iptc, True),
    ]
    tifffile.imwrite(
        path, np.full((8, 8, 3), 900, np.uint16), photometric="rgb", extratags=tags,
        metadata=None, resolution=(4000, 2000), resolutionunit=2,
    )  # fmt: skip
    return str(path)


def exif_of(block: bytes) -> dict[str, str]:
    image = exiv2.ImageFactory.open(bytearray(block))
    image.readMetadata()
    return {str(d.key()): str(d.toString()) for d in image.exifData()}


@pytest.mark.parametrize("make", [tiff_scan, jpeg_scan, png_scan])
@pytest.mark.parametrize("ending", FORMATS)
def test_metadata_goes_from_any_format_to_any(tmp_path: Path, make: Any, ending: str) -> None:
    out = tmp_path / f"positive{ending}"
    result = grade(with_pixels(tmp_path, make), out)
    assert [w for w in result.warnings if not w.startswith("clipped to black")] == []
    carried = metadata.read(str(out))
    assert carried.warnings == ()
    exif = exif_of(carried.exif)
    assert exif["Exif.Image.Make"] == "Nikon"
    assert exif["Exif.Image.Artist"] == "A. Köster"
    assert exif["Exif.Image.Software"].startswith("divere ")
    assert b"K\xc3\xb6ln" in carried.xmp
    assert carried.iptc.endswith(b"K\xc3\xb6ster")
    assert header.read(str(out)).orientation == 1


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("gray", [False, True])
def test_the_profile_of_the_output_space_is_embedded(
    tmp_path: Path, ending: str, gray: bool
) -> None:
    scan = foreign.FIXTURES / ("im-gray16.tif" if gray else "im-rgb16.tif")
    out = tmp_path / f"positive{ending}"
    grade(str(scan), out)
    wanted = icc.profile(library.output_space("DisplayP3"), gray)
    if ending == ".tif":
        with tifffile.TiffFile(out) as tiff:
            assert tiff.pages[0].tags[34675].value == wanted  # type: ignore[union-attr]
            assert tiff.pages[0].shape == ((20, 24) if gray else (20, 24, 3))
    else:
        with Image.open(out) as opened:
            assert opened.info["icc_profile"] == wanted


@pytest.mark.parametrize("ending", FORMATS)
def test_resolution_turns_with_the_picture(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"positive{ending}"
    grade(with_pixels(tmp_path, tiff_scan), out, orientation=90)
    resolution = header.read(str(out)).resolution
    assert resolution is not None
    inch = 2.54 if resolution.unit == 3 else 1.0
    assert (resolution.x * inch, resolution.y * inch) == pytest.approx((2000, 4000), abs=0.02)


@pytest.mark.parametrize("ending", FORMATS)
def test_no_metadata_leaves_profile_and_resolution_only(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"positive{ending}"
    grade(with_pixels(tmp_path, tiff_scan), out, metadata=False)
    carried = metadata.read(str(out))
    assert (carried.exif, carried.xmp, carried.iptc) == (b"", b"", b"")
    assert header.read(str(out)).resolution is not None


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_scan_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    scan = with_pixels(tmp_path, tiff_scan)
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    grade(scan, first)
    icc.profile.cache_clear()
    grade(scan, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("ending", FORMATS)
def test_metadata_does_not_change_the_pixels(tmp_path: Path, ending: str) -> None:
    scan = with_pixels(tmp_path, tiff_scan)
    pictures = []
    for carry in (True, False):
        out = tmp_path / f"positive-{carry}{ending}"
        grade(scan, out, metadata=carry)
        with reader.open(str(out)) as opened:
            pictures.append(np.concatenate([band.copy() for _, band in opened.bands()]))
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("name", ["im-rgbi.tif", "silverfast-hdri.tif"])
def test_infrared_is_written_beside_the_positive(tmp_path: Path, name: str) -> None:
    plain, out, beside = (tmp_path / n for n in ("plain.tif", "positive.tif", "ir.tif"))
    grade(str(foreign.FIXTURES / "im-rgb16.tif"), plain)
    result = grade(str(foreign.FIXTURES / name), out, sidecar=beside)
    assert "infrared was written beside the positive" in result.notes
    np.testing.assert_array_equal(tifffile.imread(beside), foreign.truth("gray16")[:, :, 0])
    np.testing.assert_array_equal(tifffile.imread(out), tifffile.imread(plain))


@pytest.mark.parametrize(("kind", "suffix"), [("tiff", ".tif"), ("png", ".png"), ("jpeg", ".jpg")])
def test_a_batch_writes_infrared_beside_positives_of_every_format(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    shutil.copy(foreign.FIXTURES / "silverfast-hdri.tif", scans / "a.tif")
    options = ["--format", kind, "--ir", "sidecar", "--isolation", "never", "--no-progress"]
    assert program.run(["batch", str(scans), str(out), *options]) == 0
    assert {path.name for path in out.iterdir()} >= {f"a{suffix}", "a-ir.tif"}
    np.testing.assert_array_equal(
        tifffile.imread(out / "a-ir.tif"), foreign.truth("gray16")[:, :, 0]
    )


def test_hostile_metadata_arrives_harmless_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    evil = b"\x1b]0;owned\x07" + b"A" * 10_000_000 + b"\xff\xfe\0"
    tags = [(code, 2, len(evil), evil, True) for code in (270, 315)]
    tags += [(34675, 7, 200, b"\x1b" * 200, True), (700, 1, 400, b"\xff\x1b" * 200, True)]
    tifffile.imwrite(path, np.full((8, 8, 3), 900, np.uint16), photometric="rgb", metadata=None,
                     extratags=tags)  # fmt: skip
    for ending in FORMATS:
        out = tmp_path / f"positive{ending}"
        result = grade(str(path), out)
        assert len(result.warnings) == 1
        assert "ImageDescription" in result.warnings[0]
        assert out.stat().st_size < 100_000
        assert b"\x1b]0" not in out.read_bytes()


FROM_INPUT = (
    "Make", "Model", "Artist", "Copyright", "DateTimeOriginal", "CreateDate", "ModifyDate",
    "ExposureTime", "ISO", "GPSLatitude", "GPSLongitude", "XResolution", "YResolution",
    "ResolutionUnit", "City", "Title", "Subject", "Rating", "By-line", "ImageDescription",
)  # fmt: skip
NEVER = ("MakerNoteNikon", "ThumbnailImage", "PhotoshopThumbnail", "PreviewImage", "Exposure2012")


def exiftool(path: Path | str) -> dict[str, Any]:
    done = subprocess.run(
        ["exiftool", "-json", "-n", "-a", str(path)], capture_output=True, check=True
    )
    (told,) = json.loads(done.stdout)
    return dict(told)


def same_but_for_rounding(before: dict[str, Any], after: dict[str, Any]) -> None:
    compared = [name for name in FROM_INPUT if name in before]
    assert len(compared) >= 5
    for name in compared:
        value = before[name]
        want = pytest.approx(value, rel=1e-5) if isinstance(value, float | int) else value
        assert after.get(name) == want, name


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not here")
@pytest.mark.parametrize("make", [tiff_scan, jpeg_scan, png_scan])
@pytest.mark.parametrize("ending", FORMATS)
def test_exiftool_reads_of_the_output_what_it_reads_of_the_input(
    tmp_path: Path, make: Any, ending: str
) -> None:
    scan = with_pixels(tmp_path, make)
    out = tmp_path / f"positive{ending}"
    grade(scan, out)
    before, after = exiftool(scan), exiftool(out)
    if make is tiff_scan:
        same_but_for_rounding(before, after)
    else:  # whose resolution is not that of the container
        same_but_for_rounding({n: v for n, v in before.items() if "Resol" not in n}, after)
    for name in NEVER:
        assert name not in after
    assert after["Orientation"] == 1
    assert after["ProfileDescription"] == "DisplayP3"
    assert "Warning" not in after
    assert "Error" not in after


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not here")
@pytest.mark.parametrize("ending", FORMATS)
def test_exiftool_on_a_real_scan(tmp_path: Path, shared: Path, ending: str) -> None:
    scan = shared / "scans/ultramax400_colorchecker_0ev.tif"
    out = tmp_path / f"positive{ending}"
    grade(str(scan), out)
    before, after = exiftool(scan), exiftool(out)
    same_but_for_rounding(before, after)
    assert after["CopyrightNotice"] == before["CopyrightNotice"]
    assert after["HistoryAction"][:-1] == before["HistoryAction"]
    assert after["DerivedFromDocumentID"] == before["DocumentID"]
    assert "PhotoshopThumbnail" in before
    assert "PhotoshopThumbnail" not in after
    assert "Warning" not in after


def test_other_byte_orders_and_bigtiff_are_carried_too(tmp_path: Path) -> None:
    for make in (big_endian, bigtiff_scan):
        assert exif_of(metadata.read(make(tmp_path)).exif)["Exif.Image.Make"] == "Nikon"
