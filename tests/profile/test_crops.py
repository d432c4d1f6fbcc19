"""The pictures of a contact sheet and their grades."""

from __future__ import annotations

from typing import Any

import pytest

from divere_cli.profile import crops as contactsheet
from divere_cli.profile import library, loading
from tests.profile.documents import SHEET, SINGLE, changed


def cuts(document: dict[str, Any], **options: Any) -> contactsheet.Cuts:
    return contactsheet.cuts(loading.preset(document, "p.json"), **options)


def test_a_single_preset_is_one_picture_without_a_name() -> None:
    (cut,) = cuts(SINGLE).cuts
    assert (cut.crop, cut.orientation, cut.crop_name) == ((0.1, 0.2, 0.5, 0.6), 90, "")
    (whole,) = cuts({"version": 3}).cuts
    assert (whole.crop, whole.orientation) == ((0.0, 0.0, 1.0, 1.0), 0)


def test_each_crop_has_its_own_grade_or_the_sheets() -> None:
    left, right = cuts(SHEET).cuts
    assert (left.crop_name, right.crop_name) == ("left", "right")
    assert left.crop == (0.0, 0.0, 0.5, 1.0)
    assert left.recipe.input_space == library.space("9000ED")
    assert right.recipe.input_space.name == "Hasselblad_X5"
    assert (left.recipe.density_dmax, right.recipe.density_dmax) == (2.2, 3.0)
    assert left.recipe.film.name == right.recipe.film.name == "color_negative_ecn2"
    assert left.orientation == right.orientation == 0


@pytest.mark.parametrize("crops", [[], None, ...])
def test_a_sheet_without_crops_is_the_whole_frame(crops: Any) -> None:
    document = changed(changed(SHEET, "crops", crops), "metadata.crop", [0, 0, 0.5, 0.5])
    (whole,) = cuts(document).cuts
    assert whole.crop == (0.0, 0.0, 1.0, 1.0)
    assert whole.orientation == 270
    assert whole.recipe.density_dmax == 2.2


def test_a_preset_with_crops_is_a_contact_sheet() -> None:
    assert len(cuts(changed(SHEET, "type", ...)).cuts) == 2
    assert len(cuts(changed(SHEET, "type", "single")).cuts) == 1
    warnings = cuts(changed(SHEET, "type", "single")).warnings
    assert warnings == ("p.json: $.crops are not used: the type is single",)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "a", "A", "a_2"], ["a", "a_2", "A_3", "a_2_2"]),
        (["../../etc", "a/b", "c:d", ". ."], [".._.._etc".strip(" ."), "a_b", "c_d", "id3"]),
        ([None, "", "裁剪 1", "  x. "], ["id0", "id1", "裁剪 1", "x"]),
    ],
)
def test_names_are_safe_and_unique_in_a_folder(
    names: list[str | None], expected: list[str]
) -> None:
    crops = [{"metadata": {"id": f"id{i}", "name": name}} for i, name in enumerate(names)]
    found = [cut.crop_name for cut in cuts({"type": "contactsheet", "crops": crops}).cuts]
    assert found == expected


def test_a_crop_without_a_name_is_numbered() -> None:
    found = cuts({"type": "contactsheet", "crops": [{}, {"metadata": {}}]}).cuts
    assert [cut.crop_name for cut in found] == ["crop_1", "crop_2"]
    assert found[0].crop == (0.0, 0.0, 1.0, 1.0)


def test_the_hash_covers_everything_that_determines_the_pictures() -> None:
    first = cuts(SHEET).sha256
    assert cuts(changed(SHEET, "active_crop_id", "a")).sha256 == first
    for path, value in (
        ("crops.0.metadata.crop", [0.0, 0.0, 0.4, 1.0]),
        ("crops.0.metadata.orientation", 90),
        ("crops.0.metadata.name", "links"),
        ("crops.1.cc_params.density_dmax", 2.9),
    ):
        assert cuts(changed(SHEET, path, value)).sha256 != first


def test_only_a_preset_without_a_film_type_needs_the_channels() -> None:
    assert not contactsheet.needs_channels(loading.preset(SHEET, "p"))
    assert contactsheet.needs_channels(
        loading.preset(changed(SHEET, "metadata.film_type", ...), "p")
    )
    based = {"base": "9000ed-ultramax400"}
    assert not contactsheet.needs_channels(loading.preset(based, "p"))
