"""Resolving a preset to a recipe, by the rules of the page on presets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import hashing, library, loading, resolve
from divere_cli.records.grade import Curves, Recipe
from tests.profile.documents import OLD, SINGLE, changed

ENDURA = "Kodak Endura Premier"


def recipe(document: dict[str, Any], **options: Any) -> Recipe:
    return resolve.recipe(loading.preset(document, "p.json"), **options)


def graded(**cc: Any) -> Recipe:
    return recipe({"version": 3, "cc_params": cc})


def test_every_figure_of_the_preset_arrives() -> None:
    found = recipe(SINGLE)
    assert found.profile == "p"
    assert found.film.name == "color_negative_c41"
    assert found.input_space.name == "my scanner"
    assert found.input_space.primaries == ((0.66, 0.32), (0.26, 0.67), (0.15, 0.05))
    assert found.input_space.white == (0.32, 0.34)
    assert found.working_space.name == "KodakEnduraPremier"
    assert (found.density_gamma, found.density_dmax) == (1.2, 2.1)
    assert found.rgb_gains == (0.1, 0.0, -0.2)
    assert found.matrix == ((1.1, 0.1, 0.0), (0.0, 0.9, 0.05), (0.0, 0.0, 1.0))
    assert found.channel_gamma == (1.1, 0.9)
    assert found.curves == Curves(rgb=((0.0, 0.0), (0.4, 0.5), (1.0, 1.0)))
    assert found.screen_glare_compensation == 0.01
    assert found.adaptation == "ratio"


def test_absent_keys_have_the_documented_default() -> None:
    found = recipe({"version": 3, "cc_params": {}})
    assert (found.density_gamma, found.density_dmax) == (1.0, 2.5)
    assert found.rgb_gains == (0.0, 0.0, 0.0)
    assert found.channel_gamma == (1.0, 1.0)
    assert found.matrix is None
    assert found.curves == Curves()
    assert found.screen_glare_compensation == 0.0
    assert found.input_space == library.space("KodakEnduraPremier")


def test_without_a_grade_the_film_type_gives_starting_values() -> None:
    found = recipe({"version": 3, "metadata": {"film_type": "b&w_reversal"}})
    assert (found.density_dmax, found.density_gamma) == (1.0, 1.0)
    assert found.curves == library.curve("Ilford MGFB 2")


@pytest.mark.parametrize(("channels", "film"), [(3, "color_negative_c41"), (1, "b&w_negative")])
def test_without_a_film_type_the_channels_decide(channels: int, film: str) -> None:
    assert recipe({"version": 3, "cc_params": {}}, channels=channels).film.name == film
    assert recipe(SINGLE, channels=channels).film.name == "color_negative_c41"


def test_the_working_space_may_be_another_with_that_role() -> None:
    assert recipe(SINGLE, working="ACEScg").working_space.name == "ACEScg"
    with pytest.raises(ProfileError, match="no working color space is called 'sRGB'"):
        recipe(SINGLE, working="sRGB")


# ---------------------------------------------------------------- the matrix


def test_matrix_values_win_over_the_name() -> None:
    assert recipe(changed(SINGLE, "cc_params.density_matrix.name", "9000ed_u400")).matrix == (
        (1.1, 0.1, 0.0),
        (0.0, 0.9, 0.05),
        (0.0, 0.0, 1.0),
    )


@pytest.mark.parametrize("name", ["9000ed_u400", "9000ED U400", " *9000ed__u400"])
def test_a_matrix_name_is_looked_up(name: str) -> None:
    found = graded(density_matrix={"name": name, "values": None})
    assert found.matrix == library.matrices()["9000ed_u400"]


@pytest.mark.parametrize("name", ["custom", "", "Identity"])
def test_no_matrix(name: str) -> None:
    assert graded(density_matrix={"name": name}).matrix is None


def test_a_matrix_that_does_not_ship_is_an_error() -> None:
    with pytest.raises(
        ProfileError,
        match=r"\$\.cc_params\.density_matrix\.name: no density matrix"
        " is called 'u400_5000ed'",
    ):
        graded(density_matrix={"name": "u400_5000ed"})


# ---------------------------------------------------------------- the curves


@pytest.mark.parametrize(
    "name",
    [
        ENDURA,
        "kodak endura premier",
        "*Kodak Endura Premier",
        "Kodak_Endura__Premier",
        "* KODAK  endura_ premier ",
    ],
)
def test_a_curve_name_is_looked_up(name: str) -> None:
    identity = [[0.0, 0.0], [1.0, 1.0]]
    for points in (None, {}, {"rgb": []}, {"rgb": identity}, {"rgb": identity, "r": identity}):
        found = graded(density_curve={"name": name, "points": points})
        assert found.curves == library.curves()[ENDURA]


def test_points_win_over_the_name() -> None:
    found = graded(density_curve={"name": ENDURA, "points": {"g": [[0, 0.1], [1, 1]]}})
    assert found.curves == Curves(g=((0.0, 0.1), (1.0, 1.0)))


@pytest.mark.parametrize("name", [None, "", "linear", "custom", "*Custom"])
def test_no_curve(name: str | None) -> None:
    assert (
        graded(density_curve={"name": name, "points": {"r": [[0, 0], [1, 1]]}}).curves == Curves()
    )


def test_a_curve_that_does_not_ship_is_an_error() -> None:
    with pytest.raises(
        ProfileError,
        match=r"\$\.cc_params\.density_curve\.name: .*did you mean "
        "'Kodak 2383'",
    ):
        graded(density_curve={"name": "Kodak 2838"})


def test_points_are_sorted_and_a_jump_keeps_its_sides() -> None:
    rising = [[0.0, 0.1], [0.5, 0.2], [0.5, 0.8], [1.0, 0.9]]
    expected = tuple((x, y) for x, y in rising)
    for points in (rising, rising[::-1]):
        assert graded(density_curve={"points": {"rgb": points}}).curves.rgb == expected
    mixed = [rising[2], rising[0], rising[3]]
    assert graded(density_curve={"points": {"rgb": mixed}}).curves.rgb == (
        (0.0, 0.1),
        (0.5, 0.8),
        (1.0, 0.9),
    )


# ---------------------------------------------------------------- where it came from


def test_the_hash_is_over_the_numbers() -> None:
    first = recipe(SINGLE)
    renamed = recipe(changed(SINGLE, "idt.name", "another scanner"))
    assert renamed.sha256 == first.sha256
    assert len(first.sha256) == 64
    for path, value in (
        ("cc_params.density_dmax", 2.2),
        ("cc_params.rgb_gains.2", 0.0),
        ("cc_params.density_matrix.values.0.0", 1.0),
        ("cc_params.density_curve.points.rgb.1.1", 0.6),
        ("cc_params.channel_gamma.b", 1.0),
        ("idt.gamma", 1.1),
        ("idt.white.x", 0.33),
        ("metadata.film_type", "digital"),
        ("adaptation", "bradford"),
        ("camera_white_balance", "as_shot"),
    ):
        assert recipe(changed(SINGLE, path, value)).sha256 != first.sha256, path


def test_a_recipe_crosses_a_process_border_unchanged() -> None:
    from divere_cli.records import serialize

    found = recipe(SINGLE)
    text = json.dumps(serialize.to_plain(found))
    assert serialize.from_plain(Recipe, json.loads(text)) == found
    assert hashing.digest(found) == found.sha256


def test_where_each_figure_came_from() -> None:
    preset = loading.preset(
        {"base": "9000ed-ultramax400", "cc_params": {"density_dmax": 2.0}}, "p.json"
    )
    origins = resolve.resolve(preset).origins
    assert origins["density_dmax"] == "preset"
    assert origins["density_matrix"] == "base 9000ed-ultramax400, shipped '9000ed_u400'"
    assert origins["density_curve"] == "base c41-endura-premier, shipped 'Kodak Endura Premier'"
    assert origins["screen_glare_compensation"] == "default"
    assert origins["film_type"] == "base 9000ed-ultramax400"


def test_a_switch_that_the_film_type_overrules_is_a_warning() -> None:
    document = {"cc_params": {"enable_density_matrix": True, "enable_density_inversion": False}}
    warnings = resolve.resolve(loading.preset(document, "p.json")).warnings
    assert warnings == (
        "p.json: $.cc_params.enable_density_inversion is false, which has no effect: "
        "film type color_negative_c41 decides",
    )


def test_an_old_preset_means_the_same() -> None:
    found = recipe(OLD)
    assert (found.density_gamma, found.density_dmax) == (1.3, 2.6)
    assert found.rgb_gains == (0.1, 0.0, -0.1)
    assert found.matrix == ((1.1, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.9))
    assert found.curves == Curves(rgb=((0.0, 0.0), (0.5, 0.6), (1.0, 1.0)))
    assert found.screen_glare_compensation == 0.02
    assert found.input_space.primaries == ((0.66, 0.32), (0.26, 0.67), (0.15, 0.05))
    assert found.input_space.gamma == 1.1


def test_the_published_presets_resolve(shared: Path) -> None:
    cases = json.loads((shared / "oracle" / "cases.json").read_text(encoding="utf-8"))
    assert len(cases) == 34
    for case in cases:
        preset = loading.preset(case["preset"], case["name"])
        assert preset.warnings == ()
        resolved = resolve.resolve(preset)
        assert resolved.warnings == ()
        given = case["preset"]["cc_params"]
        assert resolved.recipe.rgb_gains == tuple(given["rgb_gains"])
        assert resolved.recipe.density_dmax == given["density_dmax"]
        assert len(resolved.recipe.curves.g) == 20
        assert resolved.recipe.curves.rgb == ()
        assert library.output_space(case["color_space"]).name == case["color_space"]
