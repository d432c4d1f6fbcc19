"""``divere profiles`` as a user calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.profile import library
from tests.cli.program import divere
from tests.profile.documents import SHEET, SINGLE, changed
from tests.profile.test_strict_json import HOSTILE


def test_list_names_every_profile_under_its_group() -> None:
    result = divere("profiles", "list")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "Nikon Super Coolscan 9000 ED" in lines
    listed = {line.split()[0] for line in lines if line.startswith("  ")}
    assert set(library.names()) <= listed
    assert lines[-1].strip() == ", ".join(library.in_role("output"))


def test_list_as_json() -> None:
    found = json.loads(divere("profiles", "list", "--json").stdout)
    assert [entry["name"] for entry in found["profiles"]] == library.names()
    assert all(entry["title"] and entry["group"] for entry in found["profiles"])
    assert found["output_color_spaces"] == library.in_role("output")


def test_show_has_the_source_of_each_value_and_draws_the_curves() -> None:
    result = divere("profiles", "show", "9000ed-portra400")
    assert result.returncode == 0
    assert "[preset, shipped '9000ed_pt400']" in result.stdout
    assert "[base c41-endura-premier, shipped 'Kodak Endura Premier']" in result.stdout
    assert "density dmax (log10)" in result.stdout
    assert "+-----" in result.stdout
    assert "\x1b" not in result.stdout


def test_names_are_completed_in_the_shell() -> None:
    words = {"COMP_WORDS": "divere profiles show imac", "COMP_CWORD": "3"}
    result = divere(env={"_DIVERE_COMPLETE": "bash_complete", **words})
    assert result.stdout == "file,imac\nplain,imacon-fff\n"


def test_show_without_a_curve_draws_none() -> None:
    assert "+-----" not in divere("profiles", "show", "c41-neutral").stdout


def test_show_of_a_file_with_crops(tmp_path: Path) -> None:
    path = tmp_path / "sheet.json"
    path.write_text(json.dumps(changed(SHEET, "extra", 1)))
    result = divere("profiles", "show", path)
    assert result.returncode == 0
    assert "crop left" in result.stdout
    assert "crop right" in result.stdout
    assert f"warning: {path}: $.extra is not a key" in result.stdout
    found = json.loads(divere("profiles", "show", path, "--json").stdout)
    assert [picture["recipe"]["density_dmax"] for picture in found["pictures"]] == [2.2, 3.0]
    assert found["pictures"][0]["origins"]["density_dmax"] == "preset"


def test_show_of_an_unknown_profile() -> None:
    result = divere("profiles", "show", "c41-endura-premir")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(
        "divere: error: profile: no profile is called 'c41-endura-premir'; "
        "did you mean 'c41-endura-premier'?"
    )


def test_one_scan_of_a_folders_presets_is_shown_and_exported(tmp_path: Path) -> None:
    path, out = tmp_path / "divere_presets.json", tmp_path / "grade.clf"
    entries = {"a.tif": SINGLE, "folder_default": {"base": "c41-neutral"}}
    path.write_text(json.dumps(entries))
    shown = divere("profiles", "show", path, "--scan", "a.tif")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "density dmax (log10)          2.1   [preset]" in shown.stdout
    default = divere("profiles", "show", path, "--scan", "folder_default")
    assert "[base c41-neutral, shipped 'linear']" in default.stdout
    export = ["profiles", "export", path, out, "--format", "clf"]
    for more, said in (
        ([], "has the presets of a whole folder"),
        (["--scan", "b.tif"], "no scan is called 'b.tif'"),
    ):
        result = divere(*export, *more)
        assert result.returncode == 2
        assert said in result.stderr
    assert not out.exists()
    assert divere(*export, "--scan", "a.tif").returncode == 0
    assert out.exists()
    assert divere("profiles", "show", "c41-neutral", "--scan", "a.tif").returncode == 2


def test_validate_lists_all_and_ends_with_2(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "divere_presets.json"
    good.write_text(json.dumps(SINGLE))
    entries = {
        "a.tif": changed(changed(SINGLE, "idt.gamma", 0), "metadata.crop", [1]),
        "b.tif": SHEET,
    }
    bad.write_text(json.dumps(entries))
    assert divere("profiles", "validate", good).stdout == f"{good}: 1 preset, ok\n"
    result = divere("profiles", "validate", good, bad)
    assert (result.returncode, result.stderr) == (2, "")
    assert result.stdout.splitlines() == [
        f"{good}: 1 preset, ok",
        f"{bad}: 2 problems",
        '  error: $["a.tif"].metadata.crop is [1]; '
        "allowed: [x, y, width, height], each from 0 to 1",
        '  error: $["a.tif"].idt.gamma is 0; allowed: a number from 0.1 to 5',
    ]


def test_validate_as_json(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps(changed(SINGLE, "extra", 1)))
    result = divere("profiles", "validate", "--json", path, tmp_path / "none.json")
    assert result.returncode == 2
    assert json.loads(result.stdout) == {
        "files": [
            {
                "file": str(path),
                "presets": 1,
                "problems": [],
                "warnings": ["$.extra is not a key that divere knows; it has no effect"],
                "ok": True,
            },
            {
                "file": str(tmp_path / "none.json"),
                "presets": 0,
                "problems": ["there is no such file"],
                "warnings": [],
                "ok": False,
            },
        ]
    }


@pytest.mark.parametrize("kind", ["clf", "cube"])
def test_export_writes_a_file_and_prints_its_error(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"grade.{kind}"
    size = ["--size", "17"] if kind == "cube" else []
    export = ["profiles", "export", "c41-endura-premier", "--format", kind, *size, out]
    result = divere(*export)
    assert (result.returncode, result.stderr) == (0, "")
    assert out.stat().st_size > 1000
    first, second, third = result.stdout.splitlines()
    assert first.startswith(f"{out}: {kind} of c41-endura-premier to KodakEnduraPremier_gamma_2_2")
    assert "measured error, of 65535: at most " in second
    assert "CIE 1976" in third
    again = divere(*export)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.startswith(f"divere: error: usage: '{out}' exists")
    found = json.loads(divere(*export, "--overwrite", "--json").stdout)
    assert found["format"] == kind
    assert found["size"] == (17 if kind == "cube" else 0)
    assert found["max_error"] < 3 if kind == "clf" else found["max_error"] > 0


def test_an_export_replaces_no_other_file(tmp_path: Path) -> None:
    preset, scan = tmp_path / "mine.json", tmp_path / "scan.tif"
    preset.write_text(json.dumps(SINGLE))
    scan.write_bytes(b"a scan")
    for out, said in (
        (preset, "a file that the command reads"),
        (scan, "would overwrite a scan"),
        (tmp_path / "no" / "grade.clf", "does not exist"),
    ):
        result = divere("profiles", "export", preset, out, "--format", "clf", "--overwrite")
        assert (result.returncode, result.stdout) == (2, "")
        assert said in result.stderr
    assert json.loads(preset.read_text()) == SINGLE
    assert scan.read_bytes() == b"a scan"


def test_export_of_a_sheet_needs_the_crop(tmp_path: Path) -> None:
    sheet, out = tmp_path / "sheet.json", tmp_path / "grade.clf"
    sheet.write_text(json.dumps(SHEET))
    export = ["profiles", "export", sheet, out, "--format", "clf"]
    for more, message in (
        ([], "has several crops: choose one with --crop"),
        (["--crop", "x"], "'x'"),
    ):
        result = divere(*export, *more)
        assert result.returncode == 2
        assert message in result.stderr
        assert "there are: left, right" in result.stderr
    assert not out.exists()
    assert divere(*export, "--crop", "right").returncode == 0
    assert out.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["none", "--format", "clf"],
        ["c41-neutral", "--format", "clf", "--size", "17"],
        ["c41-neutral", "--format", "cube", "--size", "1"],
        ["c41-neutral", "--format", "clf", "--color-space", "P9"],
        ["c41-neutral"],
    ],
)
def test_an_invalid_export_writes_nothing(tmp_path: Path, wrong: list[str]) -> None:
    result = divere("profiles", "export", *wrong, tmp_path / "out")
    assert (result.returncode, result.stdout) == (2, "")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [["validate"], ["show"], ["list", "x"], ["nothing"]])
def test_wrong_usage_ends_with_2(command: list[str]) -> None:
    result = divere("profiles", *command)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("divere: error: usage: ")


def test_all_hostile_files_are_refused_in_one_run(tmp_path: Path) -> None:
    paths = [tmp_path / f"{case}.json" for case in HOSTILE]
    for path, (data, _) in zip(paths, HOSTILE.values(), strict=True):
        path.write_bytes(data)
    fifo = tmp_path / "fifo.json"
    os.mkfifo(fifo)
    result = divere("profiles", "validate", "--json", *paths, fifo, "/dev/zero", tmp_path)
    assert result.returncode == 2
    found = json.loads(result.stdout)["files"]
    assert len(found) == len(HOSTILE) + 3
    assert [entry["file"] for entry in found if not entry["problems"]] == []


@pytest.mark.parametrize("case", ["NaN", "depth", "a million keys", "fifo", "beside the scans"])
def test_a_batch_with_a_bad_profile_writes_nothing(tmp_path: Path, case: str) -> None:
    scans, profile = tmp_path / "scans", tmp_path / "p.json"
    scans.mkdir()
    tifffile.imwrite(scans / "a.tif", np.zeros((4, 6, 3), np.uint16), photometric="rgb")
    if case == "fifo":
        os.mkfifo(profile)
    elif case == "beside the scans":
        (scans / "divere_presets.json").write_bytes(b'{"a.tif": {"cc_params": [NaN]}}')
    else:
        profile.write_bytes(HOSTILE[case][0])
    option = [] if case == "beside the scans" else ["--profile", profile]
    result = divere("batch", scans, tmp_path / "out", *option)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("divere: error: profile: ")
    assert not (tmp_path / "out").exists()


def test_names_in_files_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mevil\n.json"
    path.write_text(json.dumps(changed(SINGLE, "metadata.note", "one\ntwo")))
    for command in ("show", "validate"):
        result = divere("profiles", command, path)
        assert result.returncode == 0
        assert "\x1b" not in result.stdout
        assert "\none" not in result.stdout


def documented_commands() -> list[str]:
    page = Path(__file__).parents[2] / "docs" / "profiles.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.startswith("divere ")]


def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    scan = np.zeros((4, 6, 3), np.uint16)
    tifffile.imwrite(tmp_path / "scans" / "a.tif", scan, photometric="rgb")
    (tmp_path / "my-grade.json").write_text(json.dumps(SINGLE))
    for name in ("roll.json", "divere_presets.json"):
        entries = {"folder_default": {"base": "c41-neutral"}, "roll7-03.tif": SINGLE}
        (tmp_path / name).write_text(json.dumps(entries))
    commands = documented_commands()
    assert len(commands) == 9
    for command in commands:
        words = command.split()[1:]
        dry = ["--dry-run"] if words[0] == "batch" else []
        result = divere(*words, *dry, cwd=tmp_path)
        assert result.returncode == 0, (command, result.stderr)
