"""The segments of a JPEG before its first scan."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from divere_cli.errors import CorruptInput, DivereError, LimitExceeded, Unsupported
from divere_cli.image import header
from divere_cli.image.layout import Header, Resolution


def segment(code: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(data) + 2) + data


def frame(code: int = 0xC0, bits: int = 8, size: tuple[int, int] = (7, 5), count: int = 3) -> bytes:
    return segment(code, struct.pack(">BHHB", bits, size[1], size[0], count) + bytes(3 * count))


def read(folder: Path, *parts: bytes) -> Header:
    path = folder / "a.jpg"
    path.write_bytes(b"\xff\xd8" + b"".join(parts) + b"\xff\xd9")
    return header.read(str(path))


def saved(mode: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (7, 5)).save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
@pytest.mark.parametrize("progressive", [False, True])
def test_what_pillow_writes(tmp_path: Path, mode: str, channels: int, progressive: bool) -> None:
    exif = Image.Exif()
    exif[274], exif[271], exif[306] = 6, "Nikon", "2024:02:03 04:05:06"
    data = saved(mode, progressive=progressive, exif=exif, dpi=(300, 300))
    (tmp_path / "a.jpg").write_bytes(data)
    found = header.read(str(tmp_path / "a.jpg"))
    assert (found.width, found.height, found.channels, found.bits) == (7, 5, channels, 8)
    assert found.variant == ("progressive" if progressive else "jpeg")
    assert (found.orientation, found.make, found.date) == (6, "Nikon", "2024:02:03 04:05:06")
    assert found.resolution == Resolution(300, 300, 2)


@pytest.mark.parametrize(
    ("parts", "kind", "said"),
    [
        ([frame(count=4)], Unsupported, "4 components"),
        ([frame(bits=10)], Unsupported, "10-bit"),
        ([frame(count=2)], Unsupported, "2 components"),
        ([frame(0xC5)], Unsupported, "hierarchical"),
        ([frame(0xF7)], Unsupported, "JPEG-LS"),
        ([frame(0xC9)], Unsupported, "arithmetic"),
        ([frame(size=(0, 5))], LimitExceeded, "0 x 5"),
        ([b"\xff\xda\0\x02"], CorruptInput, "no frame"),
        ([b"rubbish"], CorruptInput, "no frame|no JPEG marker"),
        ([segment(0xFE, b"")] * 5000, CorruptInput, "more than 4096"),
        ([b"\xff\xe0\xff\xff"], CorruptInput, "ends after the end"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, parts: list[bytes], kind: type[DivereError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        read(tmp_path, b"\xff\xfe\0\x02", *parts)


def test_fill_bytes_and_bare_markers_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xff\xff\xff\xfe\0\x02", b"\xff\x01", frame()).width == 7


def test_a_damaged_exif_block_is_a_warning(tmp_path: Path) -> None:
    block = segment(0xE1, b"Exif\0\0II*\0\xff\xff\0\0" + bytes(20))
    found = read(tmp_path, block, frame())
    assert found.warnings == ("the Exif block is damaged",)
