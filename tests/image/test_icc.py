"""Output profiles, compared with colour-science's matrices and Pillow's littlecms."""

from __future__ import annotations

import io
import itertools
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from divere_cli.errors import ProfileError
from divere_cli.image import icc
from divere_cli.records.grade import Space

SHIPPED = Path(__file__).parents[2] / "profiles"
FIGURES = json.loads((SHIPPED / "color_spaces.json").read_text("utf-8"))["color_spaces"]
FIGURES |= json.loads((SHIPPED / "output_spaces.json").read_text("utf-8"))["output_spaces"]
D50_XYZ = np.array([0.9642, 1.0, 0.8249])


def shipped(name: str) -> Space:
    entry = FIGURES[name]
    xy = entry.get("primaries_xy")
    return Space(
        name,
        xy and (tuple(xy["r"]), tuple(xy["g"]), tuple(xy["b"])),
        tuple(entry["white_xy"]),
        entry["gamma"],
        entry.get("transfer", "power"),
    )


def light(space: Space, codes: np.ndarray) -> np.ndarray:
    """Linear light of encoded values, by colour-science where it is no power."""
    if space.transfer == "power":
        return codes**space.gamma
    colour = pytest.importorskip("colour")
    if space.transfer == "l_star":
        return colour.colorimetry.luminance_CIE1976(codes * 100) / 100
    return np.clip(colour.models.log_decoding_ACEScct(codes), 0.0, 1.0)


OUTPUTS = sorted(name for name, entry in FIGURES.items() if "output" in entry["roles"])
COLORS = [name for name in OUTPUTS if FIGURES[name].get("primaries_xy")]


def tag(profile: bytes, name: bytes) -> bytes:
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        signature, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if signature == name:
            return profile[offset : offset + size]
    raise KeyError(name)


def xyz(profile: bytes, name: bytes) -> np.ndarray:
    return np.array(struct.unpack_from(">3i", tag(profile, name), 8)) / 65536


def expected_colorants(space: Space) -> np.ndarray:
    """Columns of RGB to XYZ, adapted to D50 by Bradford: from colour-science, not littlecms."""
    colour = pytest.importorskip("colour")
    primaries = np.array(space.primaries)
    to_xyz = colour.normalised_primary_matrix(primaries, space.white)
    adapt = colour.adaptation.matrix_chromatic_adaptation_VonKries(
        colour.xy_to_XYZ(space.white), D50_XYZ, transform="Bradford"
    )
    return adapt @ to_xyz


@pytest.mark.parametrize("name", COLORS)
def test_colorants_are_the_primaries_adapted_to_d50(name: str) -> None:
    space = shipped(name)
    profile = icc.profile(space)
    written = np.stack([xyz(profile, t) for t in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
    np.testing.assert_allclose(written, expected_colorants(space), atol=2e-4)
    np.testing.assert_allclose(written.sum(axis=1), D50_XYZ, atol=2e-4)
    np.testing.assert_allclose(xyz(profile, b"wtpt"), D50_XYZ, atol=2e-4)


def transformed(profile: bytes, rgb: tuple[int, ...], mode: str) -> np.ndarray:
    """Lab that littlecms (Pillow's own copy) makes of one 8-bit pixel."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    lab = ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(
        source, lab, mode, "LAB", renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    color: int | tuple[int, ...] = rgb if mode == "RGB" else rgb[0]
    pixel = ImageCms.applyTransform(Image.new(mode, (1, 1), color), transform)
    assert pixel is not None
    light, a, b = (int(v) for v in np.asarray(pixel)[0, 0].view(np.uint8))
    return np.array([light / 2.55, (a + 128) % 256 - 128, (b + 128) % 256 - 128])


def lab_of(xyz_d50: np.ndarray) -> np.ndarray:
    t = xyz_d50 / D50_XYZ
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", COLORS)
def test_a_color_engine_reads_the_space_from_the_profile(name: str) -> None:
    space = shipped(name)
    profile = icc.profile(space)
    for rgb in itertools.product((40, 128, 220), repeat=3):
        linear = light(space, np.array(rgb) / 255)
        want = lab_of(expected_colorants(space) @ linear)
        if np.abs(want[1:]).max() > 120:  # 8-bit Lab ends there
            continue
        np.testing.assert_allclose(transformed(profile, rgb, "RGB"), want, atol=1.0)


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("value", [0, 64, 128, 255])
def test_gray_has_the_gamma_of_the_space_and_no_hue(name: str, value: int) -> None:
    space = shipped(name)
    got = transformed(icc.profile(space, gray=True), (value,), "L")
    want = lab_of(D50_XYZ * light(space, np.array(value / 255)))
    np.testing.assert_allclose(got, want, atol=1.0)


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("gray", [False, True])
def test_the_profile_says_its_name_and_is_valid(name: str, gray: bool) -> None:
    profile = icc.profile(shipped(name), gray)
    said = icc.description(profile)
    assert said.startswith(name)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    assert ImageCms.getProfileDescription(opened).strip() == said
    assert struct.unpack_from(">I", profile)[0] == len(profile)
    assert opened.profile.xcolor_space.strip() == (
        "GRAY" if gray or FIGURES[name].get("kind") == "gray" else "RGB"
    )


@pytest.mark.parametrize("name", COLORS)
def test_a_curve_is_read_back_to_a_thousandth_by_littlecms(name: str) -> None:
    """16-bit grays through imagecodecs' littlecms to linear light of the same space."""
    imagecodecs = pytest.importorskip("imagecodecs")
    space = shipped(name)
    codes = np.linspace(0, 65535, 257).astype(np.uint16)
    linear = icc.profile(Space("linear", space.primaries, space.white, 1.0))
    rgb = np.ascontiguousarray(np.repeat(codes[None, :, None], 3, axis=2))
    out = imagecodecs.cms_transform(
        rgb, icc.profile(space), linear, colorspace="rgb", outcolorspace="rgb", intent=1
    )
    np.testing.assert_allclose(out[0, :, 1] / 65535, light(space, codes / 65535), atol=1.5e-3)


@pytest.mark.parametrize(
    ("ours", "theirs", "most"),
    [
        ("eciRGB_v2", "ECI RGB v2", 4e-4),  # colour-science has the rounded figures of a profile
        ("ProPhotoRGB", "ProPhoto RGB", 1e-12),
        ("Rec2020", "ITU-R BT.2020", 1e-12),
        ("ACEScg", "ACEScg", 1e-12),
        ("ACEScct", "ACEScct", 1e-12),
    ],
)
def test_output_spaces_equal_their_standards(ours: str, theirs: str, most: float) -> None:
    colour = pytest.importorskip("colour")
    known, space = colour.RGB_COLOURSPACES[theirs], shipped(ours)
    np.testing.assert_allclose(space.primaries, known.primaries, atol=most)
    np.testing.assert_allclose(space.white, known.whitepoint, atol=1e-4)
    if space.transfer != "power":
        codes = np.linspace(0.08, 0.55, 200)
        np.testing.assert_allclose(light(space, codes), known.cctf_decoding(codes), rtol=1e-9)


def test_the_same_space_gives_the_same_bytes_at_any_time() -> None:
    space = shipped("DisplayP3")
    first = icc.profile(space)
    icc.profile.cache_clear()
    assert icc.profile(space) == first
    assert struct.unpack_from(">6H", first, 24) == (2024, 1, 1, 0, 0, 0)
    assert first[84:100] != bytes(16)
    assert icc.profile(shipped("sRGB"))[84:100] != first[84:100]


def test_a_space_without_primaries_is_gray() -> None:
    profile = icc.profile(shipped("Gray_Gamma_2_2"))
    assert profile[16:20] == b"GRAY"
    assert icc.description(profile) == "Gray_Gamma_2_2"


def test_figures_that_span_no_space_are_a_profile_error() -> None:
    flat = Space("flat", ((0.3, 0.3), (0.3, 0.3), (0.3, 0.3)), (0.3127, 0.329), 2.2)
    with pytest.raises(ProfileError, match="'flat'"):
        icc.profile(flat)


@pytest.mark.parametrize("cut", [0, 60, 130, 200, 300])
def test_the_name_of_a_damaged_profile_is_no_error(cut: int) -> None:
    assert isinstance(icc.description(icc.profile(shipped("sRGB"))[:cut]), str)


def test_the_name_of_a_version_2_profile() -> None:
    text = b"Nikon LS-5000\0"
    desc = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text
    body = bytes(128) + struct.pack(">I4sII", 1, b"desc", 144, len(desc)) + desc
    assert icc.description(body) == "Nikon LS-5000"
