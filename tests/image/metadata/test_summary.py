"""The metadata summary of a scan, for each container."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from divere_cli.image import header, icc
from divere_cli.image.metadata import summary
from divere_cli.records.grade import Space

P3 = Space("Display P3 of the lab", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329))


def saved(tmp_path: Path, ending: str, profile: bytes) -> str:
    path = tmp_path / f"scan{ending}"
    if ending == ".tif":
        artist = (315, 2, 0, "Köster".encode(), True)
        picture = np.zeros((4, 4, 3), np.uint16)
        tifffile.imwrite(
            path, picture, photometric="rgb", metadata=None, iccprofile=profile, extratags=[artist]
        )
        return str(path)
    exif = Image.Exif()
    exif[315] = "Koster"
    exif[271] = "Nikon"
    exif[305] = "NikonScan"
    exif.get_ifd(0x8769)[0x9003] = "1998:05:04 10:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (4, 4)).save(path, icc_profile=profile, exif=exif)
    return str(path)


@pytest.mark.parametrize("ending", [".tif", ".png", ".jpg"])
def test_the_profile_is_named(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path, ending, icc.profile(P3))
    told = summary.read(path, header.read(path))
    assert told.icc == "Display P3 of the lab"
    assert told.artist in ("Köster", "Koster")


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_exif_and_gps_are_seen(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path, ending, icc.profile(P3))
    told = summary.read(path, header.read(path))
    assert (told.exif, told.gps, told.xmp, told.iptc) == (True, True, False, False)
    assert told.taken == "1998:05:04 10:00:00"
    assert (told.make, told.software) == ("Nikon", "NikonScan")


@pytest.mark.parametrize("ending", [".tif", ".png", ".jpg"])
@pytest.mark.parametrize("profile", [b"x" * 200, b"tiny"])
def test_a_damaged_profile_has_no_name(tmp_path: Path, ending: str, profile: bytes) -> None:
    path = saved(tmp_path, ending, profile)
    assert summary.read(path, header.read(path)).icc == "without a name"


def test_a_file_without_metadata_has_an_empty_summary(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    path.write_bytes(stream.getvalue())
    assert summary.read(str(path), header.read(str(path))) == summary.About()
