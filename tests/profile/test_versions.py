"""Presets of older versions are read with the keys of the current one."""

from __future__ import annotations

from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import loading
from divere_cli.profile.diagnostics import Findings, Place
from divere_cli.profile.versions import upgrade
from tests.profile.documents import MY_SCANNER, OLD, SINGLE, changed


def upgraded(document: Any) -> Any:
    findings = Findings()
    found = upgrade(document, Place(findings))
    assert findings.problems == []
    return found.value


def test_the_keys_of_version_2_under_their_present_names() -> None:
    assert upgraded(OLD) == {
        "version": 3,
        "type": "single",
        "metadata": {"raw_file": "IMG 1.tif", "orientation": 180, "crop": [0.0, 0.0, 0.5, 0.5]},
        "idt": {**MY_SCANNER, "gamma": 1.1},
        "cc_params": {
            "density_gamma": 1.3,
            "density_dmax": 2.6,
            "rgb_gains": [0.1, 0.0, -0.1],
            "screen_glare_compensation": 0.02,
            "density_matrix": {"values": [[1.1, 0, 0], [0, 1, 0], [0, 0, 0.9]]},
            "density_curve": {
                "name": "mine",
                "points": {
                    "rgb": [[0.0, 0.0], [0.5, 0.6], [1.0, 1.0]],
                    "r": [[0.0, 0.0], [1.0, 1.0]],
                    "g": None,
                    "b": None,
                },
            },
        },
    }


@pytest.mark.parametrize("version", [1, 2, ...])
def test_an_absent_version_is_inferred_from_the_keys(version: Any) -> None:
    assert upgraded(changed(OLD, "version", version)) == upgraded(OLD)
    expected = {**SINGLE, "version": 3}
    if version is ...:
        del expected["version"]
    assert upgraded(changed(SINGLE, "version", version)) == expected


@pytest.mark.parametrize(
    "definition",
    [
        {"white_point_xy": [0.3, 0.33], "primaries_xy": [[0.6, 0.3], [0.2, 0.7], [0.1, 0.05]]},
        {
            "white": {"x": 0.3, "y": 0.33},
            "primaries": {"R": [0.6, 0.3], "G": [0.2, 0.7], "B": [0.1, 0.05]},
        },
    ],
)
def test_the_spellings_of_an_old_input_space(definition: dict[str, Any]) -> None:
    for name in ("input_transformation", "input_color_space"):
        old = changed(OLD, "input_transformation", ...)
        old[name] = {"name": "x", "definition": definition}
        assert upgraded(old)["idt"] == {
            "name": "x",
            "white": {"x": 0.3, "y": 0.33},
            "primitives": {
                "r": {"x": 0.6, "y": 0.3},
                "g": {"x": 0.2, "y": 0.7},
                "b": {"x": 0.1, "y": 0.05},
            },
        }


def test_matrix_and_curve_at_the_top() -> None:
    old = {
        "density_matrix": {"name": "m", "values": None},
        "density_curve": {"name": "c", "points": [[0, 0], [1, 1]]},
        "grading_params": {"curve_points": [[0, 0], [1, 0.9]], "density_matrix_file": "other"},
    }
    assert upgraded(old)["cc_params"] == {
        "density_matrix": {"name": "m"},
        "density_curve": {
            "name": "c",
            "points": {"rgb": [[0, 0], [1, 0.9]], "r": None, "g": None, "b": None},
        },
    }


def test_the_top_of_the_file_wins_over_grading_params() -> None:
    top, below = [[1, 0, 0], [0, 1, 0], [0, 0, 2]], [[3, 0, 0], [0, 1, 0], [0, 0, 1]]
    old = {
        "density_matrix": {"name": "top", "values": top},
        "density_curve": {"name": "top", "points": [[0, 0], [1, 0.8]]},
        "grading_params": {
            "density_matrix": below,
            "density_matrix_name": "below",
            "density_curve_name": "below",
            "curve_points": [[0, 0], [1, 0.9]],
        },
    }
    found = upgraded(old)["cc_params"]
    assert found["density_matrix"] == {"name": "top", "values": top}
    assert found["density_curve"]["name"] == "top"
    assert found["density_curve"]["points"]["rgb"] == [[0, 0], [1, 0.8]]


def test_unknown_keys_of_an_old_preset_are_named() -> None:
    old = changed(changed(OLD, "grading_params.saturation", 1), "colour", 2)
    warnings = loading.preset(old, "p.json").warnings
    assert [w.split(" is not a key")[0] for w in warnings] == [
        "p.json: $.colour",
        "p.json: $.grading_params.saturation",
    ]


@pytest.mark.parametrize("name", ["contactsheets", "bundle"])
def test_an_old_contact_sheet_is_refused_rather_than_half_read(name: str) -> None:
    with pytest.raises(ProfileError, match=rf"\$\.{name} is a contact sheet of an older version"):
        loading.preset({**OLD, name: {}}, "p.json")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("grading_params", [], None),
        ("grading_params", [1], r"\$\.grading_params is \[1\]"),
        ("grading_params.density_matrix", "x", r"\$\.grading_params\.density_matrix is \"x\""),
        ("grading_params.curve_points.1", 3, r"\$\.grading_params\.curve_points\[1\] is 3"),
        ("input_transformation", "sRGB", r"\$\.input_transformation is \"sRGB\""),
        ("orientation", 12, r"\$\.orientation is 12"),
    ],
)
def test_problems_have_the_paths_of_the_old_file(
    path: str, value: Any, message: str | None
) -> None:
    document = changed(OLD, path, value)
    if message is None:
        loading.preset(document, "p.json")
        return
    with pytest.raises(ProfileError, match=message):
        loading.preset(document, "p.json")
