"""Codes at the film's edge as used by ``divere batch``, ``inspect`` and ``frames``."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from divere_cli.cli import app
from divere_cli.records.job import Job
from divere_cli.records.outcome import Outcome
from tests.films.simulator import Strip, picture

pytest.importorskip("zxingcpp")

STRIP = Strip(dx=(79, 7), long=58.0, tall=12.0, scale=40.0, grain=0.02)
FOUND = {
    "dx": "79-7",
    "film": "Kodak ColorPlus 200",
    "frames": ["12", "12A", "13"],
    "mirrored": False,
}


def write(path: Path, strip: Strip, seed: int = 5) -> None:
    gray = picture(strip, seed).astype(np.float64) / 255
    color = np.stack([gray, gray * 0.8, gray * 0.6], axis=-1)
    tifffile.imwrite(path, np.rint(65535 * color).astype(np.uint16), photometric="rgb")


def batch(scans: Path, name: str, *options: str) -> dict[str, dict[str, Any]]:
    report = scans.parent / f"{name}-report.json"
    code = app.run(
        ["batch", str(scans), str(scans.parent / name), "-q", "--auto", "off",
         "--report", str(report), *options]
    )  # fmt: skip
    assert code == 0
    return {file["input"]: file for file in json.loads(report.read_text())["files"]}


@pytest.mark.parametrize("isolation", ["never", "always"])
def test_report_names_the_film(tmp_path: Path, isolation: str) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    write(scans / "mirrored.tif", replace(STRIP, mirrored=True))
    write(scans / "slide.tif", replace(STRIP, slide=True, dx=(32, 11)))
    write(scans / "unknown.tif", replace(STRIP, dx=(1, 2)))
    write(scans / "none.tif", replace(STRIP, codes=False))
    files = batch(scans, "out", "--isolation", isolation)
    assert files["a.tif"]["film_edge"] == FOUND
    assert files["a.tif"]["warnings"] == []
    assert files["mirrored.tif"]["film_edge"]["mirrored"] is True
    assert any("mirrored" in text for text in files["mirrored.tif"]["warnings"])
    assert files["slide.tif"]["film_edge"]["film"] == "Fujifilm Velvia 100"
    assert any("Velvia 100 (E-6)" in text for text in files["slide.tif"]["warnings"])
    assert files["unknown.tif"]["film_edge"]["film"] is None
    assert files["unknown.tif"]["film_edge"]["dx"] == "1-2"
    assert "film_edge" not in files["none.tif"]


def test_film_edge_off_reads_nothing(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    files = batch(scans, "out", "--film-edge", "off", "--isolation", "never")
    assert "film_edge" not in files["a.tif"]


def rolls(report: Path) -> dict[str, list[str]]:
    """The scans of each roll of a report, by its name."""
    found = json.loads(report.read_text())["rolls"]
    return {roll["name"]: [frame["input"] for frame in roll["frames"]] for roll in found}


@pytest.mark.parametrize("isolation", ["never", "always"])
def test_films_of_a_folder_are_separate_rolls(tmp_path: Path, isolation: str) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    other = replace(STRIP, dx=(115, 4))
    for number, strip in enumerate((STRIP, STRIP, other, other, replace(STRIP, dx=(32, 11)))):
        write(scans / f"{number}.tif", replace(strip, first=24 + 2 * number), seed=number)
    files = batch(scans, "out", "--auto", "roll", "--isolation", isolation)
    found = rolls(tmp_path / "out-report.json")
    assert sorted(found.values()) == [["0.tif", "1.tif"], ["2.tif", "3.tif"]]
    assert any("Kodak ColorPlus 200" in name for name in found)
    slide = files["4.tif"]
    assert slide["status"] == "ok"
    assert any(
        text.startswith("not measured with its roll: the film's edge says Fujifilm Velvia 100")
        for text in slide["notes"]
    )
    assert any("Velvia 100 (E-6)" in text for text in slide["warnings"])
    assert files["0.tif"]["film_edge"]["film"] == "Kodak ColorPlus 200"
    again = batch(scans, "out", "--auto", "roll", "--isolation", isolation)
    assert {file["status"] for file in again.values()} == {"up_to_date"}


def test_new_scans_join_the_decided_roll_of_their_film(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    other = replace(STRIP, dx=(115, 4))
    for number in range(2):
        write(scans / f"{number}.tif", replace(STRIP, first=24 + 2 * number), seed=number)
    options = ("--auto", "roll", "--isolation", "never")
    first = batch(scans, "out", *options)
    for number in range(2, 4):
        write(scans / f"{number}.tif", replace(other, first=24 + 2 * number), seed=number)
    write(scans / "4.tif", replace(STRIP, first=28), seed=4)
    files = batch(scans, "out", *options)
    assert [files[f"{n}.tif"]["status"] for n in range(5)] == ["up_to_date"] * 2 + ["ok"] * 3
    assert files["0.tif"]["film_edge"] == first["0.tif"]["film_edge"]
    parts = rolls(tmp_path / "out-report.json")
    assert parts == {"scans (115-4)": ["2.tif", "3.tif"], "scans (Kodak ColorPlus 200)": ["4.tif"]}


def test_missing_frames_are_found_across_runs(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    short = replace(STRIP, long=38.0, start=2.0)
    write(scans / "a.tif", replace(short, first=24))
    write(scans / "none.tif", replace(short, codes=False))
    batch(scans, "out", "--isolation", "never")
    write(scans / "b.tif", replace(short, first=28))
    batch(scans, "out", "--isolation", "never")
    (warning,) = json.loads((tmp_path / "out-report.json").read_text())["warnings"]
    assert warning.startswith("Kodak ColorPlus 200: no scan shows frame 13 ('a.tif' and then")
    assert warning.endswith("the film's edge was not read on 1 of the folder's scans")
    batch(scans, "out", "--isolation", "never")
    assert json.loads((tmp_path / "out-report.json").read_text())["warnings"] == []


def test_recorded_edges_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    write(scans / "none.tif", replace(STRIP, codes=False))
    options = ("--name", "{stem} {film} {frame}", "--isolation", "never")
    first = batch(scans, "out", *options)
    read: list[str] = []

    def run_tasks(jobs: Iterable[Job], **_: object) -> Iterator[Outcome]:
        read.extend(job.name for job in jobs)
        return iter(())

    monkeypatch.setattr("divere_cli.batch.film_edges.run_tasks", run_tasks)
    again = batch(scans, "out", *options)
    assert read == []
    assert {file["status"] for file in again.values()} == {"up_to_date"}
    assert [file["outputs"] for file in again.values()] == [
        file["outputs"] for file in first.values()
    ]
    capfd.readouterr()
    command = ["batch", str(scans), str(tmp_path / "out"), "--dry-run", "--auto", "off"]
    assert app.run([*command, *options]) == 0
    assert capfd.readouterr().out.count("up to date") == 2
    os.utime(scans / "a.tif", ns=(1, 1))
    batch(scans, "out", *options)
    assert read == ["a.tif"]


def xmp(path: Path) -> bytes:
    with tifffile.TiffFile(path) as made:
        return bytes(made.pages[0].tags["XMP"].value)


@pytest.mark.parametrize("compression", ["none", "lzw"])
def test_metadata_of_a_tiff_name_the_film(tmp_path: Path, compression: str) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    write(scans / "none.tif", replace(STRIP, codes=False))
    options = ("--compression", compression, "--isolation", "never")
    batch(scans, "out", *options)
    assert b"Kodak ColorPlus 200" in xmp(tmp_path / "out" / "a.tif")
    assert b"ExposureNumber" in xmp(tmp_path / "out" / "a.tif")
    with tifffile.TiffFile(tmp_path / "out" / "a.tif") as made:
        assert made.pages[0].tags["ExifTag"].value["ISOSpeedRatings"] in (200, (200,))
    assert b"AnalogExif" not in xmp(tmp_path / "out" / "none.tif")
    recorded = json.loads((tmp_path / "out-report.json").read_text())["files"]
    for file in recorded:
        (made_one,) = file["positives"]
        content = (tmp_path / "out" / made_one["path"]).read_bytes()
        assert made_one["sha256"] == hashlib.sha256(content).hexdigest()


def test_film_data_is_not_replaced(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    log = tmp_path / "film.csv"
    log.write_text("file,film,iso,frame\na.tif,Kodak Portra 400,800,7\n")
    batch(scans, "out", "--film-data", str(log), "--isolation", "never")
    shown = xmp(tmp_path / "out" / "a.tif")
    assert b"Portra 400" in shown
    assert b"ColorPlus" not in shown


def test_metadata_of_a_jpeg_name_the_film_of_a_measured_scan(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    options = ("--auto", "roll", "--format", "jpeg", "--isolation", "never")
    batch(scans, "out", *options)
    assert b"Kodak ColorPlus 200" in (tmp_path / "out" / "a.jpg").read_bytes()


def test_missing_and_repeated_frames_are_warnings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    short = replace(STRIP, long=38.0, start=2.0)
    for name, half in (("a", 24), ("b", 28), ("c", 28)):
        write(scans / f"{name}.tif", replace(short, first=half))
    batch(scans, "out", "--isolation", "never")
    warnings = json.loads((tmp_path / "out-report.json").read_text())["warnings"]
    assert warnings == [
        "Kodak ColorPlus 200: no scan shows frame 13 ('a.tif' and then 'b.tif')",
        "Kodak ColorPlus 200: 'b.tif' and 'c.tif' both show frame 14",
    ]
    assert "no scan shows frame 13" in capfd.readouterr().err


def test_film_and_frame_are_fields_of_names(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    write(scans / "none.tif", replace(STRIP, codes=False))
    options = ("--name", "{stem} {film} {frame}", "--isolation", "never")
    files = batch(scans, "out", *options)
    assert files["a.tif"]["outputs"] == ["a Kodak ColorPlus 200 12.tif"]
    assert files["none.tif"]["outputs"] == ["none  .tif"]
    with tifffile.TiffFile(tmp_path / "out" / "a Kodak ColorPlus 200 12.tif") as made:
        assert b"Kodak ColorPlus 200" in bytes(made.pages[0].tags["XMP"].value)
    again = batch(scans, "out", *options)
    assert {file["status"] for file in again.values()} == {"up_to_date"}


def test_inspect_shows_the_edge(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a.tif", STRIP)
    write(tmp_path / "none.tif", replace(STRIP, codes=False))
    names = [str(tmp_path / name) for name in ("a.tif", "none.tif")]
    assert app.run(["inspect", "--json", *names]) == 0
    first, second = json.loads(capfd.readouterr().out)["files"]
    assert first["film_edge"] == FOUND
    assert second["film_edge"] is None
    assert app.run(["inspect", names[0]]) == 0
    assert "Kodak ColorPlus 200 (DX 79-7), frames 12, 12A, 13" in capfd.readouterr().out
    assert app.run(["inspect", "--film-edge", "off", names[0]]) == 0
    assert "ColorPlus" not in capfd.readouterr().out


def test_inspect_says_how_to_install_the_reader(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.tif", STRIP)
    monkeypatch.setattr("divere_cli.batch.film_edges.can_be_read", lambda: False)
    assert app.run(["inspect", str(tmp_path / "a.tif")]) == 0
    shown = capfd.readouterr().err
    assert shown.startswith(
        "divere: note: the DX code at the film's edge is not read; to read it: "
    )
    assert "zxing-cpp" in shown
    assert app.run(["inspect", "--film-edge", "off", str(tmp_path / "a.tif")]) == 0
    assert capfd.readouterr().err == ""


def test_html_and_csv_reports_name_the_film(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    reports = ("--report", str(page), "--report", str(table))
    batch(scans, "out", "--isolation", "never", *reports)
    assert "Kodak ColorPlus 200, frames 12, 12A, 13</span>" in page.read_text("utf-8")
    (row,) = csv.DictReader(table.read_text("utf-8-sig").splitlines())
    assert (row["film"], row["film_dx"]) == ("Kodak ColorPlus 200", "79-7")
    assert row["frames"] == "12 12A 13"


def test_frames_of_a_strip_get_the_numbers_on_the_film(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", replace(STRIP, long=80.0, tall=35.0, scale=24.0, pictures=2.0))
    out = tmp_path / "divere_presets.json"
    assert app.run(["frames", str(tmp_path / "a.tif"), "--film", "135", "-o", str(out)]) == 0
    crops = json.loads(out.read_text())["a.tif"]["crops"]
    assert [crop["metadata"]["name"] for crop in crops] == ["12", "13"]
    assert [crop["metadata"]["id"] for crop in crops] == ["1", "2"]


def test_crops_of_a_scan_do_not_share_a_frame_number(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    sheet = {
        "version": 3,
        "type": "contactsheet",
        "metadata": {"raw_file": "a.tif"},
        "idt": {"name": "ACEScg", "gamma": 1.0},
        "cc_params": {},
        "crops": [
            {"metadata": {"id": name, "crop": [x, 0.0, 0.4, 0.5]}}
            for name, x in (("x", 0.0), ("y", 0.5))
        ],
        "active_crop_id": None,
    }
    (scans / "divere_presets.json").write_text(json.dumps({"a.tif": sheet}))
    for name, options in (("out", ()), ("named", ("--name", "{stem}-{crop} {film}"))):
        batch(scans, name, "--isolation", "never", *options)
        made = sorted((tmp_path / name).glob("*.tif"))
        assert len(made) == 2
        for path in made:
            assert b"Kodak ColorPlus 200" in xmp(path)
            assert b"ExposureNumber" not in xmp(path)
