"""Validation lists all problems of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from divere_cli.profile import library, validation
from tests.profile.documents import OLD, SHEET, SINGLE, changed


def check(tmp_path: Path, document: Any, name: str = "p.json") -> validation.Checked:
    path = tmp_path / name
    path.write_text(json.dumps(document))
    found = validation.check(str(path))
    assert found.file == str(path)
    return found


@pytest.mark.parametrize("document", [SINGLE, SHEET, OLD, {}])
def test_a_good_preset(tmp_path: Path, document: Any) -> None:
    found = check(tmp_path, document)
    assert (found.presets, found.problems, found.warnings) == (1, (), ())


def test_shipped_profiles_are_good() -> None:
    for name in library.names():
        found = validation.check(str(library.folder() / "library" / f"{name}.json"))
        assert (found.problems, found.warnings) == ((), ())


def test_every_problem_is_listed(tmp_path: Path) -> None:
    bad = changed(changed(SINGLE, "cc_params.rgb_gains", [9, 0, "x"]), "extra", 1)
    found = check(tmp_path, changed(bad, "metadata.orientation", 1))
    assert [problem.split(" is ")[0] for problem in found.problems] == [
        "$.metadata.orientation",
        "$.cc_params.rgb_gains[0]",
        "$.cc_params.rgb_gains[2]",
    ]
    assert found.warnings == ("$.extra is not a key that divere knows; it has no effect",)


def test_names_are_looked_up(tmp_path: Path) -> None:
    found = check(tmp_path, changed(SHEET, "crops.1.idt.name", "X6"))
    (problem,) = found.problems
    assert problem.startswith("$.crops[1].idt.name: no input color space is called 'X6'")
    found = check(tmp_path, changed(SHEET, "idt.name", "X6"))
    assert found.problems[0].startswith("$.idt.name: ")
    found = check(tmp_path, {"base": "none"})
    assert found.problems[0].startswith("$.base: no profile is called 'none'")


def test_every_entry_of_a_folder_is_checked(tmp_path: Path) -> None:
    entries = {
        "a.tif": SINGLE,
        "b.tif": changed(SINGLE, "cc_params.density_gamma", 0),
        "c.tif": changed(SHEET, "crops.1.idt.name", "X6"),
        "folder_default": {"cc_params": {"density_curve": {"name": "Agfa"}}},
    }
    for name in ("divere_presets.json", "roll.json"):
        found = check(tmp_path, entries, name)
        assert found.presets == 4
        assert [problem.split(":")[0].split(" is ")[0] for problem in found.problems] == [
            '$["b.tif"].cc_params.density_gamma',
            '$["c.tif"].crops[1].idt.name',
            "$.folder_default.cc_params.density_curve.name",
        ]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("{")
    assert validation.check(str(tmp_path / "p.json")).problems == (
        "not valid JSON at line 1 column 2: Expecting property name enclosed in double quotes",
    )
    assert validation.check(str(tmp_path)).problems == ("not a regular file",)
    (tmp_path / "long.json").write_text(" " * (1 << 20) + "{}")
    assert "allowed: at most 1048576" in validation.check(str(tmp_path / "long.json")).problems[0]
