"""Written presets are read back unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import crops, document, inherit, library, loading, writing
from tests.profile.documents import SHEET, SINGLE, changed


@pytest.mark.parametrize("source", [SINGLE, SHEET], ids=["single", "sheet"])
def test_a_preset_survives_a_round_trip(source: dict[str, Any]) -> None:
    first = loading.preset(source, "p.json")
    again = loading.preset(writing.plain(first, "a b.tif"), "p.json")
    assert crops.cuts(again) == crops.cuts(first)
    assert again.metadata is not None
    assert again.metadata.raw_file == "a b.tif"
    assert again.type == source["type"]


def test_shipped_profiles_can_be_written_with_their_bases_merged() -> None:
    for name in library.names():
        merged = inherit.complete(library.load(name))
        written = writing.plain(merged)
        assert "base" not in written
        assert written["metadata"]["raw_file"] == ""  # type: ignore[index, call-overload]
        again = loading.preset(written, "p.json")
        assert crops.cuts(again).sha256 == crops.cuts(merged).sha256


@pytest.mark.parametrize("name", ["9000ed-portra400", "bw-ilford-mgfb-3", "c41-neutral"])
def test_a_recipe_written_as_a_preset_is_the_same_recipe(name: str) -> None:
    recipe = crops.cuts(library.load(name)).cuts[0].recipe
    written = document.preset(recipe, {"raw_file": "a.tif", "orientation": 90})
    (cut,) = crops.cuts(loading.preset(written, "p.json")).cuts
    assert cut.recipe.sha256 == recipe.sha256
    assert cut.orientation == 90


def test_a_folder_file_serves_its_scans(tmp_path: Path) -> None:
    entries = {"ä b.tif": SINGLE, "s.tif": SHEET}
    path = tmp_path / "divere_presets.json"
    path.write_bytes(writing.folder(entries, {"cc_params": {"density_dmax": 2.0}}))
    folder = loading.load_folder(str(path))
    assert folder.entry("ä b.tif").cc_params == loading.preset(SINGLE, "p").cc_params
    assert len(crops.cuts(folder.entry("s.tif")).cuts) == 2
    default = folder.folder_default()
    assert default is not None
    assert default.cc_params is not None
    assert default.cc_params.density_dmax == 2.0
    assert "ä b.tif" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "entry",
    [
        changed(SINGLE, "cc_params.density_gamma", float("nan")),
        changed(SINGLE, "cc_params.density_gamma", 100),
        changed(SINGLE, "idt.name", "\udc80"),
        changed(SINGLE, "metadata.raw_file", "\x1b"),
    ],
)
def test_presets_that_could_not_be_read_back_are_not_written(entry: dict[str, Any]) -> None:
    with pytest.raises(ProfileError):
        writing.folder({"a.tif": entry}, None)


def test_a_scan_cannot_have_the_name_of_the_folder_default() -> None:
    with pytest.raises(ProfileError, match="folder_default"):
        writing.folder({"folder_default": SINGLE}, None)


def test_keys_are_those_that_divere_knows() -> None:
    written = json.loads(
        writing.folder({"a.tif": writing.plain(loading.preset(SINGLE, "p"))}, None)
    )
    assert set(written["a.tif"]) == {"version", "type", "metadata", "idt", "cc_params"}
    assert set(written["a.tif"]["cc_params"]) == set(SINGLE["cc_params"])
    assert loading.preset(written["a.tif"], "p").warnings == ()
