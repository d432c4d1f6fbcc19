"""The analysis is a file of presets: read back it grades the same, and a person can refine it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from divere_cli.errors import PlanError
from divere_cli.profile import loading, resolve
from divere_cli.profile.select import Selector
from divere_cli.records import Decided, Measured
from divere_cli.roll import analysis
from divere_cli.roll.auto import Auto
from tests.roll.test_auto import scan
from tests.roll.test_decide import BLANK, EVEN, picture


def roll() -> tuple[tuple[Measured, ...], Decided]:
    scans = tuple(scan(f"{n}.tif", picture(key=1.3 + n / 50)) for n in range(5))
    scans = (*scans, scan("blank.tif", BLANK))
    return scans, Auto("roll").decide(scans)


def saved(tmp_path: Path, scans: tuple[Measured, ...], decided: Decided) -> Path:
    path = tmp_path / "divere_presets.json"
    path.write_bytes(analysis.presets(scans, decided))
    return path


def test_every_scan_has_an_entry_that_grades_as_was_decided(tmp_path: Path) -> None:
    scans, decided = roll()
    folder = loading.load_folder(str(saved(tmp_path, scans, decided)))
    for one in scans:
        read = resolve.recipe(folder.entry(one.name))
        assert read.sha256 == decided.scans[one.name].recipes[0].sha256


def test_the_selector_serves_scans_by_it_and_others_by_the_roll(tmp_path: Path) -> None:
    scans, decided = roll()
    selector = Selector(str(saved(tmp_path, scans, decided)))
    own = selector.choose("/elsewhere/3.tif").frames[0].recipe
    assert own.sha256 == decided.scans["3.tif"].recipes[0].sha256
    other = selector.choose("/elsewhere/another.tif").frames[0].recipe
    assert other.rgb_gains == decided.rolls[0].rgb_gains


def test_crop_and_orientation_come_back_and_nothing_is_warned_of(tmp_path: Path) -> None:
    scans, decided = roll()
    folder = loading.load_folder(str(saved(tmp_path, scans, decided)))
    entry = folder.entry("2.tif")
    assert entry.metadata is not None
    assert entry.metadata.crop == scans[2].frames[0].crop
    assert entry.metadata.orientation == 0
    assert entry.film_base == decided.rolls[0].film_base
    assert entry.warnings == ()


def test_the_evidence_is_a_note_of_each_entry() -> None:
    scans, decided = roll()
    document = json.loads(analysis.presets(scans, decided))
    told = document["blank.tif"]["metadata"]["provenance"]
    assert told["kind"] == "no_picture"
    assert told["reason"].startswith("no picture")
    assert told["roll_confidence"] == "high"
    assert told["roll_reasons"]


def test_all_of_version_3_that_divere_reads_is_there() -> None:
    scans, decided = roll()
    entry = json.loads(analysis.presets(scans, decided))["0.tif"]
    assert (entry["version"], entry["type"]) == (3, "single")
    assert entry["metadata"]["raw_file"] == "0.tif"
    assert set(entry["idt"]) == {"name", "gamma", "white", "primitives"}
    assert {"density_gamma", "density_dmax", "rgb_gains", "density_matrix", "density_curve"} < set(
        entry["cc_params"]
    )


def test_a_sheet_comes_back_as_a_sheet(tmp_path: Path) -> None:
    sheet = scan("sheet.tif", *EVEN[:3], crops=("a", "b", "c"))
    decided = Auto("roll").decide((sheet,))
    folder = loading.load_folder(str(saved(tmp_path, (sheet,), decided)))
    assert [crop.metadata and crop.metadata.name for crop in folder.entry("sheet.tif").sheet] == [
        "a",
        "b",
        "c",
    ]
    chosen = Selector(str(tmp_path / "divere_presets.json")).choose("/x/sheet.tif")
    assert [c.recipe.sha256 for c in chosen.frames] == [
        r.sha256 for r in decided.scans["sheet.tif"].recipes
    ]


def test_two_rolls_have_no_common_default() -> None:
    scans = (scan("a/1.tif", picture()), scan("b/2.tif", picture()))
    document = json.loads(analysis.presets(scans, Auto("roll").decide(scans)))
    assert set(document) == {"1.tif", "2.tif"}


def test_two_scans_of_one_name_are_refused() -> None:
    scans = (scan("a/1.tif", picture()), scan("b/1.tif", picture()))
    with pytest.raises(PlanError, match="two scans are called"):
        analysis.presets(scans, Auto("roll").decide(scans))


def test_the_evidence_is_json() -> None:
    _, decided = roll()
    told = json.loads(json.dumps(analysis.evidence(decided), allow_nan=False))
    assert told["schema"] == "divere-analysis/1"
    assert len(told["rolls"][0]["frames"]) == 6
