"""Thumbnails: right colors, right way up, the same whatever the bands, small."""

from __future__ import annotations

import base64
import io
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from divere_cli.develop.scan import develop
from divere_cli.develop.thumbnail import LONGEST, MOST, SRGB, Thumbnailer, limited
from divere_cli.records.grade import Space
from divere_cli.records.job import Frame
from divere_cli.records.outcome import Thumbnail
from tests.develop.test_scan import RECIPE, Heard, job, save, target

LINEAR = Space("plain", None, (0.3127, 0.3290))
WIDE = Space("wide", ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 2.2)


def made(
    picture: NDArray[Any], space: Space = LINEAR, rows: int = 7, orientation: int = 0
) -> Thumbnail:
    height, width = picture.shape[:2]
    maker = Thumbnailer(width, height, space, orientation)
    for first in range(0, height, rows):
        maker.take(first, picture[first : first + rows])
    found = maker.thumbnail("out.tif")
    assert found is not None
    return found


def pixels(thumbnail: Thumbnail) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(base64.b64decode(thumbnail.jpeg, validate=True)))
    assert picture.format == "JPEG"
    assert picture.size == (thumbnail.width, thumbnail.height)
    return np.asarray(picture)


def quarters(dtype: Any, full: float) -> NDArray[Any]:
    picture = np.zeros((400, 600, 3), dtype=dtype)
    picture[:200, :300] = (full, 0, 0)
    picture[:200, 300:] = (0, full, 0)
    picture[200:, :300] = (0, 0, full)
    return picture


@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535), ("float32", 1.0)])
def test_a_picture_is_shown_the_right_way_up(dtype: str, full: float) -> None:
    small = pixels(made(quarters(dtype, full), SRGB))
    assert small.shape == (171, LONGEST, 3)
    corners = [small[20, 20], small[20, -20], small[-20, 20], small[-20, -20]]
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)]
    for found, color in zip(corners, wanted, strict=True):
        np.testing.assert_allclose(found.astype(int), color, atol=12)


def test_orientation_turns_counter_clockwise() -> None:
    small = pixels(made(quarters("uint16", 65535), SRGB, orientation=90))
    assert small.shape == (LONGEST, 171, 3)
    np.testing.assert_allclose(small[20, 20].astype(int), (0, 255, 0), atol=12)


def test_thumbnails_do_not_depend_on_bands() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 65536, (500, 300, 3), dtype=np.uint16)
    assert made(picture, rows=1) == made(picture, rows=13) == made(picture, rows=500)


def test_the_samples_of_a_whole_picture_are_never_in_memory_together() -> None:
    """They are 9 MB here as floats, and were there several times over while they were converted."""
    picture = np.full((1200, 1600, 3), 20000, dtype=np.uint16)
    tracemalloc.start()
    try:
        made(picture, WIDE, rows=1200)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6e6


def test_colors_are_converted_for_the_screen() -> None:
    gray = np.full((100, 100, 3), round(65535 * 0.18 ** (1 / 2.2)), dtype=np.uint16)
    np.testing.assert_allclose(pixels(made(gray, WIDE))[50, 50].astype(int), 118, atol=2)


def test_grain_is_averaged_in_linear_light() -> None:
    checks = np.zeros((1024, 1024, 1), dtype=np.uint16)
    checks[::2, ::2] = checks[1::2, 1::2] = 65535
    small = pixels(made(checks)).astype(int)
    assert abs(small.mean() - 188) < 3
    assert small.std() < 3


def test_a_strip_of_film_and_a_single_pixel_have_thumbnails() -> None:
    assert (made(np.ones((1, 1, 1), np.uint8)).width, made(np.ones((1, 1, 1))).height) == (1, 1)
    strip = made(np.ones((3, 5000, 3), dtype=np.uint8))
    assert (strip.width, strip.height) == (LONGEST, 1)


def test_not_a_number_is_black() -> None:
    picture = np.full((20, 20, 3), np.nan, dtype=np.float32)
    assert pixels(made(picture)).max() <= 2


def test_a_sheet_of_many_crops_shows_as_many_as_a_message_holds() -> None:
    small = Thumbnail("x", 1, 1, "A" * (MOST // 10))
    assert limited([small, None, small]) == (small, small)
    assert limited([small] * 50) == (small,) * 10


def test_without_bands_there_is_no_thumbnail() -> None:
    assert Thumbnailer(10, 10, LINEAR).thumbnail("") is None


def test_thumbnails_of_scan_and_positives_are_made_on_request(tmp_path: Path) -> None:
    scan = np.full((300, 200, 3), 20000, dtype=np.uint16)
    scan[:150] = 50000  # dense below, thin above: the positive is bright below
    save(tmp_path, scan)
    frames = (
        Frame(target(tmp_path, "whole.tif"), RECIPE, orientation=90),
        Frame(target(tmp_path, "lower.tif"), RECIPE, crop=(0.0, 0.5, 1.0, 0.5)),
    )
    assert develop(job(tmp_path, *frames), Heard()).thumbnails == ()
    small = develop(job(tmp_path, *frames, thumbnails=True), Heard()).thumbnails
    assert [(each.of, each.width, each.height) for each in small] == [
        ("", LONGEST, 171),
        ("whole.tif", LONGEST, 171),
        ("lower.tif", 200, 150),
    ]
    itself, whole, lower = (pixels(each).astype(int).mean(axis=2) for each in small)
    assert itself[:, 20].mean() > itself[:, -20].mean()
    assert whole[:, 20].mean() < whole[:, -20].mean()
    assert abs(lower.mean() - whole[:, -20].mean()) < 4


def test_thumbnails_change_nothing_else(tmp_path: Path) -> None:
    save(tmp_path)
    plain = develop(job(tmp_path), Heard())
    before = (tmp_path / ".divere-tmp-out.tif").read_bytes()
    small = develop(job(tmp_path, thumbnails=True), Heard())
    assert (tmp_path / ".divere-tmp-out.tif").read_bytes() == before
    assert replace(small, thumbnails=(), stages=plain.stages) == plain
