"""What the tags of a TIFF say, and which pictures are refused before a decoder sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.errors import CorruptInput, DivereError, LimitExceeded, Unsupported
from divere_cli.image import header
from divere_cli.image.layout import Header, Layout, Resolution
from tests.image import tiff_files
from tests.image.tiff_files import Entry


def read(folder: Path, data: bytes) -> Header:
    path = folder / "a.tif"
    path.write_bytes(data)
    return header.read(str(path))


def made(folder: Path, shape: tuple[int, ...], dtype: str = "u2", **options: object) -> Header:
    path = str(folder / "a.tif")
    tifffile.imwrite(path, np.ones(shape, dtype=dtype), metadata=None, **options)
    return header.read(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_a_plain_rgb_scan(tmp_path: Path, order: str, bigtiff: bool) -> None:
    found = made(
        tmp_path, (5, 7, 3), photometric="rgb", byteorder=order, bigtiff=bigtiff,
        resolution=(4000, 3999.5), resolutionunit=2, software="scanner 1",
    )  # fmt: skip
    assert (found.width, found.height, found.channels, found.bits) == (7, 5, 3, 16)
    assert found.layout == Layout(channels=3, bits=16)
    assert found.big_endian == (order == ">")
    assert found.variant == ("bigtiff" if bigtiff else "tiff")
    assert found.resolution == Resolution(4000, 3999.5, 2)
    assert found.software == "scanner 1"
    assert (found.warnings, found.extra, found.icc) == ((), (), None)


@pytest.mark.parametrize(
    ("shape", "dtype", "options", "layout"),
    [
        ((5, 7), "u1", {}, Layout(1, 8)),
        ((5, 7), "u2", {"photometric": "miniswhite"}, Layout(1, 16)),
        ((5, 7, 3), "f2", {"photometric": "rgb"}, Layout(3, 32, "float")),
        ((5, 7, 3), "f4", {"photometric": "rgb"}, Layout(3, 32, "float")),
    ],
)
def test_the_layout_of_bands(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, options: dict[str, str], layout: Layout
) -> None:
    found = made(tmp_path, shape, dtype, **options)
    assert found.layout == layout
    assert found.inverted == ("photometric" in options and options["photometric"] == "miniswhite")


@pytest.mark.parametrize(
    ("shape", "said", "extra", "warned"),
    [
        ((5, 7, 4), ["unspecified"], ("infrared",), False),
        ((5, 7, 4), ["unassalpha"], ("alpha",), False),
        ((5, 7, 4), ["assocalpha"], ("alpha",), True),
        ((5, 7, 5), ["unassalpha", "unspecified"], ("alpha", "infrared"), False),
    ],
)
def test_extra_samples_are_told_by_their_tag(
    tmp_path: Path, shape: tuple[int, ...], said: list[str], extra: tuple[str, ...], warned: bool
) -> None:
    found = made(tmp_path, shape, photometric="rgb", extrasamples=said)
    assert (found.extra, bool(found.warnings)) == (extra, warned)


def test_extra_samples_without_a_tag_are_unknown_and_say_so(tmp_path: Path) -> None:
    four = tiff_files.entries(1, 1, t258=(3, [8] * 4), t277=(3, [4]), t279=(4, [4]))
    found = read(tmp_path, tiff_files.file(four, bytes(4)))
    assert found.extra == ("unknown",)
    assert found.warnings == ("sample 4 of each pixel is of unknown meaning",)


def test_a_missing_photometric_is_assumed_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, tiff_files.file(tiff_files.entries(1, 1, t262=None), bytes(3)))
    assert found.channels == 3
    assert found.warnings == ("no photometric interpretation is stored; taken as RGB",)


@pytest.mark.parametrize(
    ("changed", "kind", "said"),
    [
        ({"t256": (4, [0])}, LimitExceeded, "0 x 1 pixels"),
        ({"t256": (4, [2**32 - 1])}, LimitExceeded, "a side must be"),
        ({"t256": (4, [100_000]), "t257": (4, [100_000])}, LimitExceeded, "more than the limit"),
        ({"t256": (4, [100])}, CorruptInput, "300 bytes of pixels cannot be in a file of"),
        ({"t262": (3, [3])}, Unsupported, "a color palette"),
        ({"t262": (3, [5])}, Unsupported, "CMYK"),
        ({"t262": (3, [8])}, Unsupported, "L\\*a\\*b"),
        ({"t262": (3, [6])}, Unsupported, "YCbCr without JPEG"),
        ({"t262": (3, [77])}, Unsupported, "photometric interpretation 77"),
        ({"t277": (3, [65535])}, Unsupported, "65535 samples"),
        ({"t277": (3, [2])}, CorruptInput, "RGB picture with 2 samples"),
        ({"t258": (3, [3, 3, 3])}, Unsupported, "3-bit integer"),
        ({"t258": (3, [8, 8, 16])}, Unsupported, "different or unknown kinds"),
        ({"t258": (3, [32, 32, 32])}, Unsupported, "32-bit integer"),
        ({"t258": (3, [64] * 3), "t339": (3, [3] * 3)}, Unsupported, "64-bit float"),
        ({"t339": (3, [2, 2, 2])}, Unsupported, "different or unknown kinds"),
        ({"t259": (3, [6])}, Unsupported, "old JPEG"),
        ({"t259": (3, [34712])}, Unsupported, "JPEG 2000"),
        ({"t259": (3, [4711])}, Unsupported, "4711 \\(unknown\\)"),
        ({"t259": (3, [5]), "t317": (3, [9])}, Unsupported, "predictor 9"),
        (
            {"t259": (3, [7]), "t258": (3, [8] * 4), "t277": (3, [4])},
            Unsupported,
            "JPEG-compressed TIFF of 4 samples",
        ),
        ({"t259": (3, [7]), "t258": (3, [16] * 3)}, Unsupported, "JPEG-compressed TIFF of more"),
        ({"t266": (3, [2])}, Unsupported, "FillOrder"),
        ({"t273": None}, CorruptInput, "table of strips is missing"),
        ({"t279": None}, CorruptInput, "table of strips is missing"),
        ({"t278": (4, [0])}, CorruptInput, "strips of no rows"),
        ({"t257": (4, [2]), "t256": (3, [1]), "t278": (4, [1])}, CorruptInput, "1 entries instead"),
        ({"t322": (3, [7]), "t323": (3, [16])}, CorruptInput, "tiles of 7 x 16"),
        ({"t322": (3, [0]), "t323": (3, [0])}, CorruptInput, "tiles of 0 x 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_reason(
    tmp_path: Path, changed: dict[str, Entry], kind: type[DivereError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        read(tmp_path, tiff_files.file(tiff_files.entries(1, 1, **changed), bytes(60)))


def test_a_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    side = 10_000
    bomb = tiff_files.entries(side, side, t259=(3, [8]), t279=(4, [200_000]))
    with pytest.raises(LimitExceeded, match="would expand"):
        read(tmp_path, tiff_files.file(bomb, bytes(200_000)))


def test_too_many_segments_are_refused(tmp_path: Path) -> None:
    many = tiff_files.entries(
        150_000, 10_000, t259=(3, [8]), t279=(4, [1]), t322=(3, [16]), t323=(3, [16])
    )
    with pytest.raises(LimitExceeded, match="5859375 tiles"):
        read(tmp_path, tiff_files.file(many, bytes(9_000_000)))


def test_a_loop_of_pages_ends(tmp_path: Path) -> None:
    page = tiff_files.entries(1, 1)
    found = read(tmp_path, tiff_files.file(page, bytes(4), following=12))
    assert (found.width, found.pages) == (1, 1)
    assert "chain of TIFF pages" in found.warnings[0]


def test_a_directory_of_too_many_entries_is_corrupt(tmp_path: Path) -> None:
    data = b"II*\0\x08\0\0\0\xff\xff" + bytes(12 * 65_535)
    with pytest.raises(CorruptInput, match="65535 entries"):
        read(tmp_path, data)


def test_values_outside_of_the_file_are_corrupt(tmp_path: Path) -> None:
    whole = tiff_files.file(tiff_files.entries(1, 1), bytes(4))
    with pytest.raises(CorruptInput, match="TIFF tag 258 ends after the end"):
        read(tmp_path, whole[:-2])


def test_the_place_of_the_icc_profile(tmp_path: Path) -> None:
    found = made(tmp_path, (5, 7, 3), photometric="rgb", iccprofile=b"profile" * 20)
    assert found.icc is not None
    offset, length = found.icc
    assert (tmp_path / "a.tif").read_bytes()[offset : offset + length] == b"profile" * 20
