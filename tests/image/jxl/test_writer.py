"""Positives as JPEG XL: lossless to the last bit, lossy in the right colors, with metadata."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Literal

import imagecodecs
import numpy as np
import pytest

from divere_cli.errors import CorruptInput, OutputError
from divere_cli.image import header, icc
from divere_cli.image.containers import Held, boxes
from divere_cli.image.jxl import codestream
from divere_cli.image.jxl import writer as jxl_writer
from divere_cli.image.layout import PictureMetadata
from divere_cli.image.parallel import Parallel
from divere_cli.profile import library
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding
from tests.image import writing

PRINT = library.output_space("KodakEnduraPremier_gamma_2_2")
SAYABLE = sorted(
    name for name in library.in_role("output") if library.output_space(name).transfer == "power"
)
RNG = np.random.default_rng(3)
Bits = Literal[8, 16, 32]


def noise(bits: int, channels: int) -> np.ndarray:
    if bits == 32:
        return RNG.random((75, 53, channels), np.float32)
    return RNG.integers(0, 1 << bits, (75, 53, channels)).astype(f"u{bits // 8}")


def profile_in(data: bytes) -> bytes:
    """The profile that libjxl itself makes of a codestream's head."""
    folder = Path(imagecodecs.__file__).parent.parent / "imagecodecs.libs"
    found = {path.name.split("-")[0]: path for path in folder.glob("*.so*")}
    if "libjxl" not in found:
        pytest.skip("this build of imagecodecs has no libjxl of its own")
    for name in ("libbrotlicommon", "libbrotlidec", "libbrotlienc", "liblcms2", "libjxl_cms"):
        if name in found:
            ctypes.CDLL(os.fspath(found[name]), mode=ctypes.RTLD_GLOBAL)
    jxl = ctypes.CDLL(os.fspath(found["libjxl"]))
    jxl.JxlDecoderCreate.restype = ctypes.c_void_p
    decoder = ctypes.c_void_p(jxl.JxlDecoderCreate(None))
    size = ctypes.c_size_t()
    try:
        jxl.JxlDecoderSubscribeEvents(decoder, 0x100)
        jxl.JxlDecoderSetInput(decoder, data, ctypes.c_size_t(len(data)))
        assert jxl.JxlDecoderProcessInput(decoder) == 0x100
        assert jxl.JxlDecoderGetICCProfileSize(decoder, 1, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert jxl.JxlDecoderGetColorAsICCProfile(decoder, 1, buffer, size) == 0
        return buffer.raw
    finally:
        jxl.JxlDecoderDestroy(decoder)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_lossless_is_lossless(tmp_path: Path, bits: Bits, channels: int) -> None:
    path, rows = tmp_path / "a.jxl", noise(bits, channels)
    writing.write(path, Encoding("jxl", bits, PRINT, quality=100), rows, 20)
    found = imagecodecs.jpegxl_decode(path.read_bytes())
    assert found.dtype == rows.dtype
    assert np.array_equal(found.reshape(rows.shape), rows)
    seen = header.read(str(path))
    assert (seen.format, seen.width, seen.height) == ("jxl", 53, 75)
    assert (seen.bits, seen.channels, seen.compression) == (bits, channels, "lossless")


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("name", [n for n in SAYABLE if n != "Gray_Gamma_2_2"])
def test_a_written_file_names_its_color_space(tmp_path: Path, name: str, bits: Bits) -> None:
    space, path = library.output_space(name), tmp_path / "a.jxl"
    writing.write(path, Encoding("jxl", bits, space, quality=100), noise(bits, 3), 20)
    said = profile_in(path.read_bytes())
    np.testing.assert_allclose(icc.colorants(said), icc.colorants(icc.profile(space)), atol=5e-4)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("name", ["KodakEnduraPremier_gamma_2_2", "sRGB", "ProPhotoRGB", "ACEScg"])
def test_lossy_comes_back_in_the_same_space(tmp_path: Path, name: str, bits: Bits) -> None:
    """A smooth picture over most of the gamut, also where sRGB ends."""
    ramp = np.linspace(0.1, 0.9, 160)
    red, green = np.meshgrid(ramp, ramp)
    want = np.stack([red, green, 0.3 + 0.4 * red * green], axis=2)
    top = 1 if bits == 32 else (1 << bits) - 1
    rows = (want * top).astype(np.float32 if bits == 32 else f"u{bits // 8}")
    path = tmp_path / "a.jxl"
    writing.write(path, Encoding("jxl", bits, library.output_space(name), quality=95), rows, 33)
    found = imagecodecs.jpegxl_decode(path.read_bytes())
    assert found.dtype == rows.dtype
    assert np.abs(found / top - want).mean() < 0.006
    assert path.stat().st_size < rows.nbytes / 8
    assert header.read(str(path)).compression == "lossy"


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_lossy_gray_comes_back_in_srgb(tmp_path: Path, bits: Bits) -> None:
    """The one space whose gray libjxl gives back as it is named."""
    codes = np.linspace(0.05, 0.95, 200)[None, :, None] * np.ones((120, 1, 1))
    top = 1 if bits == 32 else (1 << bits) - 1
    rows = (codes * top).astype(np.float32 if bits == 32 else f"u{bits // 8}")
    path = tmp_path / "a.jxl"
    writing.write(path, Encoding("jxl", bits, PRINT, quality=95), rows, 33)
    found = imagecodecs.jpegxl_decode(path.read_bytes()).reshape(rows.shape) / top
    light = codes**2.2
    want = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(found - want).max() < 0.03
    assert np.abs(found - want).mean() < 0.005


def test_exif_and_xmp_lie_in_boxes_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.jxl"
    given = PictureMetadata(exif=b"II*\0" + bytes(20), xmp=b"<x:xmpmeta/>")
    writing.write(path, Encoding("jxl", 16, PRINT, quality=100), noise(16, 3), 20, given)
    data = path.read_bytes()
    found = {kind: data[start:end] for kind, start, end in boxes(Held(data), 0, len(data))}
    assert found[b"Exif"] == bytes(4) + given.exif
    assert found[b"xml "] == given.xmp
    assert found[b"jxll"] == b"\x0a"  # 16 bits lossless are beyond level 5


def test_the_file_does_not_depend_on_threads_or_rows(tmp_path: Path) -> None:
    rows = RNG.integers(0, 65536, (600, 400, 3)).astype(np.uint16)
    for quality in (100, 90):
        encoding = Encoding("jxl", 16, PRINT, quality=quality)
        writing.write(tmp_path / "a", encoding, rows, 600)
        with Parallel(3) as crew:
            writing.write(tmp_path / "b", encoding, rows, 7, parallel=crew)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("name", ["eciRGB_v2", "ACEScct"])
def test_an_encoding_that_the_format_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    encoding = Encoding("jxl", 16, library.output_space(name), quality=100)
    with pytest.raises(OutputError, match=name):
        writing.write(tmp_path / "a", encoding, noise(16, 3), 20)


@pytest.mark.parametrize("size", [(8, 8), (256, 384), (1, 1), (513, 300), (9000, 2)])
def test_any_size_is_read_from_the_head(size: tuple[int, int]) -> None:
    data = imagecodecs.jpegxl_encode(np.zeros((*size, 3), np.uint8), lossless=True, effort=1)
    head = codestream.read(bytes(data)[:256])
    assert (head.height, head.width) == size


@pytest.mark.parametrize("cut", [0, 1, 2, 5, 9, 30])
def test_a_cut_head_is_corrupt(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.jxl"
    writing.write(path, Encoding("jxl", 16, PRINT, quality=100), noise(16, 3), 20)
    data = path.read_bytes()
    at = data.index(b"jxlc") + 12
    path.write_bytes(data[: at + cut])
    with pytest.raises(CorruptInput):
        header.read(str(path))


def test_quality_is_libjxls_own_measure() -> None:
    assert jxl_writer.distance(90) == pytest.approx(1.0)
    assert jxl_writer.distance(30) == pytest.approx(6.4)
    assert [jxl_writer.distance(q) for q in (1, 10, 50, 99)] == sorted(
        (jxl_writer.distance(q) for q in (1, 10, 50, 99)), reverse=True
    )


def test_an_unknown_codestream_head_is_not_guessed() -> None:
    with pytest.raises(CorruptInput):
        codestream.named(b"\xff\x0a" + bytes(3), Space("s", None, (0.3, 0.3)), 8)
