"""The input transfer function: from the option, the preset or the file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from divere_cli.develop.transfer import Transfer, decide
from divere_cli.image import trc
from divere_cli.image.layout import Header
from divere_cli.records.job import InputTransfer


def header(kind: str = "tiff", bits: int = 16, **more: object) -> Header:
    return Header(kind, 10, 10, 3, bits, 1000, **more)  # type: ignore[arg-type]


def profile(curve: bytes) -> bytes:
    """An ICC profile that has nothing but a tone curve."""
    tag = struct.pack(">I4sII", 1, b"rTRC", 144, len(curve))
    return bytes(128) + tag + curve


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
    found = trc.read(profile(curve))
    assert found is not None
    assert found.word == word


def test_a_table_is_named_where_it_is_a_known_curve() -> None:
    x = np.linspace(0, 1, 1024)
    for light, word in ((trc.SRGB.light(x), "srgb"), (x**2.2, "gamma 2.2"), (x**2 / 2, "icc")):
        codes = np.round(light * 65535).astype(">u2").tobytes()
        found = trc.read(profile(b"curv" + bytes(4) + struct.pack(">I", 1024) + codes))
        assert found is not None
        assert found.word == word
        assert found.light(np.array([0.5]))[0] == pytest.approx(np.interp(0.5, x, light), abs=2e-3)


@pytest.mark.parametrize("data", [b"", bytes(200), profile(power(2.2))[:150], profile(b"XYZ ")])
def test_an_invalid_curve_is_ignored(data: bytes) -> None:
    assert trc.read(data) is None


def test_a_plain_scan_is_linear_without_a_note() -> None:
    found = decide(InputTransfer(), "/x", header())
    assert (found.word, found.notes, found.warnings) == ("linear", (), ())


def test_the_file_decides_without_option_and_preset(tmp_path: Path) -> None:
    path, head = stored(tmp_path, SRGB)
    found = decide(InputTransfer(), path, head)
    assert (found.word, found.curve.word) == ("srgb", "srgb")
    assert "sRGB by its ICC profile" in found.notes[0]
    camera = decide(InputTransfer(), "/x", header("jpeg", 8))
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
