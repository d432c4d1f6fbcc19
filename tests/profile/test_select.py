"""Selecting the preset for each scan."""

from __future__ import annotations

import json
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from divere_cli.errors import ProfileError
from divere_cli.profile import library
from divere_cli.profile.divere_settings import Settings
from divere_cli.profile.select import Channels, Selector
from tests.profile.documents import SHEET, SINGLE, changed

DMAX_3 = {"idt": {"name": "9000ED"}, "cc_params": {"density_dmax": 3.0}}


@dataclass
class Header:
    channels: int = 3


def folder(tmp_path: Path, entries: dict[str, Any]) -> Path:
    path = tmp_path / "divere_presets.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def never() -> Channels:
    raise AssertionError("the header was read")


@pytest.mark.parametrize(
    ("name", "channels", "profile"),
    [
        ("a.tif", 3, "c41-portra-endura"),
        ("a.tif", 1, "bw-ilford-mgfb-2"),
        ("a.fff", 3, "imacon-fff"),
        ("a.FFF", 3, "imacon-fff"),
        ("a.fff", 1, "imacon-fff"),
    ],
)
def test_the_shipped_default_for_the_type(
    tmp_path: Path, name: str, channels: int, profile: str
) -> None:
    found = Selector().choose(str(tmp_path / name), Header(channels))
    assert found.profile.name == profile
    assert found.warnings == ()
    assert found.frames[0].recipe.film.monochrome == (channels == 1)
    assert found.source == "the shipped default for its type"


def test_the_scans_entry_before_the_folder_default(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.tif": SINGLE, "s.tif": SHEET, "folder_default": DMAX_3})
    selector = Selector("auto")
    entry = selector.choose(str(tmp_path / "a.tif"), never)
    assert entry.frames[0].recipe.density_dmax == 2.1
    assert (entry.profile.name, entry.source) == ("divere_presets", f"its entry in {path}")
    sheet = selector.choose(str(tmp_path / "s.tif"), never)
    assert [cut.crop_name for cut in sheet.frames] == ["left", "right"]
    default = selector.choose(str(tmp_path / "b.tif"), Header())
    assert default.frames[0].recipe.density_dmax == 3.0
    assert default.profile.name == "folder_default"
    gray = selector.choose(str(tmp_path / "b.tif"), lambda: Header(1))
    assert gray.frames[0].recipe.film.name == "b&w_negative"
    assert gray.profile.sha256 != default.profile.sha256


def test_a_scan_that_no_entry_serves_has_the_shipped_default(tmp_path: Path) -> None:
    folder(tmp_path, {"a.tif": SINGLE})
    found = Selector().choose(str(tmp_path / "b.tif"), Header())
    assert found.profile.name == "c41-portra-endura"


def test_names_match_in_nfc_and_nfd(tmp_path: Path) -> None:
    folder(tmp_path, {unicodedata.normalize("NFC", "Åse.tif"): SINGLE})
    scan = tmp_path / unicodedata.normalize("NFD", "Åse.tif")
    assert Selector().choose(str(scan), never).frames[0].recipe.density_dmax == 2.1


def test_an_invalid_entry_is_an_error_only_for_its_scan(tmp_path: Path) -> None:
    bad = changed(SINGLE, "cc_params.density_gamma", "x")
    folder(tmp_path, {"a.tif": bad, "b.tif": SINGLE})
    selector = Selector()
    selector.choose(str(tmp_path / "b.tif"), never)
    with pytest.raises(ProfileError, match=r'\$\["a\.tif"\]\.cc_params\.density_gamma is "x"'):
        selector.choose(str(tmp_path / "a.tif"), never)


def test_a_folder_file_is_read_once_and_each_folder_has_its_own(tmp_path: Path) -> None:
    for name, dmax in (("x", 1.0), ("y", 2.0)):
        (tmp_path / name).mkdir()
        folder(tmp_path / name, {"folder_default": {"cc_params": {"density_dmax": dmax}}})
    selector = Selector()

    def dmax_of(name: str) -> float:
        scan = str(tmp_path / name / "a.tif")
        return selector.choose(scan, Header()).frames[0].recipe.density_dmax

    assert [dmax_of("x"), dmax_of("y")] == [1.0, 2.0]
    folder(tmp_path / "x", {"folder_default": {"cc_params": {"density_dmax": 5.0}}})
    assert dmax_of("x") == 1.0


def test_an_unreadable_folder_file_is_an_error_and_not_a_default(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "divere_presets.json")
    with pytest.raises(ProfileError, match="not a regular file"):
        Selector().choose(str(tmp_path / "a.tif"), Header())


def test_a_preset_file_serves_all_and_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "my grade.json"
    path.write_text(json.dumps(SINGLE))
    folder(tmp_path, {"a.tif": SHEET})
    selector = Selector(str(path))
    path.write_text("broken")
    first = selector.choose(str(tmp_path / "a.tif"), never)
    second = selector.choose(str(tmp_path / "b.tif"))
    assert first.profile == second.profile
    assert first.profile.name == "my grade"
    assert first.frames[0].recipe.density_dmax == 2.1


def test_a_given_presets_file_applies_to_scans_in_other_folders(tmp_path: Path) -> None:
    path = tmp_path / "roll.json"
    path.write_text(json.dumps({"a.tif": SINGLE, "folder_default": DMAX_3}))
    selector = Selector(str(path))
    assert selector.choose("/elsewhere/a.tif", never).frames[0].recipe.density_dmax == 2.1
    assert selector.choose("/elsewhere/b.tif", Header()).frames[0].recipe.density_dmax == 3.0


@pytest.mark.parametrize("document", [{"a.tif": SINGLE}, {"cc_parms": SINGLE["cc_params"]}])
def test_a_given_presets_file_without_an_entry_for_a_scan_is_an_error(
    tmp_path: Path, document: dict[str, Any]
) -> None:
    path = tmp_path / "roll.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ProfileError, match=r"roll\.json: has no preset for 'b\.tif'"):
        Selector(str(path)).choose("/elsewhere/b.tif", Header())


def test_a_shipped_profile_by_name() -> None:
    found = Selector("9000ed-ultramax400").choose("/a.tif", never)
    assert found.profile.name == "9000ed-ultramax400"
    assert found.frames[0].recipe.matrix == library.matrices()["9000ed_u400"]


def test_unknown_channels_that_matter_are_a_warning() -> None:
    found = Selector("c41-endura-premier").choose("/a.tif", None)
    assert found.warnings == ("no header was read: taken for a color scan",)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("c41-endura", "no profile is called 'c41-endura'; did you mean"),
        ("none.json", "none.json: there is no such file"),
        ("/none/at/all", "/none/at/all: there is no such file"),
        ("", "no profile is called ''"),
    ],
)
def test_a_profile_that_is_not_there_is_an_error_at_once(option: str, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Selector(option)


def test_the_working_space_comes_from_the_settings() -> None:
    found = Selector("imacon-fff", Settings(working_space="ACEScg")).choose("/a.fff", Header())
    assert found.frames[0].recipe.working_space.name == "ACEScg"


def test_a_film_base_that_the_preset_knows_reaches_the_selection(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"base": "9000ed-portra400", "film_base": [0.54, 0.26, 0.157]}))
    assert Selector(str(path)).choose("/a.tif", never).film_base == (0.54, 0.26, 0.157)
    assert Selector("9000ed-portra400").choose("/a.tif", never).film_base is None


def test_the_film_base_region_reaches_the_selection(tmp_path: Path) -> None:
    region = {"film_base_region": [0, 0.9, 1, 0.1]}
    folder(tmp_path, {"a.tif": SINGLE | region, "b.tif": SINGLE, "c.tif": SHEET | region})
    found = [Selector().choose(str(tmp_path / f"{n}.tif"), never) for n in "abc"]
    expected = (0.0, 0.9, 1.0, 0.1)
    assert [one.film_base_region for one in found] == [expected, None, expected]
    assert [one.warnings for one in found] == [(), (), ()]
    assert found[0].profile == found[1].profile


def test_warnings_reach_the_selection(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.tif": changed(SINGLE, "extra", 1)})
    found = Selector().choose(str(tmp_path / "a.tif"), never)
    assert found.warnings == (
        f'{path}: $["a.tif"].extra is not a key that divere knows; it has no effect',
    )


def test_an_entry_in_another_unicode_form_fits_its_scan(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "Frühling.tif")
    decomposed = unicodedata.normalize("NFD", composed)
    folder(tmp_path, {composed: SINGLE, "x.tif": SINGLE})
    (tmp_path / decomposed).write_bytes(b"")
    scan = str(tmp_path / decomposed)
    selector = Selector("auto")
    selector.choose(scan, Header())
    (warning,) = selector.unmatched([scan])
    assert "'x.tif' fits no scan" in warning
