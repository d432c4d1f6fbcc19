"""Grouping scans into rolls, in any order, and the notes of each scan."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace

import pytest

from divere_cli.records.roll import Decisions, Measured
from divere_cli.roll import auto, naming
from divere_cli.roll.auto import Auto
from divere_cli.roll.measurement import Measurement, to_json
from tests.roll import rolls
from tests.roll.rolls import Roll
from tests.roll.test_decide import BLANK, EVEN, RECIPE, RED, picture


def scan(name: str, *frames: object, crops: tuple[str, ...] = ("",), said: str = "") -> Measured:
    """A scan with what was measured of its frames."""
    told = said or to_json(Measurement(frames))  # type: ignore[arg-type]
    cuts = tuple(rolls.frame(RECIPE, name=crop) for crop in crops)
    return Measured(name, f"/scans/roll 7/{name}", cuts, told)


def seven() -> list[Measured]:
    return [scan(f"{n}.tif", picture(1.3 + n / 100)) for n in range(7)]


def test_the_order_of_scans_changes_nothing() -> None:
    wanted = Auto("roll").decide(tuple(seven()))
    for seed in range(4):
        shuffled = seven()
        random.Random(seed).shuffle(shuffled)
        assert Auto("roll").decide(tuple(shuffled)) == wanted


def test_an_unasked_roll_of_low_confidence_says_why_once_on_a_line() -> None:
    found = Auto("auto").decide((scan("1.tif", picture(bare=False)),))
    assert found.rolls[0].confidence == "low"
    for decision in found.scans.values():
        assert sum("low confidence" in note for note in decision.notes) == 1


def test_a_folder_is_a_roll() -> None:
    scans = [scan("a/1.tif", picture()), scan("a/2.tif", picture()), scan("b/1.tif", picture())]
    found = Auto("roll").decide(tuple(scans))
    assert [(r.name, len(r.frames)) for r in found.rolls] == [("a", 2), ("b", 1)]
    assert Auto("roll").decide((scan("1.tif", picture()),)).rolls[0].name == "roll 7"


def test_two_folders_of_one_name_are_two_rolls() -> None:
    scans = [replace(scan(f"{n}.tif", picture()), input=f"/{n}/scans/1.tif") for n in ("a", "b")]
    found = Auto("roll").decide(tuple(scans))
    assert [(r.name, len(r.frames)) for r in found.rolls] == [("scans", 1), ("scans", 1)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("R???_", ["R101_", "R101_", "R102_", "x.tif"]),
        ("*_", ["R101_", "R101_", "R102_", "x.tif"]),
        ("[!x]*1", ["R1", "R1", "R1", "x.tif"]),
        ("R101[_-]", ["R101_", "R101_", "R102_2.tif", "x.tif"]),
        ("(", ["R101_1.tif", "R101_2.tif", "R102_2.tif", "x.tif"]),
    ],
)
def test_a_pattern_divides_a_folder_into_rolls(pattern: str, names: list[str]) -> None:
    files = ["R101_1.tif", "R101_2.tif", "R102_2.tif", "x.tif"]
    found = [naming.roll_name(scan(f"lab/{file}", picture()), pattern) for file in files]
    fits = [name for name, file in zip(names, files, strict=True) if name != file]
    assert [name for name in found if name != "lab"] == [f"lab/{name}" for name in fits]


def test_scans_with_another_grade_are_another_roll() -> None:
    other = replace(RECIPE, density_gamma=1.2)
    other = replace(other, sha256="x")
    changed = replace(scan("2.tif", picture()), frames=(rolls.frame(other),))
    assert len(Auto("roll").decide((scan("1.tif", picture()), changed)).rolls) == 2


def test_gains_of_the_presets_do_not_divide_a_roll() -> None:
    other = replace(RECIPE, rgb_gains=(0.2, 0.0, 0.1))
    changed = replace(scan("2.tif", picture()), frames=(rolls.frame(other),))
    assert len(Auto("roll").decide((scan("1.tif", picture()), changed)).rolls) == 1


def test_each_crop_of_a_sheet_has_a_recipe() -> None:
    sheet = scan("sheet.tif", picture(), BLANK, picture(), crops=("1", "2", "3"))
    found = Auto("roll").decide((sheet,))
    assert len(found.scans["sheet.tif"].recipes) == 3
    assert [frame.crop_name for frame in found.rolls[0].frames] == ["1", "2", "3"]
    assert found.scans["sheet.tif"].warnings[0].startswith("2: no picture")


def test_a_recipe_is_hashed_anew() -> None:
    found = Auto("roll").decide(tuple(seven())).scans["3.tif"].recipes[0]
    assert found.rgb_gains != RECIPE.rgb_gains
    assert found.sha256 == auto.graded(RECIPE, found.rgb_gains).sha256 != RECIPE.sha256


def said(found: Decisions, name: str) -> str:
    return " ".join(found.scans[name].warnings)


def test_unusual_frames_are_warnings_and_decisions_are_notes() -> None:
    scans = [scan(f"{n}.tif", told) for n, told in enumerate((*EVEN, BLANK, RED))]
    found = Auto("roll").decide(tuple(scans))
    assert found.scans["0.tif"].warnings == ()
    assert "gains" in found.scans["0.tif"].notes[0]
    assert "blank" in said(found, "5.tif")
    assert said(found, "6.tif") == ""
    assert "colors" in " ".join(found.scans["6.tif"].notes)


def test_strict_fails_only_uncertain_scans() -> None:
    sure = tuple(scan(f"{n}.tif", told) for n, told in enumerate((*EVEN, BLANK)))
    assert not any(d.error for d in Auto("roll", strict=True).decide(sure).scans.values())
    unsure = (scan("a.tif", BLANK),)
    lax, strict = (Auto("roll", strict=s).decide(unsure).scans["a.tif"] for s in (False, True))
    assert lax.error is None
    assert "low confidence" in " ".join(lax.warnings)
    assert strict.error is not None
    assert "low confidence" in strict.error.message


def test_a_scan_that_could_not_be_measured_has_its_rolls_grade() -> None:
    failed = replace(scan("bad.tif", picture()), measurement="")
    found = Auto("roll").decide((*seven(), failed))
    assert found.scans["bad.tif"].recipes[0].rgb_gains == found.rolls[0].rgb_gains
    assert "could not be measured" in said(found, "bad.tif")


def test_strict_reports_a_scan_that_could_not_be_measured() -> None:
    failed = replace(scan("bad.tif", picture()), measurement="")
    decided = Auto("roll", strict=True).decide((*seven(), failed)).scans
    assert decided["bad.tif"].error is not None
    assert decided["bad.tif"].error.message.endswith("low confidence: could not be measured")
    assert decided["1.tif"].error is None


def test_a_film_type_without_gains_is_not_changed() -> None:
    film = replace(RECIPE.film, rgb_gains=False)
    plain = replace(RECIPE, film=film)
    assert auto.graded(plain, (0.1, 0.2, 0.3)) is plain


def test_frame_mode_is_independent_of_the_other_films(roll: Roll) -> None:
    measured = roll.measured("frame-02.tif", "frame-03.tif")
    one, two = (Auto("frame").decide(part) for part in (measured, measured[::-1]))
    assert one == two


def test_the_parent_decides_without_numpy() -> None:
    code = (
        "import sys; import divere_cli.roll.auto, divere_cli.roll.analysis; "
        "print([m for m in ('numpy', 'PyOpenColorIO', 'tifffile') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert told.stdout.strip() == "[]"


def test_each_option_is_part_of_the_basis_of_a_decision() -> None:
    plain = Auto("roll")
    others = (
        Auto("frame"),
        Auto("roll", roll_by="*-*"),
        Auto("roll", strict=True),
        Auto("roll", pull=0.4),
        Auto("roll", pull=0.5),
        Auto("roll", gray_frames=("card*",)),
    )
    assert len({repr(each) for each in (plain, *others)}) == 7
    assert repr(plain) == "Auto(mode='roll', roll_by=None, strict=False)"  # as journals have it
