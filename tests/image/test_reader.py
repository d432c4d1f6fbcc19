"""Every format finds its reader, and every reader keeps the contract."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from divere_cli.errors import Unreadable
from divere_cli.image import reader

RNG = np.random.default_rng(3)


def scan(folder: Path, name: str, channels: int) -> tuple[str, np.ndarray]:
    kind, bits = name.split()
    pixels = RNG.integers(0, 1 << int(bits), (150, 45, channels)).astype(f"u{int(bits) // 8}")
    path = str(folder / f"a.{kind}")
    flat = pixels[:, :, 0] if channels == 1 else pixels
    if kind == "tif":
        tifffile.imwrite(path, flat, photometric="rgb" if channels == 3 else "minisblack")
    elif bits == "16" and channels == 3:
        import imagecodecs

        Path(path).write_bytes(imagecodecs.png_encode(flat))
    else:
        imageio.imwrite(path, flat)
    if kind == "jpg":
        pixels = np.asarray(imageio.imread(path)).reshape(pixels.shape)
    return path, pixels


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["tif 8", "tif 16", "png 8", "png 16", "jpg 8"])
@pytest.mark.parametrize("rows", [None, 1, 64, 1000])
def test_a_reader_keeps_the_contract(
    tmp_path: Path, name: str, channels: int, rows: int | None
) -> None:
    path, pixels = scan(tmp_path, name, channels)
    with reader.open(path) as opened:
        assert (opened.header.width, opened.header.height) == (45, 150)
        assert opened.warnings == ()
        assert opened.infrared() is None
        expected = 0
        for first, band in opened.bands(rows):
            assert first == expected
            assert band.dtype == opened.header.layout.dtype
            assert band.dtype.isnative
            assert band.flags.c_contiguous
            assert rows is None or len(band) == min(rows, 150 - first)
            assert np.array_equal(band, pixels[first : first + len(band)])
            expected += len(band)
        assert expected == 150


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        reader.open(str(tmp_path / "none.tif"))
