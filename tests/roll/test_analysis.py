"""The analysis is a presets file: it grades the same when it is read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from divere_cli.errors import PlanError
from divere_cli.profile import library, loading, resolve
from divere_cli.profile.select import Selector
from divere_cli.records.roll import Decisions, Measured
from divere_cli.roll import analysis
from divere_cli.roll.auto import Auto
from tests.roll import rolls
from tests.roll.looks import DENSITY
from tests.roll.test_auto import scan
from tests.roll.test_decide import BLANK, EVEN, RECIPE, picture


def roll() -> tuple[tuple[Measured, ...], Decisions]:
    scans = tuple(scan(f"{n}.tif", m) for n, m in enumerate(EVEN))
    scans = (*scans, scan("blank.tif", BLANK))
    return scans, Auto("roll").decide(scans)


def saved(tmp_path: Path, scans: tuple[Measured, ...], decided: Decisions) -> Path:
    path = tmp_path / "divere_presets.json"
    path.write_bytes(analysis.presets(scans, decided))
    return path


def test_every_scan_has_an_entry_that_grades_as_was_decided(tmp_path: Path) -> None:
    scans, decided = roll()
    folder = loading.load_folder(str(saved(tmp_path, scans, decided)))
    for one in scans:
        read = resolve.recipe(folder.entry(one.name))
        assert read.sha256 == decided.scans[one.name].recipes[0].sha256


def test_the_selector_uses_the_entries_and_for_other_scans_the_roll(tmp_path: Path) -> None:
    scans, decided = roll()
    selector = Selector(str(saved(tmp_path, scans, decided)))
    own = selector.choose("/elsewhere/3.tif").frames[0].recipe
    assert own.sha256 == decided.scans["3.tif"].recipes[0].sha256
    other = selector.choose("/elsewhere/another.tif").frames[0].recipe
    assert other.rgb_gains == decided.rolls[0].rgb_gains


def test_crop_and_orientation_are_read_back_without_warnings(tmp_path: Path) -> None:
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


def test_later_scans_get_the_film_type_of_the_roll(tmp_path: Path) -> None:
    silver = resolve.recipe(library.load("bw-ilford-mgfb-2"))
    frames = (rolls.frame(replace(silver, adaptation="bradford")),)
    scans = (replace(scan("1.tif", picture()), frames=frames),)
    chosen = Selector(str(saved(tmp_path, scans, Auto("roll").decide(scans)))).choose("/x/2.tif")
    assert chosen.frames[0].recipe.film == silver.film
    assert chosen.frames[0].recipe.adaptation == "bradford"


def test_crops_of_another_film_type_keep_it(tmp_path: Path) -> None:
    silver = resolve.recipe(library.load("bw-ilford-mgfb-2"))
    frames = (rolls.frame(RECIPE, name="a"), rolls.frame(silver, name="b"))
    sheet = replace(scan("s.tif", *EVEN[:2], crops=("a", "b")), frames=frames)
    chosen = Selector(str(saved(tmp_path, (sheet,), Auto("roll").decide((sheet,))))).choose("s.tif")
    assert [cut.recipe.film for cut in chosen.frames] == [RECIPE.film, silver.film]


BARE, REGION = (0.2, 0.5, 0.7), (0.0, 0.9, 1.0, 0.1)


@pytest.mark.parametrize(
    ("known", "kept"),
    [
        ({"film_base": BARE}, (BARE, None)),
        ({"film_base": BARE, "base_region": REGION}, (BARE, None)),
        ({"base_region": REGION}, (None, REGION)),
        ({}, (DENSITY, None)),
    ],
)
def test_film_base_of_a_preset_is_kept_else_that_of_the_roll_written(
    tmp_path: Path, known: dict[str, object], kept: tuple[object, object]
) -> None:
    scans = tuple(replace(one, **known) for one in roll()[0])
    selector = Selector(str(saved(tmp_path, scans, Auto("roll").decide(scans))))
    for name in ("1.tif", "another.tif"):
        chosen = selector.choose(f"/x/{name}")
        assert (chosen.film_base, chosen.film_base_region) == kept


def test_without_visible_bare_film_no_film_base_is_written() -> None:
    scans = (scan("1.tif", picture(bare=False)),)
    document = json.loads(analysis.presets(scans, Auto("roll").decide(scans)))
    assert "film_base" not in document["1.tif"]
    assert "film_base" not in document["folder_default"]
    assert document["1.tif"]["metadata"]["provenance"]["film_base"] is None


def test_all_keys_of_version_3_that_divere_reads_are_written() -> None:
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
