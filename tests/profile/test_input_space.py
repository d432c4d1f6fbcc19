"""The input color space that a preset's IDT gives."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import library, loading, resolve
from divere_cli.records.grade import Recipe
from tests.profile.documents import SINGLE, changed


def recipe(document: dict[str, Any]) -> Recipe:
    return resolve.recipe(loading.preset(document, "p.json"))


FIGURES = SINGLE["idt"]


def test_a_shipped_name_means_the_shipped_figures_and_only_gamma_is_the_presets() -> None:
    found = recipe(changed(SINGLE, "idt", {**FIGURES, "name": "9000ED", "gamma": 1.7}))
    assert found.input_space == dataclasses.replace(library.space("9000ED"), gamma=1.7)


def test_figures_that_a_shipped_name_overrules_are_a_warning() -> None:
    preset = loading.preset(changed(SINGLE, "idt.name", "Hasselblad_X5"), "p.json")
    assert resolve.resolve(preset).warnings == (
        "p.json: $.idt.primitives have no effect: the name means the shipped space Hasselblad_X5",
    )
    space = library.space("Hasselblad_X5")
    assert space.primaries is not None
    pairs = [{"x": x, "y": y} for x, y in (*space.primaries, space.white)]
    same = {
        "name": space.name,
        "primitives": dict(zip("rgb", pairs[:3], strict=True)),
        "white": pairs[3],
    }
    assert resolve.resolve(loading.preset(changed(SINGLE, "idt", same), "p.json")).warnings == ()


@pytest.mark.parametrize("name", [n for n, s in library.spaces().items() if s.legacy])
def test_a_legacy_name_serves_only_without_figures(name: str) -> None:
    assert recipe(changed(SINGLE, "idt", {"name": name})).input_space == library.space(name)
    own = recipe(changed(SINGLE, "idt.name", name)).input_space
    assert own.primaries == ((0.66, 0.32), (0.26, 0.67), (0.15, 0.05))


def test_a_name_alone_must_ship() -> None:
    with pytest.raises(
        ProfileError,
        match=r"p\.json: \$\.idt\.name: no input color space is "
        r"called '9000_ED'; did you mean '9000ED'\?",
    ):
        recipe(changed(SINGLE, "idt", {"name": "9000_ED"}))


def test_a_gray_space_is_no_input() -> None:
    with pytest.raises(ProfileError, match=r"\$\.idt\.name is 'Gray_Gamma_2_2'; allowed"):
        recipe(changed(SINGLE, "idt", {"name": "Gray_Gamma_2_2"}))


@pytest.mark.parametrize("part", ["white", "primitives"])
def test_an_input_space_without_all_figures_is_refused(part: str) -> None:
    with pytest.raises(ProfileError, match=rf"\$\.idt\.{part} is missing"):
        recipe(changed(SINGLE, f"idt.{part}", ...))


def test_figures_need_no_name() -> None:
    assert recipe(changed(SINGLE, "idt.name", ...)).input_space.name == "custom"


@pytest.mark.parametrize("name", ["eciRGB_v2", "ACEScct"])
def test_an_encoding_that_is_no_power_is_refused_for_scans(name: str) -> None:
    """The name alone is unknown as it was; figures of a user's own stay his."""
    with pytest.raises(ProfileError, match=f"no input color space is called '{name}'"):
        recipe(changed(SINGLE, "idt", {"name": name}))
    own = recipe(changed(SINGLE, "idt", {**FIGURES, "name": name})).input_space
    assert (own.name, own.transfer) == (name, "power")
    assert own.primaries != library.space(name).primaries


def test_an_input_space_that_the_preset_leaves_out_is_reported_as_the_default() -> None:
    without = {name: value for name, value in SINGLE.items() if name != "idt"}
    assert resolve.resolve(loading.preset(without, "p.json")).origins["idt"] == "default"
    assert resolve.resolve(loading.preset(SINGLE, "p.json")).origins["idt"] == "preset"
