"""``-p FOLDER``: each preset of a folder serves the scans of its film."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from divere_cli.cli import app
from divere_cli.errors import UsageError
from divere_cli.films import stocks
from tests.films.test_command import STRIP, write

pytest.importorskip("zxingcpp")

PORTRA = replace(STRIP, dx=(95, 13))
UNKNOWN = replace(STRIP, dx=(1, 2))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scans on three films, and one that shows no code."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, strip in (
        ("colorplus", STRIP),
        ("portra", PORTRA),
        ("unknown", UNKNOWN),
        ("none", replace(STRIP, codes=False)),
    ):
        write(folder / f"{name}.tif", strip)
    return folder


@pytest.fixture
def scans(tmp_path: Path, pictures: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for picture in pictures.iterdir():
        (folder / picture.name).hardlink_to(picture)
    return folder


def preset(path: Path, film: str | None, gain: float) -> None:
    """Write a preset that differs from others by its gains."""
    path.parent.mkdir(exist_ok=True)
    metadata = {} if film is None else {"film_stock": film}
    grade = {"rgb_gains": [gain, 0.0, 0.0]}
    path.write_text(json.dumps({"version": 3, "metadata": metadata, "cc_params": grade}))


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    folder = tmp_path / "presets"
    preset(folder / "a.json", "Portra 400", 0.1)
    preset(folder / "b.json", "79-7", 0.2)
    return folder


def batch(scans: Path, presets: Path, *options: str) -> dict[str, dict[str, Any]]:
    report = scans.parent / "report.json"
    command = ["batch", str(scans), str(scans.parent / "out"), "-q", "-p", str(presets)]
    assert app.run([*command, "--report", str(report), *options]) == 0
    return {file["input"]: file for file in json.loads(report.read_text())["files"]}


def test_each_preset_serves_the_scans_of_its_film(scans: Path, presets: Path) -> None:
    files = batch(scans, presets, "--auto", "off", "--isolation", "always")
    names = {name: file["profile"]["name"] for name, file in files.items()}
    default = "c41-portra-endura"
    assert names == {
        "portra.tif": "a", "colorplus.tif": "b", "unknown.tif": default, "none.tif": default,
    }  # fmt: skip
    assert files["portra.tif"]["warnings"] == []
    (unknown,), (none,) = files["unknown.tif"]["warnings"], files["none.tif"]["warnings"]
    assert unknown.endswith(f"has no preset for 1-2: graded as without -p, by '{default}'")
    assert none.startswith("its film is not known (no code at the film's edge")


def test_a_second_run_is_up_to_date_and_a_changed_preset_regrades_its_film_alone(
    scans: Path, presets: Path
) -> None:
    batch(scans, presets, "--isolation", "never")
    files = batch(scans, presets, "--isolation", "never")
    assert {file["status"] for file in files.values()} == {"up_to_date"}
    assert files["portra.tif"]["profile"]["name"] == "a"
    preset(presets / "a.json", "Portra 400", 0.3)
    files = batch(scans, presets, "--isolation", "never")
    assert {name for name, file in files.items() if file["status"] == "ok"} == {"portra.tif"}


def test_film_data_names_films_that_no_edge_shows(scans: Path, presets: Path) -> None:
    log = scans.parent / "film.csv"
    log.write_text("file,film\nnone.tif,kodak portra 400\ncolorplus.tif,Portra 400\n")
    options = ("--film-data", str(log), "--film-edge", "off", "--isolation", "never")
    files = batch(scans, presets, "--auto", "off", *options)
    names = {name: file["profile"]["name"] for name, file in files.items()}
    assert (names["none.tif"], names["colorplus.tif"]) == ("a", "a")
    assert names["portra.tif"] == "c41-portra-endura"


def test_a_dry_run_knows_the_films_that_a_run_read(
    scans: Path, presets: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["batch", str(scans), str(scans.parent / "out"), "-p", str(presets), "--json"]
    assert app.run([*command, "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert out.count("its film is not known (the film's edge was not read") == 4
    batch(scans, presets, "--isolation", "never")
    capfd.readouterr()
    assert app.run([*command, "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert "was not read" not in out
    assert out.count("up_to_date") == 4


@pytest.mark.parametrize(
    ("films", "message"),
    [
        ({"a": None}, "'{folder}/a.json': names no film ($.metadata.film_stock)"),
        ({"a": "Portra 400", "b": "95-13"}, "are both for Kodak Portra 400"),
        ({}, "the folder has no preset file"),
    ],
    ids=["no film", "two for one film", "empty"],
)
def test_a_folder_that_cannot_be_used_ends_the_run_before_it_begins(
    films: dict[str, str | None],
    message: str,
    tmp_path: Path,
    scans: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "presets"
    folder.mkdir()
    for name, film in films.items():
        preset(folder / f"{name}.json", film, 0.0)
    command = ["batch", str(scans), str(tmp_path / "out"), "-p", str(folder)]
    assert app.run(command) == UsageError.exit_code
    assert message.format(folder=folder) in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_of_presets_needs_a_source_of_films(
    scans: Path, presets: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["batch", str(scans), str(scans.parent / "out"), "-p", str(presets)]
    assert app.run([*command, "--film-edge", "off"]) == UsageError.exit_code
    assert "leave out --film-edge off" in capfd.readouterr().err
    monkeypatch.setattr("divere_cli.batch.film_edges.can_be_read", lambda: False)
    assert app.run(command) == UsageError.exit_code
    assert "cannot be read here; to read it: " in capfd.readouterr().err


def test_a_film_that_is_in_no_table_and_on_no_scan_is_named(scans: Path, presets: Path) -> None:
    preset(presets / "c.json", "Kodak Portra 40", 0.0)
    batch(scans, presets, "--isolation", "never")
    (warning,) = json.loads((scans.parent / "report.json").read_text())["warnings"]
    assert "no scan is on its film 'Kodak Portra 40'; did you mean 'Kodak Portra 400'?" in warning


def test_one_preset_for_another_film_is_a_warning(scans: Path, presets: Path) -> None:
    files = batch(scans, presets / "a.json", "--isolation", "never")
    assert files["portra.tif"]["warnings"] == []
    assert files["colorplus.tif"]["warnings"] == [
        "the film's edge says Kodak ColorPlus 200, and the preset 'a' is for Kodak Portra 400: "
        "choose a preset for that film"
    ]


def test_films_are_compared_in_one_form() -> None:
    assert stocks.canonical("portra 400") == stocks.canonical("95-13") == "Kodak Portra 400"
    assert stocks.canonical(" 1-2 ") == "1-2"
    assert stocks.canonical(" My film ") == "My film"
