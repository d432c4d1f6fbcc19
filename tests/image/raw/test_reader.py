"""Camera raw through LibRaw: linear, all 16 bits, never a picture with missing rows."""

from __future__ import annotations

import builtins
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from divere_cli.errors import CorruptInput, Unsupported
from divere_cli.image import header, reader
from divere_cli.image.raw import reader as raw
from divere_cli.records.grade import WhiteBalance
from tests.image.dng_files import BLACK, MAKER, WHITE, bayer, developed, linear, write


def read(
    path: str, rows: int | None = None, white_balance: WhiteBalance = "off"
) -> NDArray[np.uint16]:
    with reader.open(path, white_balance=white_balance) as scan:
        bands = [band.copy() for _, band in scan.bands(rows)]
        assert scan.header.layout.dtype == "uint16"
        assert scan.infrared() is None
        assert (scan.header.height, scan.header.width) == (
            sum(map(len, bands)), bands[0].shape[1])  # fmt: skip
        assert any("linear camera color" in note for note in scan.header.notes)
        return np.concatenate(bands)


@pytest.mark.parametrize("rows", [7, None])
def test_linear_without_gain_gamma_or_white_balance(tmp_path: Path, rows: int | None) -> None:
    picture = read(write(tmp_path / "scan.dng", bayer()), rows)
    assert picture.shape == (64, 96, 3)
    inner = picture[8:-8, 8:-8].reshape(-1, 3)
    want = developed()
    np.testing.assert_allclose(inner.min(axis=0), want, atol=2)
    np.testing.assert_allclose(inner.max(axis=0), want, atol=2)


@pytest.mark.parametrize(
    ("neutral", "factors"),
    [
        ((1, 2, 1, 1, 1, 2), (1, 0.5, 1)),
        ((1, 1, 1, 2, 1, 4), (0.25, 0.5, 1)),
        ((1, 1, 1, 1, 1, 1), (1, 1, 1)),
    ],
)
def test_white_balance_as_shot_weakens_all_but_the_strongest(
    tmp_path: Path, neutral: tuple[int, ...], factors: tuple[float, ...]
) -> None:
    path = write(tmp_path / "scan.dng", bayer(), neutral)
    inner = read(path, white_balance="as_shot")[8:-8, 8:-8]
    off = read(path)[8:-8, 8:-8]
    np.testing.assert_allclose(inner, off * np.array(factors), atol=2)
    with reader.open(path, white_balance="as_shot") as scan:
        said = "as shot (red {:g}, green {:g}, blue {:g})".format(*factors)
        assert any(note.endswith(said) for note in scan.header.notes)


def test_white_balance_clips_nothing_that_the_sensor_did_not(tmp_path: Path) -> None:
    mosaic = bayer()
    mosaic[0::2, 0::2] = 15000  # red, to be doubled
    path = write(tmp_path / "scan.dng", mosaic)
    red = read(path, white_balance="as_shot")[8:-8, 8:-8, 0]
    np.testing.assert_allclose(red, (15000 - BLACK) / (WHITE - BLACK) * 65535, atol=2)


def test_a_file_without_white_balance_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.dng", bayer(), ())
    assert read(path).shape == (64, 96, 3)
    with pytest.raises(Unsupported, match="no white balance from the camera") as caught:
        read(path, white_balance="as_shot")
    assert "camera_white_balance" in caught.value.hint


def test_the_brightest_pixel_does_not_move_the_scale(tmp_path: Path) -> None:
    plain = read(write(tmp_path / "a.dng", bayer()))
    spot = bayer()
    spot[:4, :4] = WHITE
    with_spot = read(write(tmp_path / "b.dng", spot))
    np.testing.assert_array_equal(plain[16:, 16:], with_spot[16:, 16:])


def test_all_16_bits_arrive(tmp_path: Path) -> None:
    mosaic = np.tile(np.arange(400, 400 + 96, dtype=np.uint16), (64, 1))
    picture = read(write(tmp_path / "scan.dng", mosaic))
    assert len(np.unique(picture[:, :, 1])) > 60


def test_the_orientation_tag_does_not_turn_the_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "scan.dng", bayer(32, 64))
    data = bytearray(Path(path).read_bytes())
    with tifffile.TiffFile(path) as tiff:
        assert "Orientation" not in tiff.pages[0].tags  # type: ignore[union-attr]
        resolution = tiff.pages[0].tags.get("ResolutionUnit")  # type: ignore[union-attr]
    assert resolution is not None
    struct.pack_into("<HHII", data, resolution.offset, 274, 3, 1, 6)  # turn that entry into it
    Path(path).write_bytes(data)
    assert read(path).shape == (32, 64, 3)


@pytest.mark.parametrize(
    ("samples", "channels", "extra"), [(1, 1, ()), (3, 3, ()), (4, 3, ("infrared",))]
)
def test_a_scanner_s_linear_dng_is_gray_or_color_with_infrared(
    tmp_path: Path, samples: int, channels: int, extra: tuple[str, ...]
) -> None:
    pixels = np.random.default_rng(4).integers(0, 65536, (40, 64, samples), dtype=np.uint16)
    path = linear(tmp_path / "scan.dng", pixels)
    known = header.read(path)
    assert (known.format, known.channels, known.extra) == ("raw", channels, extra)
    with reader.open(path) as scan:
        assert (scan.header.channels, scan.header.extra) == (channels, extra)
        bands = np.concatenate([band.copy() for _, band in scan.bands(7)])
        infrared = scan.infrared()
        assert (infrared is None) == (not extra)
        rows = [band.copy() for _, band in infrared] if infrared else []
    np.testing.assert_array_equal(bands, pixels[:, :, :channels])
    if rows:
        np.testing.assert_array_equal(np.concatenate(rows), pixels[:, :, 3:])


def test_more_colors_than_three_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "scan.dng", bayer())
    four = np.zeros((8, 8, 4), np.uint16)
    monkeypatch.setattr(raw, "_developed", lambda *_: four)
    with pytest.raises(Unsupported, match="4 colors"):
        read(path)


@pytest.mark.parametrize("percent", [3, 20, 50, 80, 97, 99])
def test_a_cut_file_is_refused(tmp_path: Path, percent: int) -> None:
    path = Path(write(tmp_path / "scan.dng", bayer()))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * percent // 100])
    with pytest.raises((CorruptInput, Unsupported)):
        read(str(path))


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"FUJIFILMCCD-RAW 0201FF393104X-T5".ljust(2000, b"\0"), "scan.raf"),
        (b"IIRO\x08\0\0\0".ljust(2000, b"\0"), "scan.orf"),
        (struct.pack(">I8s", 24, b"ftypcrx ").ljust(2000, b"\0"), "scan.cr3"),
        (b"FOVb".ljust(2000, b"\0"), "scan.x3f"),
    ],
)
def test_a_raw_file_with_nothing_but_a_head_is_refused(
    tmp_path: Path, start: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(start)
    with pytest.raises((CorruptInput, Unsupported)):
        read(str(path))


@pytest.mark.parametrize("missing", [0, 1, 100])
def test_data_after_the_end_of_the_file_are_detected(tmp_path: Path, missing: int) -> None:
    box = struct.pack(">I8s", 24, b"ftypcrx ").ljust(24, b"\0")
    media = struct.pack(">I4sQ", 1, b"mdat", 1000).ljust(1000 - missing, b"\0")
    path = tmp_path / "scan.cr3"
    path.write_bytes(box + media)
    with raw.Source(str(path)) as source:
        if missing:
            with pytest.raises(CorruptInput):
                raw.check_whole(source)
        else:
            raw.check_whole(source)


def test_a_raf_says_where_its_sensor_data_ends(tmp_path: Path) -> None:
    path = tmp_path / "scan.raf"
    path.write_bytes(b"FUJIFILMCCD-RAW ".ljust(100, b"0") + struct.pack(">II", 200, 10_000))
    with raw.Source(str(path)) as source, pytest.raises(CorruptInput, match="sensor"):
        raw.check_whole(source)


def test_without_libraw_the_error_has_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "scan.dng", bayer())
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "rawpy":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.delitem(sys.modules, "rawpy", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unsupported) as caught:
        raw.open_reader(path, header.read(path))
    assert caught.value.hint.endswith("-m pip install 'rawpy>=0.24'")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dcraw_emu") is None, reason="LibRaw's tools are not here")
def test_libraw_s_own_program_sees_the_same_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    noisy = np.clip(bayer() + rng.normal(0, 300, (64, 96)), 300, 16000).astype(np.uint16)
    path = write(tmp_path / "scan.dng", noisy)
    command = ["dcraw_emu", "-4", "-T", "-o", "0", "-q", "3", "-t", "0", "-c", "0"]
    wanted: list[tuple[WhiteBalance, list[str]]] = [
        ("off", ["-r", "1", "1", "1", "1"]),
        ("as_shot", ["-w", "-H", "1"]),
    ]
    for balance, flags in wanted:
        subprocess.run([*command, *flags, path], check=True, capture_output=True)
        want = tifffile.imread(tmp_path / "scan.dng.tiff").astype(int)
        got = read(path, white_balance=balance).astype(int)
        np.testing.assert_allclose(got, want, atol=1)


def overwritten(path: Path, code: int, value: Any) -> str:
    """A DNG of a mosaic with another value of one tag."""
    name = write(path, bayer())
    with tifffile.TiffFile(name, mode="r+") as tiff:
        tiff.pages[0].tags[code].overwrite(value)  # type: ignore[union-attr]
    return name


def without(path: Path, code: int) -> str:
    """A DNG of a mosaic without one of its tags: its code becomes one that nobody knows."""
    name = write(path, bayer())
    with tifffile.TiffFile(name) as tiff:
        place = tiff.pages[0].tags[code].offset  # type: ignore[union-attr]
    data = bytearray(Path(name).read_bytes())
    struct.pack_into("<H", data, place, 65_300)
    Path(name).write_bytes(data)
    return name


@pytest.mark.parametrize(
    ("code", "said"), [(273, "table of strips"), (258, "BitsPerSample is missing")]
)
def test_a_dng_without_tags_that_libraw_would_guess_is_corrupt(
    tmp_path: Path, code: int, said: str
) -> None:
    with pytest.raises(CorruptInput, match=said):
        reader.open(without(tmp_path / "a.dng", code))


def test_a_dng_of_few_bits_in_strips_that_hold_many_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptInput, match="its pixels need"):
        reader.open(overwritten(tmp_path / "a.dng", 258, 3))


def test_samples_above_the_white_of_a_dng_are_said(tmp_path: Path) -> None:
    with reader.open(overwritten(tmp_path / "a.dng", 50717, 4000)) as scan:
        assert "above the white of the file (4000)" in scan.warnings[0]


@pytest.mark.parametrize("share", [0.005, 0.02])
def test_samples_above_the_white_of_a_linear_dng_are_said(tmp_path: Path, share: float) -> None:
    pixels = np.full((100, 100, 3), 1000, np.uint16)
    pixels.reshape(-1, 3)[: int(share * 10_000)] = 5000
    tag = (50717, 4, 3, (4000, 4000, 4000), True)
    path = tmp_path / "a.dng"
    tifffile.imwrite(path, pixels, photometric=34892, planarconfig=1, metadata=None, software=False,
                     extratags=[*MAKER, tag])  # fmt: skip
    with reader.open(str(path)) as scan:
        rows = np.concatenate([band.copy() for _, band in scan.bands()])
        assert bool(scan.warnings) == (share > 0.01)
    assert rows.max() == 65_535
    assert rows[-1, -1, 0] == round(1000 / 4000 * 65_535)
