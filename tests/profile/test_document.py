"""A recipe written as a preset is the same recipe when it is read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from divere_cli.profile import document, library, loading, resolve
from divere_cli.records.grade import Recipe


def read(recipe: Recipe) -> Recipe:
    written = json.loads(json.dumps(document.preset(recipe, {"raw_file": "a.tif"})))
    return resolve.recipe(loading.preset(written, "a.json"))


@pytest.mark.parametrize("name", library.names())
def test_every_shipped_profile_comes_back(name: str) -> None:
    recipe = resolve.recipe(library.load(name))
    assert read(recipe).sha256 == recipe.sha256


def test_every_figure_survives_a_round_trip() -> None:
    shipped = resolve.recipe(library.load("c41-endura-premier"))
    recipe = replace(
        shipped,
        density_gamma=1.37,
        density_dmax=2.21,
        rgb_gains=(0.11, -0.02, 0.3),
        channel_gamma=(1.1, 0.9),
        screen_glare_compensation=0.004,
        adaptation="bradford",
        camera_white_balance="as_shot",
    )
    found = read(recipe)
    assert replace(found, profile="", sha256="") == replace(recipe, profile="", sha256="")


def test_metadata_is_kept_and_the_film_type_added() -> None:
    recipe = resolve.recipe(library.load("bw-ilford-mgfb-2"))
    written = document.preset(recipe, {"raw_file": "a.tif", "orientation": 90})
    assert written["metadata"] == {
        "raw_file": "a.tif",
        "orientation": 90,
        "film_type": "b&w_negative",
    }


def test_names_are_labels_only() -> None:
    grade = document.grade(resolve.recipe(library.load("c41-endura-premier")))
    parts = grade["cc_params"]
    assert isinstance(parts, dict)
    for part in ("density_matrix", "density_curve"):
        named = parts[part]
        assert isinstance(named, dict)
        assert named["name"] == document.LABEL
