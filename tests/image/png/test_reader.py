"""Reading PNG compared with Pillow and libpng: all bits, every truncation."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from divere_cli.errors import CorruptInput, LimitExceeded, ScanError
from divere_cli.image import header, reader


def grain(height: int, width: int, channels: int, bits: int, seed: int = 7) -> NDArray[np.generic]:
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 2**bits - 1, height * width).reshape(height, width, 1)
    noise = rng.normal(0, 2 ** (bits - 6), (height, width, channels))
    return np.clip(ramp + noise, 0, 2**bits - 1).astype(f"uint{bits}")


def saved(tmp_path: Path, data: bytes, name: str = "scan.png") -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


def read(path: str, rows: int | None = None) -> NDArray[np.generic]:
    with reader.open(path) as scan:
        bands = []
        expected = 0
        for first, band in scan.bands(rows):
            assert first == expected
            assert band.flags.c_contiguous
            assert band.dtype == scan.header.layout.dtype
            expected += len(band)
            bands.append(band.copy())
        assert expected == scan.header.height
        assert scan.infrared() is None
        return np.concatenate(bands)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("rows", [1, 7, None])
def test_every_sample_of_libpng_s_file_is_read(
    tmp_path: Path, bits: int, channels: int, rows: int | None
) -> None:
    picture = grain(23, 17, channels, bits)
    encoded = imagecodecs.png_encode(picture.squeeze(), level=6)
    path = saved(tmp_path, encoded)
    assert header.read(path).extra == (("alpha",) if channels in (2, 4) else ())
    color = picture[:, :, : 1 if channels < 3 else 3]
    np.testing.assert_array_equal(read(path, rows), color)


@pytest.mark.parametrize("rows", [5, None])
def test_an_interlaced_file_is_read(tmp_path: Path, rows: int | None) -> None:
    path = Path(__file__).parents[1] / "fixtures/im-interlaced.png"
    want = imagecodecs.png_decode(path.read_bytes())
    assert want.dtype == np.uint16
    assert header.read(str(path)).variant == "interlaced"
    np.testing.assert_array_equal(read(str(path), rows), want)


@pytest.mark.parametrize("color", ["GRAY", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 1), (9, 17)])
def test_every_size_of_an_interlaced_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], size: tuple[int, int], color: str
) -> None:
    """Encoded pass by pass here: Pillow writes none."""
    channels = 1 if color == "GRAY" else 3
    picture = grain(*size, channels, 8)
    passes = b""
    for x, y, dx, dy in zip(
        (0, 4, 0, 2, 0, 1, 0), (0, 0, 4, 0, 2, 0, 1),
        (8, 8, 4, 4, 2, 2, 1), (8, 8, 8, 4, 4, 2, 2), strict=True,
    ):  # fmt: skip
        part = picture[y::dy, x::dx]
        if part.size:
            passes += b"".join(b"\0" + row.tobytes() for row in part)
    head = struct.pack(">IIBBBBB", size[1], size[0], 8, 0 if channels == 1 else 2, 0, 0, 1)
    body = chunk(b"IDAT", zlib.compress(passes)) + chunk(b"IEND", b"")
    path = saved(tmp_path, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(np.asarray(opened).reshape(picture.shape), picture)
    np.testing.assert_array_equal(read(path), picture)
    assert capfd.readouterr().err == ""


def test_a_dark_16_bit_scan_keeps_its_bits(tmp_path: Path) -> None:
    picture = (grain(8, 8, 3, 16) % 200).astype(np.uint16)
    path = saved(tmp_path, imagecodecs.png_encode(picture))
    np.testing.assert_array_equal(read(path), picture)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    rows: bytes, size: tuple[int, int], bits: int = 8, color: int = 0, extra: bytes = b""
) -> bytes:
    head = struct.pack(">IIBBBBB", *size, bits, color, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + body


@pytest.fixture(scope="module")
def whole() -> bytes:
    return bytes(imagecodecs.png_encode(grain(40, 30, 3, 16), level=6))


@pytest.mark.parametrize("percent", range(100))
def test_a_cut_file_is_corrupt(tmp_path: Path, whole: bytes, percent: int) -> None:
    path = saved(tmp_path, whole[: len(whole) * percent // 100])
    with pytest.raises(CorruptInput):
        read(path)


def test_a_flipped_bit_anywhere_is_an_error(tmp_path: Path, whole: bytes) -> None:
    for at in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[at] ^= 0x10
        with pytest.raises(ScanError):
            read(saved(tmp_path, bytes(damaged)))


def dropped_rows() -> bytes:
    return png(bytes(9) * 7, (8, 8))


def wrong_adler() -> bytes:
    packed = bytearray(zlib.compress(bytes(9) * 8))
    packed[-1] ^= 1
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", bytes(packed)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


def bad_filter() -> bytes:
    return png((b"\x07" + bytes(8)) * 8, (8, 8))


def zero_tail() -> bytes:
    data = png(grain(64, 8, 1, 8).tobytes(), (8, 56))
    return data[:200] + bytes(len(data) - 200)


@pytest.mark.parametrize("make", [dropped_rows, wrong_adler, bad_filter, zero_tail])
def test_damage_that_check_sums_do_not_show(tmp_path: Path, make: Callable[[], bytes]) -> None:
    with pytest.raises(CorruptInput):
        read(saved(tmp_path, make()))


def test_more_rows_than_the_header_says_are_a_warning(tmp_path: Path) -> None:
    path = saved(tmp_path, png(bytes(9) * 12, (8, 8)))
    with reader.open(path) as scan:
        assert sum(len(band) for _, band in scan.bands()) == 8
        assert scan.warnings == ("there are more rows in the PNG than its header says",)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, png(bytes(20001) * 100, (20000, 20000)))
    with pytest.raises(LimitExceeded, match="expand"):
        read(path)


def test_transparency_by_color_does_not_become_a_channel(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + bytes(range(y, y + 8)) for y in range(8))
    path = saved(tmp_path, png(rows, (8, 8), extra=chunk(b"tRNS", b"\0\5")))
    assert read(path).shape == (8, 8, 1)


def test_a_profile_bomb_is_not_inflated(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    rows = bytes(9) * 8
    extra = chunk(b"iCCP", b"x\0\0" + bomb) + chunk(b"zTXt", b"y\0\0" + bomb)
    assert not read(saved(tmp_path, png(rows, (8, 8), extra=extra))).any()
