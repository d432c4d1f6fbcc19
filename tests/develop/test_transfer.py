"""The input transfer function: from the option, the preset or the file."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from divere_cli.develop.transfer import Decided, Transfer, decide
from divere_cli.image import trc
from divere_cli.image.header import read as read_header
from divere_cli.image.layout import Header
from divere_cli.records.job import InputTransfer


def header(kind: str = "tiff", bits: int = 16, **more: object) -> Header:
    return Header(kind, 10, 10, 3, bits, 1000, **more)  # type: ignore[arg-type]


def profile(curve: bytes) -> bytes:
    """An ICC profile that has nothing but a tone curve."""
    tag = struct.pack(">I4sII", 1, b"rTRC", 144, len(curve))
    head = bytes(16) + b"RGB XYZ " + bytes(12) + b"acsp" + bytes(88)
    return head + tag + curve


def power(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


SRGB_PARAMETERS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
SRGB = b"para" + bytes(4) + struct.pack(
    ">HH5i", 3, 0, *(round(v * 65536) for v in SRGB_PARAMETERS)
)  # fmt: skip


def stored(tmp_path: Path, curve: bytes) -> tuple[str, Header]:
    path = tmp_path / "scan.tif"
    data = profile(curve)
    path.write_bytes(b"....." + data)
    return str(path), header(icc=(5, len(data)))


@pytest.mark.parametrize(
    ("curve", "word"),
    [
        (power(1.8), "gamma 1.801"),
        (power(1.0), "linear"),
        (b"curv" + bytes(8), "linear"),
        (SRGB, "srgb"),
    ],
)
def test_a_tone_curve_is_read_by_its_name(curve: bytes, word: str) -> None:
    assert trc.read(profile(curve)).word == word


def test_a_table_is_named_where_it_is_a_known_curve() -> None:
    x = np.linspace(0, 1, 1024)
    for light, word in ((trc.SRGB.light(x), "srgb"), (x**2.2, "gamma 2.2"), (x**2 / 2, "icc")):
        codes = np.round(light * 65535).astype(">u2").tobytes()
        found = trc.read(profile(b"curv" + bytes(4) + struct.pack(">I", 1024) + codes))
        assert found.word == word
        assert found.light(np.array([0.5]))[0] == pytest.approx(np.interp(0.5, x, light), abs=2e-3)


@pytest.mark.parametrize("data", [b"", bytes(200), profile(power(2.2))[:150], profile(b"XYZ ")])
def test_an_invalid_curve_is_ignored(data: bytes) -> None:
    with pytest.raises(trc.NoCurve):
        trc.read(data)


def test_a_plain_scan_is_linear_without_a_note() -> None:
    found = decide(InputTransfer(), "/x", header())
    assert (found.word, found.notes, found.warnings) == ("linear", (), ())


def test_the_file_decides_without_option_and_preset(tmp_path: Path) -> None:
    path, head = stored(tmp_path, SRGB)
    found = decide(InputTransfer(), path, head)
    assert (found.word, found.curve.word) == ("srgb", "srgb")
    assert "sRGB by its ICC profile" in found.notes[0]
    jpeg = tmp_path / "scan.jpg"
    Image.new("RGB", (8, 8)).save(jpeg)
    camera = decide(InputTransfer(), str(jpeg), header("jpeg", 8))
    assert camera.word == "srgb"
    assert "8-bit JPEG" in camera.notes[0]
    chunk = decide(InputTransfer(), "/x", header("png", transfer="gamma 2.2", transfer_by="gAMA"))
    assert chunk.word == "gamma 2.2"


def test_the_preset_overrides_the_file_with_a_warning(tmp_path: Path) -> None:
    path, head = stored(tmp_path, SRGB)
    found = decide(InputTransfer("auto", 1.0), path, head)
    assert (found.word, found.curve.word) == ("linear", "linear")
    assert "sRGB" in found.warnings[0]
    assert decide(InputTransfer("auto", 2.2), path, head).warnings == ()
    assert decide(InputTransfer("auto", 1.0), "/x", header()).warnings == ()


def test_the_option_wins_over_both(tmp_path: Path) -> None:
    path, head = stored(tmp_path, SRGB)
    assert decide(InputTransfer("linear", 2.2), path, head).curve.word == "linear"
    assert decide(InputTransfer("1.8", None), path, head).curve.gamma == 1.8
    missing = decide(InputTransfer("icc"), "/x", header())
    assert "no ICC profile" in missing.warnings[0]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_the_step_makes_light_whatever_the_samples(kind: type) -> None:
    full = 1.0 if kind is np.float32 else float(np.iinfo(kind).max)
    samples = (np.linspace(0, 1, 24).reshape(2, 4, 3) * full).astype(kind)
    out = np.empty(samples.shape, np.float32)
    Transfer(trc.SRGB).apply(7, samples, 1.0 / full, out)
    wanted = trc.SRGB.light(samples / full)
    np.testing.assert_allclose(out, wanted, atol=2e-7)


TWO_CURVES = (power(1.8), power(2.2), power(1.8))


def icc(*curves: bytes, space: bytes = b"RGB ", names: tuple[bytes, ...] = ()) -> bytes:
    """An ICC profile of some tone curves, by default of red, green and blue."""
    names = names or (b"rTRC", b"gTRC", b"bTRC")
    table, body = b"", b""
    for name, curve in zip(names, curves, strict=False):
        table += struct.pack(">4sII", name, 132 + 12 * len(curves) + len(body), len(curve))
        body += curve
    head = bytes(16) + space + b"XYZ " + bytes(12) + b"acsp" + bytes(88)
    return head + struct.pack(">I", len(curves)) + table + body


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(*parts: tuple[bytes, bytes]) -> bytes:
    """A PNG of 2 x 2 gray pixels with further chunks before its pixels."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(2 * 5)))
    chunks = b"".join(png_chunk(name, data) for name, data in parts)
    return b"\x89PNG\r\n\x1a\n" + head + chunks + pixels + png_chunk(b"IEND", b"")


def jpeg_with(profile: bytes, piece: int, leave: int = 0) -> bytes:
    """A JPEG whose profile is in pieces; ``leave`` is the number of one that is missing."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    pieces = [profile[at : at + piece] for at in range(0, len(profile), piece)]
    segments = [
        b"\xff\xe2" + struct.pack(">H", 16 + len(part)) + b"ICC_PROFILE\0"
        + bytes([number, len(pieces)]) + part
        for number, part in enumerate(pieces, 1) if number != leave
    ]  # fmt: skip
    return b"\xff\xd8" + b"".join(segments) + file.getvalue()[2:]


def decided(tmp_path: Path, name: str, data: bytes, option: InputTransfer) -> Decided:
    path = tmp_path / name
    path.write_bytes(data)
    return decide(option, str(path), read_header(str(path)))


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"scanner\0\0" + zlib.compress(profile)


GAMA = (b"gAMA", struct.pack(">I", 45455))


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("scan.jpg", jpeg_with(icc(power(1.8)), 60), "gamma 1.801"),
        ("scan.jpg", jpeg_with(icc(power(1.0)), 999), "linear"),
        ("scan.png", png_with(iccp(icc(power(1.8), space=b"GRAY", names=(b"kTRC",)))),
         "gamma 1.801"),
        ("scan.png", png_with(GAMA, iccp(icc(SRGB))), "srgb"),
        ("scan.png", png_with((b"cICP", bytes([1, 1, 0, 1]))), "bt709"),
    ],
)  # fmt: skip
def test_profiles_of_all_containers_decide(
    tmp_path: Path, name: str, data: bytes, word: str
) -> None:
    found = decided(tmp_path, name, data, InputTransfer())
    assert (found.word, found.warnings) == (word, ())
    assert bool(found.notes) == (word != "linear")
    if name == "scan.jpg" or b"iCCP" in data:
        assert decided(tmp_path, name, data, InputTransfer("icc")).word == word


@pytest.mark.parametrize(
    ("name", "data", "word", "reason"),
    [
        ("scan.jpg", jpeg_with(icc(power(1.8)), 60, leave=2), "srgb", "pieces"),
        ("scan.jpg", jpeg_with(icc(power(2.2), space=b"GRAY", names=(b"kTRC",)), 999), "srgb",
         "gray"),
        ("scan.png", png_with(iccp(icc(power(2.2), names=(b"A2B0",)))), "linear", "lookup table"),
        ("scan.png", png_with(iccp(icc(power(2.2), space=b"CMYK"))), "linear", "CMYK"),
        ("scan.png", png_with(iccp(bytes(400))), "linear", "damaged"),
        ("scan.png", png_with((b"iCCP", b"x\0\0garbage"), GAMA), "gamma 2.2", "unpacked"),
        ("scan.png", png_with(iccp(icc(*TWO_CURVES))), "linear", "different curves"),
        ("scan.png", png_with((b"cICP", bytes([9, 16, 0, 1]))), "linear", "pq"),
        ("scan.png", png_with((b"cICP", bytes([9, 17, 0, 1]))), "linear", "17 of H.273"),
        ("scan.png", png_with((b"cICP", bytes([1, 13, 0, 0]))), None, "narrow range"),
        ("scan.png", png_with((b"gAMA", bytes(4))), None, "gAMA"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_warning(
    tmp_path: Path, name: str, data: bytes, word: str | None, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    header = read_header(str(path))
    found = decide(InputTransfer(), str(path), header)
    assert found.word == word or word is None
    assert any(reason in warning for warning in (*header.warnings, *found.warnings))


@pytest.mark.parametrize(("bits", "word"), [(8, "srgb"), (16, "linear")])
def test_the_color_encoding_of_a_jpeg_xl_decides(tmp_path: Path, bits: int, word: str) -> None:
    # libjxl's default: 8 bits are sRGB, more are linear
    samples = np.zeros((8, 8, 3), np.uint8 if bits == 8 else np.uint16)
    data = bytes(imagecodecs.jpegxl_encode(samples, lossless=True))
    found = decided(tmp_path, "scan.jxl", data, InputTransfer())
    assert (found.word, found.warnings) == (word, ())


def test_different_curves_are_applied_to_their_channels() -> None:
    curve = trc.read(icc(*TWO_CURVES))
    samples = np.full((2, 3, 3), 0.5, np.float32)
    out = np.empty_like(samples)
    Transfer(curve).apply(0, samples, 1.0, out)
    np.testing.assert_allclose(out[0, 0], [0.5**1.8008, 0.5**2.1992, 0.5**1.8008], atol=1e-4)


def test_a_file_that_says_nothing_does_not_disagree_with_the_preset() -> None:
    assert decide(InputTransfer("auto", 2.2), "/x", header()).warnings == ()
