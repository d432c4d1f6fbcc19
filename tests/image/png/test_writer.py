"""Written PNG, read by libpng, Pillow and ourselves."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from divere_cli.errors import OutputError
from divere_cli.image import header, icc, writer
from divere_cli.image.layout import PictureMetadata, Resolution
from divere_cli.image.parallel import Parallel
from divere_cli.image.png import writer as png_writer
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from tests.image import writing
from tests.image.png.test_reader import grain, read

P3 = Space("DisplayP3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), 2.2)


def write(
    tmp_path: Path,
    picture: NDArray[np.generic],
    rows: int,
    parallel: Parallel | None = None,
    **about: Any,
) -> Path:
    path = tmp_path / "out.png"
    encoding = Encoding("png", 8 if picture.dtype == np.uint8 else 16, P3)
    writing.write(path, encoding, picture, rows, PictureMetadata(**about), parallel)
    return path


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("rows", [1, 9, 64])
def test_libpng_reads_what_was_written(tmp_path: Path, bits: int, channels: int, rows: int) -> None:
    picture = grain(31, 19, channels, bits)
    path = write(tmp_path, picture, rows)
    decoded = imagecodecs.png_decode(path.read_bytes()).reshape(picture.shape)
    np.testing.assert_array_equal(decoded, picture)
    np.testing.assert_array_equal(read(str(path)), picture)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_bytes_depend_neither_on_rows_nor_on_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(png_writer, "_STRIP_BYTES", 500)
    picture = grain(40, 11, 3, 16)
    path = write(tmp_path, picture, 40)
    once = path.read_bytes()
    np.testing.assert_array_equal(imagecodecs.png_decode(once), picture)
    np.testing.assert_array_equal(read(str(path)), picture)
    for rows in (1, 13):
        with Parallel(threads) as parallel:
            assert write(tmp_path, picture, rows, parallel=parallel).read_bytes() == once


def test_profile_and_resolution_are_embedded(tmp_path: Path) -> None:
    profile = icc.profile(P3)
    path = write(tmp_path, grain(8, 8, 3, 16), 8, icc=profile, resolution=Resolution(4000, 2000, 2))
    with Image.open(path) as opened:
        assert opened.info["icc_profile"] == profile
        ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
        assert opened.info["dpi"] == pytest.approx((4000, 2000), abs=0.02)
    resolution = header.read(str(path)).resolution
    assert resolution is not None
    assert (resolution.x * 2.54, resolution.y * 2.54) == pytest.approx((4000, 2000), abs=0.02)


def test_missing_and_misshapen_rows_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.touch()
    encoding = Encoding("png", 16, P3)
    with writer.open(str(path), encoding, 8, 8, 3, PictureMetadata()) as out:
        with pytest.raises(OutputError):
            out.write(np.zeros((2, 8, 3), np.uint8))
        with pytest.raises(OutputError):
            out.write(np.zeros((2, 7, 3), np.uint16))
        out.write(np.zeros((7, 8, 3), np.uint16))
        with pytest.raises(OutputError, match="7 of 8 rows"):
            out.close()
