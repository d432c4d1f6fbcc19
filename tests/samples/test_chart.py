"""The chart's light is the published one, as colour-science adapts it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import library
from divere_cli.records.grade import Space
from divere_cli.samples import chart

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # colour-science says what it can do without scipy
    import colour


@pytest.mark.parametrize("name", ["KodakEnduraPremier", "ACEScg", "Kodak2383"])
def test_patches_are_those_of_the_published_chart(name: str) -> None:
    space = library.space(name)
    published = colour.CCS_COLOURCHECKERS["ColorChecker24 - After November 2014"]
    own = colour.RGB_Colourspace(name, np.array(space.primaries), np.array(space.white))
    xyz = colour.xyY_to_XYZ(list(published.data.values()))
    expected = colour.XYZ_to_RGB(
        xyz, own, published.illuminant, chromatic_adaptation_transform="Bradford"
    )
    np.testing.assert_allclose(chart.light(space), np.maximum(expected, 0.0), atol=2e-4)


def test_grays_are_gray_and_fall() -> None:
    grays = chart.light(library.space("KodakEnduraPremier"))[19:23]
    assert np.ptp(np.log10(grays), axis=1).max() < 0.02
    assert (np.diff(grays[:, 1]) < 0).all()


def test_a_gray_space_is_refused_for_the_chart() -> None:
    with pytest.raises(ProfileError, match="gray"):
        chart.light(Space("Gray_Gamma_2_2", None, (0.3127, 0.329)))
