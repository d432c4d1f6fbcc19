"""Real film: a ColorChecker on Ultramax 400 at -2, 0 and +2 EV, and a camera scan with its leader.

Where the patches lie on the three scans: the gray row is the lowest, six cells wide.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.color.curves import tones
from divere_cli.color.density import fold
from divere_cli.color.primaries import rgb_to_xyz
from divere_cli.profile import library, loading, resolve
from divere_cli.records.grade import Recipe
from divere_cli.records.roll import Measured
from divere_cli.roll import films
from divere_cli.roll.auto import Auto
from divere_cli.roll.baseline import Mode
from tests.roll import rolls

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # colour-science says what it can do without scipy
    import colour

EXPOSURES = ("minus2", "0", "plus2")
MIDDLE = 2  # of the four middle grays (8, 6.5, 5, 3.5): neutral 5, 19 % of white


@pytest.fixture(scope="module")
def recipe(shared: Path) -> Recipe:
    """The preset that DiVERE's authors publish for these scans, without its gains."""
    cases = json.loads((shared / "oracle" / "cases.json").read_text())
    preset = next(c["preset"] for c in cases if c["name"].startswith("19-"))
    found = resolve.recipe(loading.preset(preset, "oracle"))
    return replace(found, rgb_gains=(0.0, 0.0, 0.0))


def scanned(shared: Path, recipe: Recipe, exposure: str) -> Measured:
    path = shared / "scans" / f"ultramax400_colorchecker_{exposure}ev.tif"
    return rolls.scan(str(path), recipe)


def graded(scan: Measured, mode: Mode) -> Recipe:
    """The scan decided alone, as a roll of one."""
    return Auto(mode).decide((scan,)).scans[scan.name].recipes[0]


def grays(scan: Measured, recipe: Recipe) -> NDArray[np.float64]:
    """Print density of the four middle grays, ``(4, 3)``."""
    image = rolls.pixels(scan.input) / 65535.0
    height, width = image.shape[:2]
    rows = slice(int(height * 0.80), int(height * 0.93))
    found = []
    for index in range(1, 5):
        middle = width * (index + 0.5) / 6
        part = image[rows, int(middle - width * 0.04) : int(middle + width * 0.04)]
        found.append(np.median(fold(recipe).of(part.reshape(-1, 3)), axis=0))
    return np.array(found)


def cast(densities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Red and blue against green."""
    return np.asarray(densities[..., [0, 2]] - densities[..., [1]])


@pytest.mark.parametrize("mode", ["roll", "frame"])
def test_at_the_right_exposure_the_middle_grays_are_gray(
    shared: Path, recipe: Recipe, mode: Mode
) -> None:
    scan = scanned(shared, recipe, "0")
    off = cast(grays(scan, graded(scan, mode)))
    assert np.abs(off).max() < 0.04
    assert np.ptp(off, axis=0).max() < 0.04


@pytest.mark.parametrize("name", ["c41-endura-premier", "c41-2383", "c41-supra-endura"])
def test_what_is_gray_is_gray_on_the_print_of_any_material(
    shared: Path, recipe: Recipe, name: str
) -> None:
    print_ = resolve.recipe(library.load(name))
    scan = scanned(shared, replace(recipe, curves=print_.curves), "0")
    chosen = graded(scan, "roll")
    lights = np.stack(
        [tone.light(grays(scan, chosen)[:, i]) for i, tone in enumerate(tones(chosen))], axis=1
    )
    space = recipe.working_space
    shown = colour.XYZ_to_Lab(lights @ rgb_to_xyz(space).T, np.array(space.white))
    assert np.hypot(shown[:, 1], shown[:, 2]).max() < 6.0


@pytest.mark.parametrize("exposure", ["minus2", "plus2"])
@pytest.mark.parametrize("mode", ["roll", "frame"])
def test_two_stops_off_the_middle_gray_is_gray(
    shared: Path, recipe: Recipe, mode: Mode, exposure: str
) -> None:
    scan = scanned(shared, recipe, exposure)
    off = cast(grays(scan, graded(scan, mode)))[MIDDLE]
    assert np.abs(off).max() < 0.06


def test_frame_by_frame_four_stops_of_exposure_come_together(shared: Path, recipe: Recipe) -> None:
    scans = tuple(scanned(shared, recipe, exposure) for exposure in EXPOSURES)
    decided = Auto("frame").decide(scans)
    middles = [grays(s, decided.scans[s.name].recipes[0])[MIDDLE] for s in scans]
    assert np.ptp(middles, axis=0).max() < 0.15
    assert np.ptp([grays(s, recipe)[MIDDLE] for s in scans], axis=0).min() > 0.8


def test_as_a_roll_four_stops_come_nearer_and_each_says_how_far_it_was(
    shared: Path, recipe: Recipe
) -> None:
    scans = tuple(scanned(shared, recipe, e) for e in EXPOSURES)
    decided = Auto("roll").decide(scans)
    kinds = {frame.input.rpartition("_")[2]: frame for frame in decided.rolls[0].frames}
    assert "darker" in kinds["minus2ev.tif"].reason
    assert "lighter" in kinds["plus2ev.tif"].reason
    middles = [grays(s, decided.scans[s.name].recipes[0])[MIDDLE].mean() for s in scans]
    before = [grays(s, recipe)[MIDDLE].mean() for s in scans]
    assert np.ptp(middles) < 0.75 * np.ptp(before)


@pytest.fixture(scope="module")
def camera() -> Recipe:
    found = resolve.recipe(library.load("c41-endura-premier"))
    return replace(found, input_space=replace(found.input_space, gamma=2.2))


def test_a_leader_and_a_flat_field_do_not_count_for_their_roll(
    shared: Path, camera: Recipe
) -> None:
    names = ("c41_camera_scan", "c41_half_exposed_leader", "c41_flat_field")
    scans = tuple(rolls.scan(str(shared / "scans" / f"{name}.jpg"), camera) for name in names)
    both, alone = (Auto("roll").decide(part).rolls[0] for part in (scans, scans[:1]))
    kinds = {frame.input: frame.kind for frame in both.frames}
    assert kinds == {
        "c41_camera_scan.jpg": "picture",
        "c41_half_exposed_leader.jpg": "no_picture",
        "c41_flat_field.jpg": "no_picture",
    }
    assert both.rgb_gains == alone.rgb_gains


def test_the_rebate_and_the_bare_half_of_the_leader_are_film_base(
    shared: Path, camera: Recipe
) -> None:
    bases = []
    for name in ("c41_camera_scan", "c41_half_exposed_leader"):
        told = rolls.looks(str(shared / "scans" / f"{name}.jpg"), camera)
        base = films.part([told])[0].base
        assert base is not None
        red, green, blue = base.density
        assert red < green < blue
        bases.append(base.density)
    # The camera exposed the two 0.05 to 0.09 apart, in all channels alike.
    apart = np.subtract(*bases)
    assert np.abs(apart).max() < 0.1
    assert np.ptp(apart) < 0.06


def test_the_street_scene_comes_out_with_a_black_sky_and_lights_that_are_lit(
    shared: Path, camera: Recipe
) -> None:
    scan = rolls.scan(str(shared / "scans" / "c41_camera_scan.jpg"), camera)
    told = rolls.found(scan.input, camera)
    level = told.lumas[50] - sum(graded(scan, "roll").rgb_gains) / 3
    assert level == pytest.approx(told.target, abs=0.25)
