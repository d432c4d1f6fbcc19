"""Which page is the picture: by tags, for each program that writes more than one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.errors import CorruptInput
from divere_cli.image import header, reader
from divere_cli.image.layout import Header

RGB = np.arange(5 * 7 * 3, dtype=np.uint16).reshape(5, 7, 3)
GRAY = np.arange(5 * 7, dtype=np.uint16).reshape(5, 7)


def written(path: Path, *pages: tuple[np.ndarray, dict[str, object]]) -> Header:
    with tifffile.TiffWriter(path) as out:
        for pixels, options in pages:
            kind = "rgb" if pixels.ndim == 3 else "minisblack"
            out.write(pixels, **{"photometric": kind, "metadata": None, **options})
    return header.read(str(path))


def pixels(path: Path) -> np.ndarray:
    with reader.open(str(path)) as scan:
        return np.concatenate([band.copy() for _, band in scan.bands()])


def test_infrared_as_a_further_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    found = written(path, (RGB, {"software": "SilverFast 9"}), (GRAY, {"subfiletype": 0}))
    assert (found.variant, found.extra, found.pages) == ("hdri", ("infrared",), 2)
    with reader.open(str(path)) as scan:
        infrared = scan.infrared()
        assert infrared is not None
        rows = np.concatenate([band.copy() for _, band in infrared])
    assert np.array_equal(rows[:, :, 0], GRAY)
    assert np.array_equal(pixels(path), RGB)


def test_infrared_that_cannot_be_read_does_not_harm_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    written(path, (RGB, {}), (GRAY, {}))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[1].tags[259].overwrite(4711)
    found = header.read(str(path))
    assert found.extra == ()
    assert found.warnings == (
        "the infrared page cannot be read: TIFF compression 4711 (unknown) cannot be read",
    )
    assert np.array_equal(pixels(path), RGB)


def test_a_reduced_first_page_is_not_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    found = written(path, (RGB[:2, :2], {"subfiletype": 1}), (RGB, {}))
    assert (found.width, found.height) == (7, 5)
    assert np.array_equal(pixels(path), RGB)


def test_the_scan_of_a_nikon_nef_is_a_sub_directory(tmp_path: Path) -> None:
    path = tmp_path / "a.nef"
    found = written(
        path, (RGB[:2, :2], {"subfiletype": 1, "subifds": 1}), (RGB, {"subfiletype": 0})
    )
    assert (found.format, found.variant) == ("tiff", "nikon-scan")
    assert np.array_equal(pixels(path), RGB)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("a.nef", {"subfiletype": 1, "subifds": 1}, {"subfiletype": 0}),
        ("a.tif", {"subfiletype": 1}, {}),
        ("a.fff", {}, {}),
    ],
)
def test_a_cut_before_the_scan_never_gives_its_preview(
    tmp_path: Path, name: str, first: dict[str, object], second: dict[str, object]
) -> None:
    path = tmp_path / name
    written(path, (RGB[:2, :2], first), (RGB, second))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptInput):
            pixels(path)


def test_page_0_is_the_picture_and_others_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.fff"
    found = written(path, (RGB, {}), (RGB[:2], {}), (RGB[:1], {"subfiletype": 1}))
    assert (found.variant, found.notes) == ("fff", ("1 further page left out",))
    assert np.array_equal(pixels(path), RGB)


def test_a_small_copy_before_the_scan_is_told_by_its_size_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    found = written(path, (RGB[:2, :3], {}), (RGB, {}))
    assert np.array_equal(pixels(path), RGB)
    assert (found.pictures, found.warnings) == (1, ())
    assert found.notes == ("page 1 (3 x 2) is left out: a reduced copy, by its size",)


def test_a_smaller_page_of_another_shape_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    found = written(path, (RGB[:, :2], {}), (RGB, {}))
    assert (found.width, found.pictures, found.notes) == (2, 2, ())
    assert header.read(str(path), picture=1).width == 7


def test_small_copies_in_sub_directories_are_no_further_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    small = {"subfiletype": 1}
    found = written(path, (RGB, {"subifds": 2}), (RGB[:3, :3], small), (RGB[:2, :2], small))
    assert (found.pages, found.warnings, found.notes) == (3, (), ())
    assert np.array_equal(pixels(path), RGB)


def test_a_preview_before_the_scan_of_an_fff_is_not_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.fff"
    found = written(path, (RGB[:2, :2], {}), (RGB, {}))
    assert (found.width, found.height) == (7, 5)
    assert np.array_equal(pixels(path), RGB)


def test_a_dng_is_left_to_the_raw_decoder(tmp_path: Path) -> None:
    version = (50706, "B", 4, (1, 4, 0, 0), True)
    about = {"extratags": [version], "datetime": "2026:11:22 10:00:00", "photometric": "cfa"}
    found = written(tmp_path / "a.dng", (GRAY, {"resolution": (4000, 4000), **about}))
    assert (found.format, found.variant) == ("raw", "dng")
    assert found.resolution is not None
    assert (found.resolution.x, found.date) == (4000, "2026:11:22 10:00:00")


def test_a_sensor_mosaic_is_left_to_the_raw_decoder(tmp_path: Path) -> None:
    path = tmp_path / "a.arw"
    with tifffile.TiffWriter(path) as out:
        out.write(RGB[:2, :2], photometric="rgb", subfiletype=1, metadata=None)
        out.write(GRAY, photometric="cfa", metadata=None)
    found = header.read(str(path))
    assert (found.format, found.variant, found.width) == ("raw", "arw", 7)


def test_a_camera_file_without_a_sensor_page_is_left_to_the_raw_decoder(tmp_path: Path) -> None:
    found = written(tmp_path / "a.cr2", (RGB, {}))
    assert (found.format, found.variant) == ("raw", "cr2")
