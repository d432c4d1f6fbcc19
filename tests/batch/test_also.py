"""``--also SPEC``: parsing, and invalid specs."""

from __future__ import annotations

import pytest

from divere_cli.batch import also
from divere_cli.errors import DivereError, UsageError
from divere_cli.profile import library
from divere_cli.records.grade import Space
from divere_cli.records.job import Encoding

MAIN = Encoding(
    "tiff", 16, library.output_space("ACEScg"), "zstd", metadata=False, infrared="repair"
)


def space(name: str | None, bits: int) -> Space:
    return library.output_space(name or ("DisplayP3" if bits == 8 else "ProPhotoRGB"))


def parsed(spec: str) -> also.Also:
    return also.parse(spec, MAIN, space)


def test_the_example_of_the_interface() -> None:
    found = parsed("jpeg,size=2048,quality=90,color-space=sRGB,name={stem}-proof")
    assert found.name == "{stem}-proof"
    encoding = found.encoding
    assert (encoding.format, encoding.bit_depth, encoding.size) == ("jpeg", 8, 2048)
    assert (encoding.quality, encoding.color_space.name) == (90, "sRGB")
    assert (encoding.compression, encoding.flat, encoding.dither) == ("none", False, False)
    assert (encoding.metadata, encoding.infrared) == (False, "repair")  # of the scan, not the file


@pytest.mark.parametrize(
    ("spec", "bits", "quality", "name"),
    [
        ("tiff", 16, 95, "ProPhotoRGB"),
        ("tiff,bit-depth=8,dither", 8, 95, "DisplayP3"),
        ("jxl", 16, 100, "ProPhotoRGB"),
        ("jxl, bit-depth=8 ,quality=80", 8, 80, "DisplayP3"),
        ("tiff,bit-depth=32,color-space=ACEScct", 32, 95, "ACEScct"),
        ("png,flat", 16, 95, "ProPhotoRGB"),
        ("jpeg", 8, 95, "DisplayP3"),
    ],
)
def test_defaults_are_those_of_the_format(spec: str, bits: int, quality: int, name: str) -> None:
    encoding = parsed(spec).encoding
    assert (encoding.bit_depth, encoding.quality, encoding.color_space.name) == (
        bits,
        quality,
        name,
    )


def test_a_dng_is_flat() -> None:
    assert parsed("dng").encoding.flat
    assert parsed("tiff,flat=yes").encoding.flat
    assert not parsed("tiff,flat=no").encoding.flat


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "does not begin with a format"),
        ("jpge,size=3", "did you mean 'jpeg'"),
        ("jpeg,sise=3", "no key 'sise': did you mean 'size'"),
        ("jpeg,color_space=sRGB", "did you mean 'color-space'"),
        ("jpeg,size", "size has no value"),
        ("jpeg,size=", "size has no value"),
        ("jpeg,size=0", "from 1 on"),
        ("jpeg,size=2k", "not a whole number"),
        ("jpeg,size=-5", "not a whole number"),
        ("jpeg,quality=101", "from 1 to 100"),
        ("jpeg,size=1,size=2", "twice"),
        ("jpeg,bit-depth=16", "a jpeg has 8 bits"),
        ("png,bit-depth=32", "a png has 8 or 16 bits"),
        ("dng,bit-depth=8", "a dng has 16 bits"),
        ("jpeg,bit-depth=12", "There are: 8, 16, 32"),
        ("png,quality=90", "quality is for jpeg and jxl, not png"),
        ("png,compression=lzw", "compression is for tiff, not png"),
        ("tiff,compression=zipp", "There are: none, lzw"),
        ("dng,color-space=sRGB", "working space"),
        ("jxl,color-space=ACEScct", "cannot describe the encoding of ACEScct"),
        ("tiff,dither", "for 8-bit outputs"),
        ("tiff,flat=maybe", "yes or no"),
        ("jpeg,name={stam}", "no field '{stam}'"),
        ("jpeg,name=a/b", "names a folder"),
        ("jpeg,color-space=srbg", "did you mean 'sRGB'"),
        ("jpeg,,size=1", "no key ''"),
    ],
)
def test_an_invalid_spec_is_refused_with_a_hint(spec: str, said: str) -> None:
    with pytest.raises(DivereError) as caught:
        parsed(spec)
    assert said in caught.value.message
    if isinstance(caught.value, UsageError):
        assert caught.value.message.startswith(f"--also '{spec}': ")
