"""JPEG compared with Pillow: complete or refused, the same file for any strips."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from divere_cli.errors import CorruptInput, LimitExceeded, OutputError, Unsupported
from divere_cli.image import header, icc, reader, writer
from divere_cli.image.jpeg import reader as jpeg
from divere_cli.image.layout import PictureMetadata, Resolution
from divere_cli.image.parallel import Parallel
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from tests.image import writing

P3 = Space("DisplayP3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), 2.2)


def grain(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    ramp = np.linspace(20, 230, height * width).reshape(height, width, 1)
    return np.clip(ramp + rng.normal(0, 8, (height, width, channels)), 0, 255).astype(np.uint8)


def encoded(picture: NDArray[np.uint8], **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def saved(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "scan.jpg"
    path.write_bytes(data)
    return str(path)


def read(path: str, rows: int | None = None) -> NDArray[np.generic]:
    with reader.open(path) as scan:
        bands = [band.copy() for _, band in scan.bands(rows)]
        assert scan.infrared() is None
        return np.concatenate(bands)


@pytest.mark.parametrize(("size", "rows"), [((480, 640), 128), ((2000, 300), 250), ((90, 90), 90)])
def test_a_small_picture_comes_in_bands(size: tuple[int, int], rows: int, tmp_path: Path) -> None:
    with reader.open(saved(tmp_path, encoded(grain(*size, 3)))) as scan:
        found = [(first, len(band)) for first, band in scan.bands()]
    assert found[0] == (0, rows)
    assert max(count for _, count in found) == rows
    assert sum(count for _, count in found) == size[0]


def write(
    tmp_path: Path,
    picture: NDArray[np.uint8],
    rows: int,
    quality: int = 90,
    parallel: Parallel | None = None,
    **about: Any,
) -> Path:
    path = tmp_path / "out.jpg"
    encoding = Encoding("jpeg", 8, P3, quality=quality)
    writing.write(path, encoding, picture, rows, PictureMetadata(**about), parallel)
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("rows", [1, 10, None])
def test_pillow_s_file_is_read_to_the_last_pixel(
    tmp_path: Path, channels: int, progressive: bool, rows: int | None
) -> None:
    data = encoded(grain(37, 29, channels), progressive=progressive)
    path = saved(tmp_path, data)
    with Image.open(io.BytesIO(data)) as opened:
        want = np.asarray(opened).reshape(37, 29, channels)
    np.testing.assert_array_equal(read(path, rows), want)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (300, 21), (129, 64), (257, 700)])
@pytest.mark.parametrize("rows", [5, 128, 1000])
def test_strips_give_the_picture_of_one_encoder(
    tmp_path: Path, channels: int, size: tuple[int, int], rows: int
) -> None:
    picture = grain(*size, channels)
    path = write(tmp_path, picture, rows)
    subsampling = "444" if channels == 3 else None
    whole = imagecodecs.jpeg8_encode(picture.squeeze(2) if channels == 1 else picture,
                                     level=90, subsampling=subsampling)  # fmt: skip
    with Image.open(path) as opened, Image.open(io.BytesIO(whole)) as expected:
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(expected))
        assert opened.mode == ("L" if channels == 1 else "RGB")


def test_the_widest_picture_keeps_its_restart_interval_in_16_bits(tmp_path: Path) -> None:
    picture = grain(70, jpeg.MAX_SIDE, 1)
    path = write(tmp_path, picture, 33)
    whole = imagecodecs.jpeg8_encode(picture[:, :, 0], level=90)
    with Image.open(path) as opened, Image.open(io.BytesIO(whole)) as expected:
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(expected))


@pytest.mark.parametrize("threads", [2, 3])
def test_the_bytes_depend_neither_on_rows_nor_on_threads(tmp_path: Path, threads: int) -> None:
    picture = grain(700, 33, 3)
    once = write(tmp_path, picture, 700).read_bytes()
    for rows in (100, 300):
        with Parallel(threads) as parallel:
            assert write(tmp_path, picture, rows, parallel=parallel).read_bytes() == once


def test_color_is_not_subsampled_and_quality_counts(tmp_path: Path) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:, ::2] = (255, 0, 0)
    fine = write(tmp_path, picture, 16, quality=100)
    with Image.open(fine) as opened:
        error = np.abs(np.asarray(opened).astype(int) - picture).max()
    assert error < 12
    noise = grain(64, 64, 3)
    sizes = [write(tmp_path, noise, 64, quality=q).stat().st_size for q in (30, 95)]
    assert sizes[0] * 2 < sizes[1]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (Resolution(1574.8, 787.4, 3), Resolution(4000, 2000, 2)),  # 4000 an inch, from a PNG
        (Resolution(300.4, 72, 2), Resolution(300, 72, 2)),
        (Resolution(70_000, 70_000, 2), None),
        (Resolution(2, 1, 1), None),
        (None, None),
    ],
)
def test_resolution_is_whole_numbers_an_inch(
    tmp_path: Path, given: Resolution | None, stored: Resolution | None
) -> None:
    path = write(tmp_path, grain(8, 8, 3), 8, resolution=given)
    assert header.read(str(path)).resolution == stored


def test_profile_and_resolution_are_embedded(tmp_path: Path) -> None:
    profile = icc.profile(P3)
    path = write(tmp_path, grain(8, 8, 3), 8, icc=profile, resolution=Resolution(4000, 2000, 2))
    with Image.open(path) as opened:
        assert opened.info["icc_profile"] == profile
        assert opened.info["dpi"] == (4000, 2000)
    assert header.read(str(path)).resolution == Resolution(4000, 2000, 2)


def test_a_profile_of_many_segments(tmp_path: Path) -> None:
    profile = bytes(range(256)) * 600
    path = write(tmp_path, grain(8, 8, 3), 8, icc=profile)
    with Image.open(path) as opened:
        assert opened.info["icc_profile"] == profile


def test_missing_and_misshapen_rows_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    path.touch()
    with writer.open(str(path), Encoding("jpeg", 8, P3), 8, 8, 3, PictureMetadata()) as out:
        with pytest.raises(OutputError):
            out.write(np.zeros((2, 8, 3), np.uint16))
        out.write(np.zeros((7, 8, 3), np.uint8))
        with pytest.raises(OutputError, match="7 of 8 rows"):
            out.close()


def test_more_than_a_jpeg_can_hold(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(OutputError, match="65500"):
        writer.open(str(tmp_path / "x"), Encoding("jpeg", 8, P3), 65_501, 8, 3, PictureMetadata())


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("percent", [1, 10, 25, 50, 75, 90, 95, 99])
def test_a_cut_file_is_corrupt(tmp_path: Path, progressive: bool, percent: int) -> None:
    data = encoded(grain(64, 48, 3), progressive=progressive)
    cut = data[: len(data) * percent // 100]
    for damaged in (cut, cut + bytes(len(data) - len(cut))):
        with pytest.raises(CorruptInput):
            read(saved(tmp_path, damaged))


@pytest.mark.parametrize("pieces", [1, 3])
def test_damaged_exif_does_not_touch_the_pixels(tmp_path: Path, pieces: int) -> None:
    """A warning of the decoder would be an error here."""
    plain = encoded(grain(64, 48, 3))
    jfif = 4 + struct.unpack(">H", plain[4:6])[0]
    entries = struct.pack("<HHII", 271, 2, 500, 9999) + struct.pack("<HHII", 282, 5, 1, 8888)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entries + bytes(4)
    segment = struct.pack(">BBH", 0xFF, 0xE1, len(exif) + 2) + exif
    damaged = plain[:2] + segment * pieces + plain[jfif:]
    np.testing.assert_array_equal(read(saved(tmp_path, damaged)), read(saved(tmp_path, plain)))


@pytest.mark.parametrize("short", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_without_its_end_marker_all_rows_are_read_and_it_is_said(
    tmp_path: Path, short: int, channels: int
) -> None:
    data = encoded(grain(64, 48, channels))
    want = read(saved(tmp_path, data))
    with reader.open(saved(tmp_path, data[:-short])) as scan:
        got = np.concatenate([band.copy() for _, band in scan.bands()])
        assert scan.warnings == ("the JPEG has no end marker (EOI); all of its rows are there",)
    assert np.array_equal(got, want)


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.99])
def test_a_jpeg_without_its_end_and_some_rows_is_corrupt(tmp_path: Path, keep: float) -> None:
    data = encoded(grain(64, 48, 3))
    with pytest.raises(CorruptInput, match=r"cut|damaged|ends after"):
        read(saved(tmp_path, data[: int(len(data) * keep)]))


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("subsampled", [False, True])
def test_an_end_marker_behind_a_part_of_the_rows_hides_nothing(
    tmp_path: Path, keep: float, subsampled: bool
) -> None:
    options = {"subsampling": 2} if subsampled else {}
    out = io.BytesIO()
    Image.fromarray(grain(64, 48, 3)).save(out, "JPEG", quality=95, **options)
    data = out.getvalue()
    start = data.index(b"\xff\xda")
    cut = data[: start + int((len(data) - start) * keep)].rstrip(b"\xff")
    with pytest.raises(CorruptInput, match="cut"):
        read(saved(tmp_path, cut + b"\xff\xd9"))


def test_a_flat_picture_is_whole(tmp_path: Path) -> None:
    flat = np.full((40, 50, 3), 77, np.uint8)
    assert np.array_equal(read(saved(tmp_path, encoded(flat))), flat)


def test_a_progressive_jpeg_without_its_end_is_read_when_no_scan_is_missing(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(grain(64, 48, 3)).save(out, "JPEG", quality=95, progressive=True)
    data = out.getvalue()
    want = read(saved(tmp_path, data))
    assert np.array_equal(read(saved(tmp_path, data[:-2])), want)
    for scan in range(1, data.count(b"\xff\xda")):
        at = -1
        for _ in range(scan + 1):
            at = data.index(b"\xff\xda", at + 1)
        with pytest.raises(CorruptInput, match="scans of the progressive"):
            read(saved(tmp_path, data[:at]))


def test_stray_bytes_between_segments_are_passed_over_and_said(tmp_path: Path) -> None:
    data = encoded(grain(16, 16, 3))
    want = read(saved(tmp_path, data))
    at = data.index(b"\xff\xda")
    with reader.open(saved(tmp_path, data[:at] + b"\0\0\x11\x22\xff\0" + data[at:])) as scan:
        got = np.concatenate([band.copy() for _, band in scan.bands()])
        assert "stray bytes between the segments" in scan.header.warnings[0]
    assert np.array_equal(got, want)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_lossless_jpeg(tmp_path: Path, bits: int) -> None:
    want = grain(16, 24, 1).astype(f"u{bits // 8}") * np.uint16(257 if bits == 16 else 1)
    data = bytes(imagecodecs.ljpeg_encode(want[:, :, 0].astype(f"u{bits // 8}")))
    assert np.array_equal(read(saved(tmp_path, data)), want)
    with pytest.raises(CorruptInput, match="cut"):
        read(saved(tmp_path, data[:-2]))


def test_trailing_bytes_are_left(tmp_path: Path) -> None:
    data = encoded(grain(16, 16, 3))
    assert read(saved(tmp_path, data + bytes(100))).shape == (16, 16, 3)
    assert read(saved(tmp_path, data + b"\xff\xd8 preview")).shape == (16, 16, 3)


def test_a_thumbnail_s_end_is_not_the_picture_s(tmp_path: Path) -> None:
    data = encoded(grain(64, 48, 3))
    thumbnail = b"Exif\0\0" + encoded(grain(8, 8, 3))
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    with pytest.raises(CorruptInput):
        read(saved(tmp_path, data[:2] + segment + data[2 : len(data) // 2]))


def test_only_our_own_limit_of_pixels_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = saved(tmp_path, encoded(grain(64, 48, 3)))
    assert read(path).shape == (64, 48, 3)
    with pytest.raises(LimitExceeded):
        header.read(path, max_pixels=64 * 48 - 1)


def test_a_scan_bomb_is_refused(tmp_path: Path) -> None:
    data = encoded(grain(64, 48, 3), progressive=True)
    last = data.rindex(b"\xff\xda")
    scan = data[last:-2]
    with pytest.raises(LimitExceeded, match="scans"):
        read(saved(tmp_path, data[:-2] + scan * 100 + b"\xff\xd9"))


def test_a_size_bomb_is_refused(tmp_path: Path) -> None:
    data = bytearray(encoded(grain(16, 16, 3)))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 20_000)
    with pytest.raises(LimitExceeded, match="expand"):
        read(saved(tmp_path, bytes(data)))


def test_a_picture_wider_than_libjpeg_reads_is_unsupported(tmp_path: Path) -> None:
    data = bytearray(encoded(grain(16, 16, 3)))
    frame = data.index(b"\xff\xc0")
    data[frame + 7 : frame + 9] = struct.pack(">H", 65_501)
    with pytest.raises(Unsupported, match="65500"):
        read(saved(tmp_path, bytes(data)))


@pytest.mark.parametrize("shift", range(4))
def test_a_marker_across_two_pieces_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    monkeypatch.setattr(jpeg, "_PIECE", 61 + shift)
    assert read(saved(tmp_path, encoded(grain(33, 21, 3)))).shape == (33, 21, 3)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_lost_restart_interval_is_corrupt(tmp_path: Path, progressive: bool) -> None:
    picture = grain(160, 64, 3)
    whole = encoded(picture, restart_marker_rows=1, progressive=progressive, subsampling=0)
    assert read(saved(tmp_path, whole)).shape == picture.shape
    start, end = whole.index(b"\xff\xd1"), whole.index(b"\xff\xd2")
    with pytest.raises(CorruptInput, match="restart marker 1 of the JPEG is missing"):
        read(saved(tmp_path, whole[:start] + whole[end:]))
