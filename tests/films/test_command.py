"""The film's edge in ``divere batch`` and ``divere inspect``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from divere_cli.cli import app
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
def test_the_report_says_which_film_it_is(tmp_path: Path, isolation: str) -> None:
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


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    files = batch(scans, "out", "--film-edge", "off", "--isolation", "never")
    assert "film_edge" not in files["a.tif"]


def test_outputs_are_named_by_film_and_frame(tmp_path: Path) -> None:
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


def test_inspect_reads_the_edge(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
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
