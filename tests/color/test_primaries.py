"""Primaries to matrices, against published figures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from divere_cli.color import exact, primaries, reference
from divere_cli.errors import ProfileError
from divere_cli.profile import library
from divere_cli.records.grade import Space
from tests.color.recipes import ENDURA, INPUTS, OUTPUTS, recipe

# IEC 61966-2-1; SMPTE EG 432-1 with D65; Adobe RGB (1998), 2005; ACES S-2014-004.
PUBLISHED = {
    "sRGB": [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
    "DisplayP3": [[0.48657, 0.26567, 0.19822], [0.22897, 0.69174, 0.07929], [0, 0.04511, 1.04394]],
    "AdobeRGB": [
        [0.57667, 0.18556, 0.18823],
        [0.29734, 0.62736, 0.07529],
        [0.02703, 0.07069, 0.99134],
    ],
    "ACEScg": [
        [0.66245, 0.13400, 0.15619],
        [0.27223, 0.67408, 0.05369],
        [-0.00557, 0.00406, 1.01034],
    ],
}
D50, D65 = (0.3457, 0.3585), (0.3127, 0.329)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_named_spaces_have_their_published_matrix(name: str) -> None:
    want = np.array(PUBLISHED[name])
    assert primaries.rgb_to_xyz(library.space(name)) == pytest.approx(want, abs=1.5e-4)


@pytest.mark.parametrize("name", INPUTS)
def test_white_is_white(name: str) -> None:
    space = library.space(name)
    white = primaries.rgb_to_xyz(space) @ np.ones(3)
    assert white == pytest.approx(primaries.xyz(space.white), rel=1e-12)
    assert white[1] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("adaptation", ["ratio", "bradford"])
def test_conversions_are_those_of_the_reference(name: str, adaptation: str) -> None:
    source, working = library.space(name), library.space(ENDURA)
    matrix = primaries.conversion(source, working, adaptation)  # type: ignore[arg-type]
    want = reference.between(source, working, adaptation, np.eye(3)).T
    assert matrix == pytest.approx(want, abs=1e-10)


@pytest.mark.parametrize("name", OUTPUTS)
def test_equal_names_are_the_identity(name: str) -> None:
    space = library.space(name)
    assert (primaries.conversion(space, space) == np.eye(3)).all()


def test_equal_figures_are_the_identity_whatever_their_name() -> None:
    matrix = primaries.conversion(
        library.space(ENDURA), library.space("KodakEnduraPremier_gamma_2_2")
    )
    assert (matrix == np.eye(3)).all()


def test_ratio_puts_white_ratios_on_red_green_and_blue() -> None:
    srgb = library.space("sRGB")
    warm = dataclasses.replace(srgb, name="warm", white=D50)
    plain = np.linalg.inv(primaries.rgb_to_xyz(warm)) @ primaries.rgb_to_xyz(srgb)
    gains = primaries.xyz(D50) / primaries.xyz(srgb.white)
    assert primaries.conversion(srgb, warm) == pytest.approx(np.diag(gains) @ plain, rel=1e-12)


def test_ratios_stay_within_ten() -> None:
    blue = Space("blue", ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.16, 0.08))
    srgb = library.space("sRGB")
    plain = np.linalg.inv(primaries.rgb_to_xyz(blue)) @ primaries.rgb_to_xyz(srgb)
    gains = primaries.conversion(srgb, blue) @ np.linalg.inv(plain)
    assert (primaries.xyz(blue.white) / primaries.xyz(srgb.white))[2] > 8.0
    assert np.diag(gains).max() <= 10.0 + 1e-9
    assert np.diag(gains).min() >= 0.1 - 1e-9


def test_bradford_takes_white_to_white() -> None:
    srgb = library.space("sRGB")
    warm = dataclasses.replace(srgb, name="warm", white=D50)
    assert primaries.conversion(srgb, warm, "bradford") @ np.ones(3) == pytest.approx(1.0, abs=1e-9)


def test_bradford_is_the_icc_matrix() -> None:
    """D65 to D50 as ICC profiles of sRGB have it: 1.0479, 0.0229, -0.0502 ..."""
    want = [
        [1.04788, 0.02292, -0.05019],
        [0.02959, 0.99048, -0.01707],
        [-0.00924, 0.01506, 0.75168],
    ]
    cones = primaries.conversion(library.space("sRGB"), dataclasses.replace(
        library.space("sRGB"), name="d50", white=D50), "bradford")  # fmt: skip
    srgb = library.space("sRGB")
    to_d50 = primaries.rgb_to_xyz(dataclasses.replace(srgb, white=D50)) @ cones
    assert to_d50 @ np.linalg.inv(primaries.rgb_to_xyz(srgb)) == pytest.approx(
        np.array(want), abs=2e-4
    )


@pytest.mark.parametrize(
    ("space", "says"),
    [
        (Space("flat", ((0.1, 0.1), (0.2, 0.2), (0.3, 0.3)), D65), "lie on one line"),
        (Space("zero", ((0.64, 0.33), (0.3, 0.0), (0.15, 0.06)), D65), "y = 0"),
        (Space("gray", None, D65), "gray"),
    ],
)
def test_impossible_primaries_are_refused_by_name(space: Space, says: str) -> None:
    with pytest.raises(ProfileError, match=says) as caught:
        primaries.rgb_to_xyz(space)
    assert space.name in caught.value.message


@pytest.mark.parametrize("name", ["eciRGB_v2", "ProPhotoRGB", "Rec2020", "ACEScct", "ACEScg"])
def test_the_prints_white_is_white_in_spaces_that_divere_does_not_have(name: str) -> None:
    """DiVERE's own way with whites would make it (0.94, 1.01, 1.02) in eciRGB."""
    output = library.output_space(name)
    found = exact.fold(recipe(), output, one_channel=False)
    np.testing.assert_allclose(found.back @ np.ones(3), np.ones(3), atol=1e-9)


def test_the_adaptation_of_an_output_space_does_not_change_the_input_space() -> None:
    """What a preset's hash is made of."""
    assert not library.space("ProPhotoRGB").adapted
    assert library.output_space("ProPhotoRGB").adapted
