"""Flat masters as DNG: read by LibRaw and tifffile, with the tags that converters need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile

from divere_cli.errors import OutputError
from divere_cli.image import header, icc
from divere_cli.image.layout import PictureMetadata, Resolution
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from tests.image import writing

ENDURA = Space(
    "KodakEnduraPremier",
    ((0.66352, 0.32412), (0.25921, 0.66640), (0.15457, 0.04980)),
    (0.32168, 0.33767),
    1.0,
)
RNG = np.random.default_rng(9)
DNG = Encoding("dng", 16, ENDURA)
D50 = np.array([0.9642, 1.0, 0.8249])


def written(path: Path, channels: int, exposure: float = 0.0) -> np.ndarray:
    rows = RNG.integers(0, 65536, (91, 67, channels)).astype(np.uint16)
    picture = PictureMetadata(
        icc=icc.profile(ENDURA, channels == 1),
        resolution=Resolution(4000, 4000),
        software="divere",
        exposure=exposure,
    )
    writing.write(path, DNG, rows, 20, picture)
    return rows


def value(page: tifffile.TiffPage, name: str) -> np.ndarray:
    found = np.asarray(page.tags[name].value, float).ravel()
    rational = page.tags[name].dtype in (5, 10)
    return found[::2] / found[1::2] if rational else found


@pytest.mark.parametrize("channels", [1, 3])
def test_libraw_reads_the_very_samples(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.dng"
    rows = written(path, channels)
    with rawpy.imread(str(path)) as raw:
        assert (raw.sizes.width, raw.sizes.height) == (67, 91)
        assert raw.white_level == 65535
        assert raw.black_level_per_channel[:channels] == [0] * channels
        found = raw.raw_image.reshape(91, 67, -1)[:, :, :channels]
        assert np.array_equal(found, rows)


def test_libraw_renders_neutral_as_neutral(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    rows = np.full((64, 64, 3), 12000, np.uint16)
    writing.write(path, DNG, rows, 20, PictureMetadata(icc=icc.profile(ENDURA)))
    with rawpy.imread(str(path)) as raw:
        shown = raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16)
    middle = shown[32, 32].astype(float)
    assert middle.min() > 20000
    assert np.ptp(middle) < 0.01 * middle.mean()


def test_the_tags_say_what_the_light_is(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    rows = written(path, 3, exposure=1.75)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.photometric == 34892
        assert np.array_equal(page.asarray(), rows)
        assert bytes(page.tags["DNGVersion"].value) == bytes((1, 4, 0, 0))
        forward = value(page, "ForwardMatrix1").reshape(3, 3)
        np.testing.assert_allclose(forward.sum(axis=1), D50, atol=3e-4)
        back = value(page, "ColorMatrix1").reshape(3, 3)
        np.testing.assert_allclose(back @ forward, np.eye(3), atol=1e-3)
        np.testing.assert_allclose(value(page, "AsShotNeutral"), [1, 1, 1])
        assert page.tags["CalibrationIlluminant1"].value == 23
        assert value(page, "BaselineExposure") == pytest.approx(1.75)
        assert page.tags["DefaultBlackRender"].value == 1
        assert list(value(page, "ProfileToneCurve")) == [0, 0, 1, 1]
        assert page.tags["Make"].value == "divere"
        assert "InterColorProfile" not in page.tags
        assert list(value(page, "DefaultCropSize")) == [67, 91]


def test_a_gray_master_has_no_color_matrix(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    written(path, 1)
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.samplesperpixel == 1
        assert "ColorMatrix1" not in page.tags


def test_it_is_a_linear_dng_to_divere_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    written(path, 3)
    found = header.read(str(path))
    assert (found.width, found.height, found.channels, found.bits) == (67, 91, 3, 16)
    assert found.variant == "dng"


@pytest.mark.parametrize(
    "encoding", [Encoding("dng", 8, ENDURA), Encoding("dng", 16, ENDURA, compression="zstd")]
)
def test_encodings_that_dng_does_not_support_are_refused(
    tmp_path: Path, encoding: Encoding
) -> None:
    with pytest.raises(OutputError, match="16 bits and no compression"):
        writing.write(tmp_path / "a.dng", encoding, np.zeros((4, 4, 3), np.uint16), 4)
