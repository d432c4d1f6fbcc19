"""The meaning of TIFF tags, and pictures that are refused before decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.errors import CorruptInput
from divere_cli.image import header
from divere_cli.image.layout import Header, Layout, Resolution
from tests.image import tiff_files


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
    assert found.warnings == ("sample 4 of each pixel has an unknown meaning",)


def test_a_missing_photometric_is_assumed_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, tiff_files.file(tiff_files.entries(1, 1, t262=None), bytes(3)))
    assert found.channels == 3
    assert found.warnings == ("no photometric interpretation is stored; taken as RGB",)


def test_a_loop_of_pages_ends(tmp_path: Path) -> None:
    page = tiff_files.entries(1, 1)
    found = read(tmp_path, tiff_files.file(page, bytes(4), following=12))
    assert (found.width, found.pages) == (1, 1)
    assert found.warnings == ()


def test_a_chain_that_leads_out_of_the_file_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, tiff_files.file(tiff_files.entries(1, 1), bytes(4), following=99_999))
    assert "chain of TIFF pages is broken" in found.warnings[0]


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
