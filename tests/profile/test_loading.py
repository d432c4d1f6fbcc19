"""Strict loading of one preset and of a folder's presets."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import loading
from tests.profile.documents import OLD, SHEET, SINGLE, changed


def write(path: Path, document: Any) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def refused(tmp_path: Path, document: Any) -> str:
    with pytest.raises(ProfileError) as caught:
        loading.load(write(tmp_path / "p.json", document))
    assert caught.value.message.startswith(str(tmp_path / "p.json") + ": ")
    assert "\n" not in caught.value.message
    return caught.value.message.removeprefix(str(tmp_path / "p.json") + ": ")


def test_a_preset_is_read_key_by_key(tmp_path: Path) -> None:
    preset = loading.load(write(tmp_path / "mine.json", SINGLE))
    assert preset.label == "mine"
    assert preset.warnings == ()
    assert preset.metadata is not None
    assert preset.metadata.orientation == 90
    assert preset.metadata.crop == (0.1, 0.2, 0.5, 0.6)
    assert preset.idt is not None
    assert preset.idt.primitives is not None
    assert preset.idt.primitives.g.pair() == (0.26, 0.67)
    assert preset.cc_params is not None
    assert preset.cc_params.rgb_gains == (0.1, 0.0, -0.2)
    assert preset.cc_params.density_matrix is not None
    assert preset.cc_params.density_matrix.values is not None
    assert preset.cc_params.density_matrix.values[1] == (0.0, 0.9, 0.05)
    assert preset.cc_params.channel_gamma is not None
    assert preset.cc_params.channel_gamma.b == 0.9


def test_another_programs_file_is_no_preset(tmp_path: Path) -> None:
    message = "$ is no preset: divere knows none of its keys"
    assert refused(tmp_path, {"version": 3, "exposure": 1.0}) == message
    assert loading.load(write(tmp_path / "empty.json", {"version": 3})).cc_params is None


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "cc_params.rgb_gains.1",
            "a",
            '$.cc_params.rgb_gains[1] is "a"; allowed: a number from -5 to 5',
        ),
        (
            "cc_params.rgb_gains.1",
            True,
            "$.cc_params.rgb_gains[1] is true; allowed: a number from -5 to 5",
        ),
        (
            "cc_params.rgb_gains.1",
            None,
            "$.cc_params.rgb_gains[1] is null; allowed: a number from -5 to 5",
        ),
        (
            "cc_params.rgb_gains",
            [0, 0],
            "$.cc_params.rgb_gains is [0, 0]; allowed: 3 numbers, each from -5 to 5",
        ),
        (
            "cc_params.density_gamma",
            0,
            "$.cc_params.density_gamma is 0; allowed: a number from 0.1 to 5",
        ),
        (
            "cc_params.density_dmax",
            1e300,
            "$.cc_params.density_dmax is 1e+300; allowed: a number from 0 to 6",
        ),
        (
            "cc_params.channel_gamma.r",
            3,
            "$.cc_params.channel_gamma.r is 3; allowed: a number from 0.5 to 2",
        ),
        (
            "metadata.orientation",
            45,
            "$.metadata.orientation is 45; allowed: one of 0, 90, 180, 270",
        ),
        (
            "metadata.crop",
            [0.6, 0, 0.5, 1],
            "$.metadata.crop is [0.6, 0.0, 0.5, 1.0]; "
            "allowed: a crop inside the frame, larger than nothing",
        ),
        (
            "metadata.crop",
            [0, 0, 0, 1],
            "$.metadata.crop is [0.0, 0.0, 0.0, 1.0]; "
            "allowed: a crop inside the frame, larger than nothing",
        ),
        (
            "film_base_region",
            [0, 0.6, 1, 0.5],
            "$.film_base_region is [0.0, 0.6, 1.0, 0.5]; "
            "allowed: a region inside the frame, larger than nothing",
        ),
        (
            "film_base_region",
            [0, 0, 0, 1],
            "$.film_base_region is [0.0, 0.0, 0.0, 1.0]; "
            "allowed: a region inside the frame, larger than nothing",
        ),
        (
            "film_base_region",
            [0, 0, 1],
            "$.film_base_region is [0, 0, 1]; allowed: [x, y, width, height], each from 0 to 1",
        ),
        (
            "film_base_region",
            [0, 0, 1, "x"],
            '$.film_base_region[3] is "x"; allowed: a number from 0 to 1',
        ),
        (
            "idt.primitives.g",
            {"x": 0.66, "y": 0.32},
            "$.idt.primitives is [[0.66, 0.32], [0.66, 0.32], [0.15, 0.05]]; "
            "allowed: primaries that span a triangle",
        ),
        (
            "idt.primitives.b",
            ...,
            "$.idt.primitives.b is missing; needed: an object with x, y",
        ),
        ("idt.white.y", 0, "$.idt.white.y is 0.0; allowed: a number above 0"),
        (
            "idt.white",
            {"x": 0.66, "y": 0.32},
            "$.idt.white is [0.66, 0.32]; allowed: a white that is no mixture of two primaries",
        ),
        ("version", 4, "$.version is 4; allowed: 1, 2 or 3 (written by a newer DiVERE?)"),
        ("version", "3", '$.version is "3"; allowed: 1, 2 or 3'),
        ("version", True, "$.version is true; allowed: 1, 2 or 3"),
        ("type", "folder", '$.type is "folder"; allowed: one of single, contactsheet'),
        (
            "cc_params.density_curve.points.rgb",
            [[0, 0]],
            "$.cc_params.density_curve.points.rgb is [[0, 0]]; "
            "allowed: a list of 2 to 4096 points [x, y], or an empty one",
        ),
        (
            "cc_params.density_curve.points.rgb.1",
            [0, 0, 1],
            "$.cc_params.density_curve.points.rgb[1] is [0, 0, 1]; "
            "allowed: a point [x, y], each from -1 to 2",
        ),
        (
            "cc_params.density_matrix.values.2.0",
            "x",
            '$.cc_params.density_matrix.values[2][0] is "x"; allowed: a number from -10 to 10',
        ),
    ],
)
def test_an_error_names_the_value_and_the_allowed_ones(
    tmp_path: Path, path: str, value: Any, message: str
) -> None:
    assert refused(tmp_path, changed(SINGLE, path, value)) == message


def test_a_list_is_refused_as_a_preset(tmp_path: Path) -> None:
    assert refused(tmp_path, [SINGLE]) == "$ is [...]; allowed: an object, a preset".replace(
        "[...]", json.dumps([SINGLE])[:57] + "..."
    )


def test_all_problems_are_counted(tmp_path: Path) -> None:
    bad = changed(changed(SINGLE, "cc_params.density_dmax", "a"), "metadata.orientation", 1)
    assert refused(tmp_path, bad).endswith(" (and 1 more)")


@pytest.mark.parametrize("path", ["metadata.crop", "cc_params", "cc_params.density_matrix.values"])
def test_null_is_the_same_as_absent(tmp_path: Path, path: str) -> None:
    null = loading.load(write(tmp_path / "p.json", changed(SINGLE, path, None)))
    absent = loading.load(write(tmp_path / "p.json", changed(SINGLE, path, ...)))
    assert null == absent


def test_an_unknown_key_is_a_warning_that_names_it(tmp_path: Path) -> None:
    document = changed(SINGLE, "cc_params.saturation", 1.5)
    preset = loading.load(write(tmp_path / "p.json", document))
    assert preset.warnings == (
        f"{tmp_path / 'p.json'}: $.cc_params.saturation is not a key that divere knows; "
        "it has no effect",
    )


def test_the_key_by_which_editors_find_the_schema_is_known(tmp_path: Path) -> None:
    schema = {"$schema": "divere-preset.schema.json"}
    assert loading.load(write(tmp_path / "p.json", {**schema, **SINGLE})).warnings == ()
    path = write(tmp_path / "divere_presets.json", {**schema, "a.tif": SINGLE})
    assert list(loading.load_folder(path).entries) == ["a.tif"]


@pytest.mark.parametrize(
    "crop",
    [[0.1, 0.0, 0.9000000000000001, 1.0], [-1e-17, 0.0, 1.0000000000000002, 1.0]],
)
def test_a_crop_that_ends_a_rounding_error_outside_is_inside(
    tmp_path: Path, crop: list[float]
) -> None:
    found = loading.load(write(tmp_path / "p.json", changed(SINGLE, "metadata.crop", crop)))
    assert found.metadata is not None
    assert found.metadata.crop is not None
    assert all(0.0 <= value <= 1.0 for value in found.metadata.crop)


def test_an_old_preset_is_read_and_its_own_paths_are_named(tmp_path: Path) -> None:
    preset = loading.load(write(tmp_path / "p.json", OLD))
    assert preset.warnings == ()
    bad = changed(OLD, "grading_params.rgb_gains.2", "x")
    assert refused(tmp_path, bad).startswith('$.grading_params.rgb_gains[2] is "x"; ')
    bad = changed(OLD, "input_transformation.definition.white_point", [0.3, "x"])
    assert refused(tmp_path, bad).startswith(
        '$.input_transformation.definition.white_point.y is "x"; '
    )


@pytest.mark.parametrize("crop", [0, 1])
def test_each_crop_of_a_sheet_is_checked(tmp_path: Path, crop: int) -> None:
    bad = changed(SHEET, f"crops.{crop}.metadata.crop", [0.9, 0, 0.5, 1])
    assert refused(tmp_path, bad).startswith(f"$.crops[{crop}].metadata.crop is ")


def test_a_folder_finds_a_scan_in_nfc_and_in_nfd(tmp_path: Path) -> None:
    name = "Müller é 1.tif"
    for stored in ("NFC", "NFD"):
        entries = {unicodedata.normalize(stored, name): SINGLE}  # type: ignore[arg-type]
        folder = loading.load_folder(write(tmp_path / "divere_presets.json", entries))
        for asked in ("NFC", "NFD"):
            scan = unicodedata.normalize(asked, name)  # type: ignore[arg-type]
            assert folder.has(scan)
            assert folder.entry(scan).cc_params is not None
        assert not folder.has("Muller e 1.tif")


def test_a_scan_named_twice_is_refused(tmp_path: Path) -> None:
    entries = {unicodedata.normalize(form, "é.tif"): SINGLE for form in ("NFC", "NFD")}  # type: ignore[arg-type]
    with pytest.raises(ProfileError, match="name the same file"):
        loading.load_folder(write(tmp_path / "divere_presets.json", entries))


def test_only_the_entry_that_is_asked_for_is_checked(tmp_path: Path) -> None:
    entries = {"a.tif": SINGLE, "b b.tif": changed(SINGLE, "cc_params.density_dmax", -1)}
    folder = loading.load_folder(write(tmp_path / "divere_presets.json", entries))
    folder.entry("a.tif")
    with pytest.raises(ProfileError, match=r'\$\["b b\.tif"\]\.cc_params\.density_dmax is -1'):
        folder.entry("b b.tif")


@pytest.mark.parametrize("document", [[], 3, SINGLE])
def test_an_invalid_presets_file_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(ProfileError, match=r"\$ is a .*; allowed: an object"):
        loading.load_folder(write(tmp_path / "divere_presets.json", document))


def test_a_folder_may_be_empty(tmp_path: Path) -> None:
    folder = loading.load_folder(write(tmp_path / "divere_presets.json", {}))
    assert not folder.has("a.tif")
    assert folder.folder_default() is None
