"""Formats are recognized by content, wrong names are refused, only headers are read."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from divere_cli.errors import CorruptInput, DivereError, LimitExceeded, Unreadable, Unsupported
from divere_cli.image import header
from divere_cli.image.source import Source
from tests.image import tiff_files


def saved(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def picture(folder: Path, name: str, shape: tuple[int, ...] = (5, 7, 3)) -> str:
    path = str(folder / name)
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    if name.endswith(".tif"):
        tifffile.imwrite(path, pixels, photometric="rgb")
    else:
        imageio.imwrite(path, pixels)
    return path


@pytest.mark.parametrize(("name", "kind"), [("a.tif", "tiff"), ("a.png", "png"), ("a.jpg", "jpeg")])
def test_a_format_is_told_by_its_content(tmp_path: Path, name: str, kind: str) -> None:
    found = header.read(picture(tmp_path, name))
    assert (found.format, found.width, found.height, found.channels) == (kind, 7, 5, 3)
    assert found.file_size == (tmp_path / name).stat().st_size


def test_a_name_without_a_known_suffix_is_no_obstacle(tmp_path: Path) -> None:
    os.rename(picture(tmp_path, "a.png"), tmp_path / ".divere-tmp-1-2")
    assert header.read(str(tmp_path / ".divere-tmp-1-2")).format == "png"


@pytest.mark.parametrize(
    ("name", "data", "kind", "said"),
    [
        ("a.tif", b"", CorruptInput, "empty"),
        ("a.jpg", b"", CorruptInput, "empty"),
        ("a.tif", b"<html>not here</html>", Unsupported, "is no TIFF"),
        ("a.jpg", b"hello, this is text", Unsupported, "is no JPEG"),
        ("a.tif", b"8BPS\0\1" + bytes(40), Unsupported, "Photoshop"),
        ("a.tif", bytes(5000), CorruptInput, "first bytes are damaged"),
        ("a.tif", b"II*", CorruptInput, "first bytes are damaged"),
        ("a.tif", b"II*\0", CorruptInput, "ends after"),
        ("a.tif", b"II*\0\x08\0\0\0", CorruptInput, "first TIFF directory"),
        ("a.tif", b"II+\0\x08\0\0\0", CorruptInput, "ends after"),
        ("a.png", b"\x89PNG", CorruptInput, "first bytes are damaged"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(25), CorruptInput, "PNG header"),
        ("a.jpg", b"\xff\xd8\xff\xe0", CorruptInput, "ends after"),
        ("a.jpg", b"\xff\xd8\xff\xd9" + bytes(20), CorruptInput, "no frame"),
    ],
)
def test_what_is_no_picture_is_named(
    tmp_path: Path, name: str, data: bytes, kind: type[DivereError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        header.read(saved(tmp_path, name, data))


@pytest.mark.parametrize(
    ("real", "lie"), [("a.png", "b.tif"), ("a.tif", "b.jpg"), ("a.jpg", "b.png")]
)
def test_a_wrong_suffix_is_refused_with_the_cure(tmp_path: Path, real: str, lie: str) -> None:
    os.rename(picture(tmp_path, real), tmp_path / lie)
    with pytest.raises(Unsupported) as caught:
        header.read(str(tmp_path / lie))
    assert caught.value.hint == f"rename it to {Path(real).suffix}"


def test_an_unknown_suffix_is_not_blamed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}" * 40)
    with pytest.raises(Unsupported, match=r"is no .*TIFF") as caught:
        header.read(str(tmp_path / "a.json"))
    assert "its name says so" not in caught.value.message


def test_a_path_that_cannot_be_opened_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        header.read(str(tmp_path / "none.tif"))
    with pytest.raises(Unreadable):
        header.read(str(tmp_path))
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(Unreadable, match="not a regular file"):
        header.read(str(tmp_path / "pipe.tif"))


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
def test_the_pixel_limit_holds_for_every_format(tmp_path: Path, name: str) -> None:
    path = picture(tmp_path, name)
    assert header.read(path, max_pixels=35).pixels == 35
    with pytest.raises(LimitExceeded, match="7 x 5 pixels are more than the limit of 34"):
        header.read(path, max_pixels=34)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
def test_a_cut_header_is_corrupt_at_every_byte(tmp_path: Path, name: str) -> None:
    whole = Path(picture(tmp_path, name)).read_bytes()
    start = tmp_path / ("cut" + Path(name).suffix)
    end = whole.index(b"\xff\xc0") + 9 if name == "a.jpg" else 33 if name == "a.png" else len(whole)
    for length in range(end):
        start.write_bytes(whole[:length])
        with pytest.raises(CorruptInput):
            header.read(str(start))


class Counted:
    """Bytes and reads that a header cost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = self.reads = 0
        original = Source.read_into

        def read_into(source: Source, offset: int, view: memoryview, what: str = "") -> None:
            self.bytes += len(view)
            self.reads += 1
            original(source, offset, view, what)

        monkeypatch.setattr(Source, "read_into", read_into)


@pytest.mark.parametrize("shape", [(9, 7, 3), (4000, 3000, 3)])
def test_a_tiff_header_costs_the_same_for_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, shape=shape, dtype=np.uint16, photometric="rgb", rowsperstrip=1)
    cost = Counted(monkeypatch)
    header.read(path)
    assert cost.bytes < 2_000
    assert cost.reads < 30


def test_a_hostile_chain_costs_a_bounded_number_of_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tiff_files.entries(1, 1)
    size = len(tiff_files.directory(page, 0))
    pages = 20_000
    data = b"II*\0" + (12).to_bytes(4, "little") + bytes(4)
    data += b"".join(
        tiff_files.directory(page, 12 + n * size, 12 + (n + 1) * size) for n in range(pages)
    )
    path = saved(tmp_path, "many.tif", data)
    cost = Counted(monkeypatch)
    found = header.read(path)
    assert (found.width, found.pages) == (1, 64)
    assert any("chain" in warning for warning in found.warnings)
    assert cost.bytes < 50_000


def jp2(components: int, *boxes: tuple[bytes, bytes]) -> bytes:
    """A JPEG 2000 of 7 x 5 pixels up to the first segment of its codestream."""

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    size = struct.pack(">HIIIIIIIIH", 0, 7, 5, 0, 0, 7, 5, 0, 0, components)
    segment = struct.pack(">H", 38 + 3 * components) + size + b"\x07\1\1" * components
    inside = b"".join(box(kind, content) for kind, content in boxes)
    signature = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return signature + box(b"jp2h", inside) + box(b"jp2c", b"\xff\x4f\xff\x51" + segment)


def color(space: int) -> tuple[bytes, bytes]:
    """A color box that names a space by its number."""
    return b"colr", b"\1\0\0" + struct.pack(">I", space)


ICC = (b"colr", b"\2\0\0" + struct.pack(">I", 18))
SRGB, SILVER = 16, 17


@pytest.mark.parametrize(
    ("components", "boxes"),
    [(3, [color(SRGB)]), (1, [color(SILVER)]), (3, [ICC]), (1, [ICC]), (3, [ICC, color(SRGB)])],
)
def test_a_color_box_that_fits_the_samples_is_taken(
    tmp_path: Path, components: int, boxes: list[tuple[bytes, bytes]]
) -> None:
    found = header.read(saved(tmp_path, "a.jp2", jp2(components, *boxes)))
    assert (found.width, found.height, found.channels) == (7, 5, components)


@pytest.mark.parametrize(
    ("components", "boxes", "words"),
    [
        (3, [color(SILVER)], "does not fit its samples"),
        (1, [color(SRGB)], "does not fit its samples"),
        (1, [ICC, color(SRGB)], "does not fit its samples"),
        (3, [color(18)], "color space 18"),
        (3, [(b"pclr", b""), color(SRGB)], "color palette"),
    ],
)
def test_a_color_box_that_does_not_fit_is_refused(
    tmp_path: Path, components: int, boxes: list[tuple[bytes, bytes]], words: str
) -> None:
    with pytest.raises(Unsupported, match=words):
        header.read(saved(tmp_path, "a.jp2", jp2(components, *boxes)))
