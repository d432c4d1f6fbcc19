"""Descriptions of presets: figures, units and origins."""

from __future__ import annotations

from divere_cli.profile import description, library, loading
from tests.profile.documents import SHEET, SINGLE


def test_each_figure_with_its_unit_and_origin() -> None:
    found = description.describe(library.load("9000ed-ultramax400"))
    assert found.title == "Kodak Ultramax 400 on the 9000 ED"
    assert dict(found.notes)["scanner"] == "Nikon Super Coolscan 9000 ED"
    (picture,) = found.pictures
    rows = {row.name: row for row in picture.rows}
    assert rows["density dmax"].value == "2.5"
    assert rows["density dmax"].unit == "log10"
    assert rows["density dmax"].origin == "base c41-endura-premier"
    assert rows["density matrix"].value.startswith("0.9454 0.0746 0.0401 / ")
    assert rows["density matrix"].origin == "preset, shipped '9000ed_u400'"
    assert rows["density curve"].value == "r: 20 points, g: 20 points, b: 20 points"
    assert rows["steps"].value == "invert, matrix, gains, curve"
    assert rows["input gamma"].value == "1"
    assert picture.origins["screen_glare_compensation"] == "default"


def test_every_picture_of_a_sheet() -> None:
    found = description.describe(loading.preset(SHEET, "sheet.json"))
    assert [picture.crop_name for picture in found.pictures] == ["left", "right"]
    values = [{row.name: row.value for row in picture.rows} for picture in found.pictures]
    assert [value["density dmax"] for value in values] == ["2.2", "3"]
    assert found.name == "sheet"


def test_the_metadata_of_a_preset_are_described() -> None:
    found = description.describe(loading.preset(SINGLE, "p.json"))
    assert dict(found.notes) == {"note": "two\nlines"}
    assert found.title == ""
    (picture,) = found.pictures
    assert (picture.crop, picture.orientation) == ((0.1, 0.2, 0.5, 0.6), 90)
