"""Rolls whose truth is known: gains, exposure, and the chart on the graded frames."""

from __future__ import annotations

import statistics
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.color import reference
from divere_cli.color.primaries import rgb_to_xyz
from divere_cli.profile import library
from divere_cli.records.grade import Recipe
from divere_cli.records.roll import Decisions
from divere_cli.roll.auto import Auto
from divere_cli.samples.plan import Wish
from tests.roll import rolls
from tests.roll.rolls import Roll

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # colour-science says what it can do without scipy
    import colour

OUT = library.output_space("KodakEnduraPremier_gamma_2_2")
Floats = NDArray[np.float64]

WISHES = {
    "holder": Wish(count=9, megapixels=0.3, seed=1, roll=True, border="holder"),
    "rebate": Wish(count=9, megapixels=0.3, seed=2, roll=True, border="rebate"),
    "plain": Wish(count=9, megapixels=0.3, seed=3, roll=True, border="none"),
    "film": Wish(9, 0.3, 6, roll=True, border="rebate", profile="c41-2393"),
    # Of no straight-line print: no film is as contrasty as that wants it.
    "soft": Wish(9, 0.3, 4, roll=True, border="holder", profile="c41-portra-endura"),
    "scanner": Wish(9, 0.3, 5, roll=True, border="rebate", profile="9000ed-gold200-135"),
}


QUICK = ("holder", "scanner")
PULL = 0.2


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name in WISHES
    ],
)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Roll:
    folder: Path = tmp_path_factory.mktemp("rolls") / "negatives"
    return rolls.make(folder, WISHES[request.param])


@pytest.fixture(scope="module")
def decided(made: Roll) -> Decisions:
    return Auto("roll").decide(made.measured())


def common(roll: Roll) -> float:
    """The exposure a roll is off by as a whole, by the rule that measuring uses."""
    pictures = [f for f in roll.truth["frames"] if f["kind"] in ("landscape", "colored")]
    return statistics.median([frame["exposure"] for frame in pictures])


def true_gains(roll: Roll, frame: dict[str, Any], pull: float) -> tuple[float, ...]:
    """The roll's true gains with what the rule takes back of the frame's true exposure."""
    pulled = pull * (frame["exposure"] - common(roll))
    return tuple(gain + common(roll) + pulled for gain in roll.truth["rgb_gains"])


def patches(codes: NDArray[np.uint16], recipe: Recipe, frame: dict[str, Any]) -> Floats:
    """Mean linear light of the patches, graded by the reference."""
    found = []
    for patch in frame["patches"]:
        x, y, width, height = patch["box"]
        margin_x, margin_y = width // 5, height // 5
        part = codes[y + margin_y : y + height - margin_y, x + margin_x : x + width - margin_x]
        light = reference.encoded(recipe, OUT, part.reshape(-1, 3) / 65535.0) ** OUT.gamma
        found.append(light.mean(axis=0))
    return np.array(found)


def lab(light: Floats) -> Floats:
    return np.asarray(colour.XYZ_to_Lab(light @ rgb_to_xyz(OUT).T, np.array(OUT.white)))


def test_the_cast_is_found_within_two_hundredths(made: Roll, decided: Decisions) -> None:
    found, true = decided.rolls[0].rgb_gains, made.truth["rgb_gains"]
    assert found[0] - found[1] == pytest.approx(true[0] - true[1], abs=0.02)
    assert found[2] - found[1] == pytest.approx(true[2] - true[1], abs=0.02)


def test_the_exposure_is_found_within_five_hundredths(made: Roll, decided: Decisions) -> None:
    expected = made.truth["rgb_gains"][1] + common(made)
    assert decided.rolls[0].rgb_gains[1] == pytest.approx(expected, abs=0.05)


def test_frames_without_a_picture_are_named(made: Roll, decided: Decisions) -> None:
    kinds = {frame.input: frame.kind for frame in decided.rolls[0].frames}
    for frame in made.truth["frames"]:
        wanted = {"landscape": "picture", "colored": "outlier"}.get(frame["kind"], "no_picture")
        assert kinds[frame["file"]] == wanted, frame["kind"]


def test_patches_are_within_two_of_the_truth(made: Roll) -> None:
    decided, differences = Auto("roll", pull=PULL).decide(made.measured()), []
    for frame in made.frames:
        codes = rolls.pixels(made.path(frame["file"]))
        recipe = decided.scans[frame["file"]].recipes[0]
        red, green, blue = true_gains(made, frame, PULL)
        truth = replace(recipe, rgb_gains=(red, green, blue))
        ours, theirs = (lab(patches(codes, r, frame)) for r in (recipe, truth))
        differences.append(colour.delta_E(ours, theirs, method="CIE 2000").mean())
    assert np.mean(differences) < 2.0


def test_each_frame_alone_keeps_the_gray_and_finds_its_own_exposure(made: Roll) -> None:
    scans = Auto("frame").decide(made.measured()).scans
    for frame in made.frames:
        found, true = scans[frame["file"]].recipes[0].rgb_gains, frame["rgb_gains"]
        assert found[0] - found[1] == pytest.approx(true[0] - true[1], abs=0.03)
        assert found[2] - found[1] == pytest.approx(true[2] - true[1], abs=0.03)
        # A frame is as bright as its subject: the scenes differ, and shadows end at film base.
        assert found[1] == pytest.approx(true[1], abs=0.1)


def test_film_base_is_found_on_the_blank(made: Roll, decided: Decisions) -> None:
    found = decided.rolls[0]
    assert found.film_base_source == "unexposed film"
    recipe = replace(made.recipe, rgb_gains=(0.0, 0.0, 0.0))
    seen = 10.0 ** -np.array([made.truth["film_base"]])
    linear = reference.between(recipe.input_space, recipe.working_space, "ratio", seen)
    assert found.film_base == pytest.approx(tuple(-np.log10(linear[0])), abs=0.01)
