"""The header and small chunks of a PNG."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from divere_cli.errors import CorruptInput, DivereError, LimitExceeded
from divere_cli.image import header
from divere_cli.image.layout import Header, Resolution


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read(
    folder: Path, ihdr: tuple[int, ...] = (7, 5, 16, 2, 0, 0, 0), *more: tuple[bytes, bytes]
) -> Header:
    path = folder / "a.png"
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *ihdr))
    path.write_bytes(data + b"".join(chunk(*each) for each in more) + chunk(b"IDAT", b""))
    return header.read(str(path))


@pytest.mark.parametrize(
    ("color", "channels", "extra"), [(0, 1, ()), (2, 3, ()), (4, 1, ("alpha",)), (6, 3, ("alpha",))]
)
@pytest.mark.parametrize("bits", [8, 16])
def test_each_color_type_is_read(
    tmp_path: Path, color: int, channels: int, extra: tuple[str, ...], bits: int
) -> None:
    found = read(tmp_path, (7, 5, bits, color, 0, 0, 0))
    assert (found.width, found.height, found.channels, found.bits) == (7, 5, channels, bits)
    assert found.extra == extra


@pytest.mark.parametrize(
    ("ihdr", "kind", "said"),
    [
        ((7, 5, 16, 3, 0, 0, 0), CorruptInput, "16 bits of color type 3"),
        ((7, 5, 4, 2, 0, 0, 0), CorruptInput, "4 bits of color type 2"),
        ((7, 5, 3, 0, 0, 0, 0), CorruptInput, "3 bits of color type 0"),
        ((7, 5, 8, 5, 0, 0, 0), CorruptInput, "damaged"),
        ((7, 5, 8, 2, 1, 0, 0), CorruptInput, "damaged"),
        ((0, 5, 8, 2, 0, 0, 0), LimitExceeded, "0 x 5"),
        ((100_000, 100_000, 8, 2, 0, 0, 0), LimitExceeded, "more than the limit"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, ihdr: tuple[int, ...], kind: type[DivereError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        read(tmp_path, ihdr)


def test_chunks_before_the_pixels(tmp_path: Path) -> None:
    density = struct.pack(">IIB", 157_480, 78_740, 1)
    found = read(tmp_path, (7, 5, 8, 2, 0, 0, 1), (b"tRNS", bytes(6)), (b"pHYs", density))
    assert found.resolution == Resolution(1574.8, 787.4, 3)
    assert found.variant == "interlaced"
    assert found.notes == ("the transparent color is left out",)


def test_too_many_chunks_are_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptInput, match="no pixels in the first"):
        read(tmp_path, (7, 5, 8, 2, 0, 0, 0), *[(b"tEXt", b"")] * 300)


GAMMA = (b"gAMA", struct.pack(">I", 45_455))


@pytest.mark.parametrize(
    ("chunks", "transfer", "by"),
    [
        ([], "", ""),
        ([GAMMA], "gamma 2.2", "gAMA"),
        ([(b"gAMA", struct.pack(">I", 100_000))], "linear", "gAMA"),
        ([(b"gAMA", bytes(4))], "", ""),
        ([GAMMA, (b"sRGB", b"\1")], "srgb", "sRGB"),
        ([GAMMA, (b"sRGB", b"\1"), (b"iCCP", b"x\0\0abc")], "icc", "iCCP"),
        ([GAMMA, (b"iCCP", b"x\0\0abc"), (b"cICP", bytes([1, 8, 0, 1]))], "linear", "cICP"),
        ([(b"cICP", bytes([9, 16, 0, 1]))], "pq", "cICP"),
        ([GAMMA, (b"cICP", bytes([1, 2, 0, 1]))], "gamma 2.2", "gAMA"),
        ([GAMMA, (b"cICP", bytes([1, 8, 5, 1]))], "gamma 2.2", "gAMA"),
    ],
)
def test_the_transfer_function_follows_the_precedence(
    tmp_path: Path, chunks: list[tuple[bytes, bytes]], transfer: str, by: str
) -> None:
    found = read(tmp_path, (7, 5, 16, 2, 0, 0, 0), *chunks)
    assert (found.transfer, found.transfer_by) == (transfer, by)


@pytest.mark.parametrize("order", "<>")
def test_the_orientation_of_an_exif_block(tmp_path: Path, order: str) -> None:
    mark = b"II" if order == "<" else b"MM"
    block = mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 274, 3, 1, 6, 0, 0)
    assert read(tmp_path, (7, 5, 8, 0, 0, 0, 0), (b"eXIf", block)).orientation == 6
