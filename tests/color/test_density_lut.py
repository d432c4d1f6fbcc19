"""Placing table entries, and estimating their error."""

from __future__ import annotations

import numpy as np
import pytest

from divere_cli.color import curves, density_lut
from divere_cli.profile import library
from divere_cli.records.grade import Curves
from tests.color.recipes import recipe, stock


def encode(y: np.ndarray) -> np.ndarray:
    return np.clip(y, 0.0, 1.0) ** (1 / 2.2)


def built(
    found: Curves, *, joint: bool = True, glare: float = 0.0
) -> tuple[density_lut.Table, ...]:
    tones = curves.tones(recipe(curves=found, screen_glare_compensation=glare))
    sought = tuple(
        density_lut.Sought(t.light, t.corners(), 0.0 if t.curves else 12.0) for t in tones
    )
    return density_lut.build(sought, encode, joint=joint)


def between(made: density_lut.Table, d: np.ndarray) -> np.ndarray:
    return np.interp((d - made.start) / made.step, np.arange(len(made.values)), made.values)


@pytest.mark.parametrize("name", sorted(library.curves()))
@pytest.mark.parametrize("joint", [True, False])
def test_print_stocks_lose_nothing_between_the_entries(name: str, joint: bool) -> None:
    d = np.random.default_rng(1).uniform(-0.5, 5.5, 200_000)
    tones = curves.tones(recipe(curves=stock(name)))
    for tone, made in zip(tones, built(stock(name), joint=joint), strict=True):
        got = between(made, d) if joint else encode(between(made, d))
        # Between evenly spread corners nothing is left but the bend of the power.
        assert np.abs(got - encode(tone.light(d))).max() * 65535 < density_lut.TOLERANCE


def test_uneven_corners_get_more_entries_before_they_err() -> None:
    uneven = tuple((x, y) for x, y in zip(
        [0.1, 0.3137, 0.57721, 0.6931, 0.7071, 0.9], [0.1, 0.15, 0.4, 0.9, 0.95, 1.0],
        strict=True))  # fmt: skip
    made = built(Curves(rgb=uneven))
    d = np.random.default_rng(2).uniform(0.0, 5.0, 500_000)
    (tone, *_) = curves.tones(recipe(curves=Curves(rgb=uneven)))
    worst = np.abs(between(made[0], d) - encode(tone.light(d))).max() * 65535
    assert worst <= max(made[0].error, density_lut.TOLERANCE) + 0.05


def test_the_estimated_error_is_the_measured_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density_lut, "SIZES", (1 << 12,))
    uneven = Curves(rgb=((0.2, 0.0), (0.5, 0.05), (0.5397, 0.7), (0.61, 0.82), (0.7123, 1.0)))
    made = built(uneven)[0]
    assert made.error > 5.0
    (tone, *_) = curves.tones(recipe(curves=uneven))
    corners = np.array(tone.corners())
    d = np.concatenate([corners + made.step * shift for shift in np.linspace(-1.5, 1.5, 61)])
    light = tone.light(d)
    worst = np.abs(between(made, d) - encode(light))[encode(light) > density_lut.DARK].max() * 65535
    assert worst == pytest.approx(made.error, rel=0.1)


@pytest.mark.parametrize("joint", [True, False])
def test_a_corner_at_white_counts(joint: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density_lut, "SIZES", (1 << 12,))
    early = Curves(b=((0.0, 0.0), (0.31, 0.2), (0.5123, 1.0)))
    tone, made = curves.tones(recipe(curves=early))[2], built(early, joint=joint)[2]
    d = (1.0 - 0.5123) * curves.DENSITY_RANGE + made.step * np.linspace(-1.0, 1.0, 41)
    got = between(made, d) if joint else encode(between(made, d))
    assert np.abs(got - encode(tone.light(d))).max() * 65535 <= made.error + 0.5


def test_tables_reach_beyond_all_corners() -> None:
    for made in built(stock("Kodak 2393"), glare=0.01):
        assert made.start <= 0.0
        assert made.start + made.step * (len(made.values) - 1) >= curves.DENSITY_RANGE


def test_channels_that_are_alike_share_a_table() -> None:
    red, green, blue = built(stock("Ilford MGFB 2"))
    assert (red.values == green.values).all()
    assert (red.values == blue.values).all()


def test_slopes_are_those_of_the_function() -> None:
    """Without a curve: y' = ln(10) y, at most 2.303 at no density."""
    made = built(Curves())[0]
    assert made.light_slope == pytest.approx(np.log(10.0), rel=1e-3)
    assert made.slope == pytest.approx(65535 * np.log(10.0) / 2.2, rel=1e-3)
    assert made.dimmest == pytest.approx(1e-12, rel=0.01)
