"""Every format finds its writer, and every writer keeps the contract."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from divere_cli.errors import OutputError
from divere_cli.image import header, icc, reader, writer
from divere_cli.image.layout import PictureMetadata, Resolution
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding

P3 = Space("DisplayP3", ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), 2.2)
RNG = np.random.default_rng(2)
WAYS = [("tiff", 8), ("tiff", 16), ("png", 8), ("png", 16), ("jpeg", 8)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("kind", "bits"), WAYS)
def test_a_written_picture_is_read_back(
    tmp_path: Path, kind: Literal["tiff", "png", "jpeg"], bits: Literal[8, 16], channels: int
) -> None:
    path = tmp_path / ".divere-tmp-1-1"
    path.write_bytes(b"old content that must be gone" * 9999)
    pixels = RNG.integers(0, 1 << bits, (70, 45, channels)).astype(f"u{bits // 8}")
    picture = PictureMetadata(
        icc=icc.profile(P3, channels == 1), resolution=Resolution(300, 300), software="divere"
    )
    encoding = Encoding(kind, bits, P3, quality=100)
    with writer.open(str(path), encoding, 45, 70, channels, picture) as out:
        for first in range(0, 70, 32):
            rows = pixels[first : first + 32].copy()
            out.write(rows)
            rows[:] = 0  # the array is free for other use
        written = out.close()
    assert written.bytes == path.stat().st_size
    assert (written.width, written.height, written.channels) == (45, 70, channels)
    found = header.read(str(path))
    assert (found.format, found.bits, found.channels) == (kind, bits, channels)
    assert found.resolution is not None
    assert picture.icc[40:200] in path.read_bytes() or kind == "png"
    with reader.open(str(path), found) as opened:
        read = np.concatenate([band.copy() for _, band in opened.bands()])
    if kind == "jpeg":
        assert np.abs(read.astype(int) - pixels).mean() < 12
    else:
        assert np.array_equal(read, pixels)


@pytest.mark.parametrize(("kind", "bits"), WAYS)
def test_missing_rows_are_an_error(
    tmp_path: Path, kind: Literal["tiff", "png", "jpeg"], bits: Literal[8, 16]
) -> None:
    path = tmp_path / "a"
    path.touch()
    rows = np.zeros((4, 45, 3), dtype=f"u{bits // 8}")
    with writer.open(str(path), Encoding(kind, bits, P3), 45, 5, 3, PictureMetadata()) as out:
        out.write(rows)
        with pytest.raises(OutputError):
            out.close()


@pytest.mark.parametrize(("kind", "bits"), WAYS)
def test_a_link_is_not_followed(
    tmp_path: Path, kind: Literal["tiff", "png", "jpeg"], bits: Literal[8, 16]
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "a").symlink_to(victim)
    with pytest.raises(OutputError):
        writer.open(str(tmp_path / "a"), Encoding(kind, bits, P3), 45, 5, 3, PictureMetadata())
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("compression", ["none", "lzw", "zstd"])
@pytest.mark.parametrize("kind", ["tiff", "png", "jpeg", "jxl", "dng"])
def test_the_digest_is_that_of_the_file(
    tmp_path: Path,
    kind: Literal["tiff", "png", "jpeg", "jxl", "dng"],
    compression: Literal["none", "lzw", "zstd"],
) -> None:
    if compression != "none" and kind != "tiff":
        pytest.skip("of TIFF")
    path, bits = tmp_path / "a", 8 if kind == "jpeg" else 16
    pixels = RNG.integers(0, 1 << bits, (300, 401, 3)).astype(f"u{bits // 8}")
    picture = PictureMetadata(icc=icc.profile(P3), resolution=Resolution(1, 1), software="d")
    path.touch()
    encoding = Encoding(kind, 8 if kind == "jpeg" else 16, P3, compression, quality=90)
    with writer.open(str(path), encoding, 401, 300, 3, picture) as out:
        out.write(pixels[:7])
        out.write(pixels[7:])
        written = out.close()
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
