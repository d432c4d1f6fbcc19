"""A calibration of a chart names the film of its scan, and serves the scans of that film."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from divere_cli.calibrate import shipped_charts
from divere_cli.cli import app
from tests.calibrate import hidden
from tests.films.simulator import Strip, picture
from tests.films.test_command import STRIP, write

pytest.importorskip("zxingcpp")

SCALE = 24.0


def chart_scan(path: Path, strip: Strip) -> None:
    """Write the scan of a chart with the film's edge below it."""
    look = hidden.Look(size=(600, round(strip.long * SCALE)))
    chart = hidden.codes(hidden.render(shipped_charts.load("colorchecker24"), look))
    gray = np.rint(picture(strip, 5) / 255 * 60000).astype(np.uint16)
    edge = np.repeat(gray[-round((6 + strip.around) * SCALE) :, :, np.newaxis], 3, axis=2)
    tifffile.imwrite(path, np.concatenate([chart, edge]), photometric="rgb")


def test_a_calibrated_preset_serves_the_film_of_its_chart(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    strip = Strip(dx=(79, 7), long=42.0, tall=10.0, scale=SCALE, start=2.0, grain=0.02)
    chart_scan(tmp_path / "chart.tif", strip)
    (tmp_path / "presets").mkdir()
    preset = tmp_path / "presets" / "mine.json"
    threads = ("--isolation", "never")
    assert app.run(["calibrate", str(tmp_path / "chart.tif"), "-o", str(preset), *threads]) == 0
    assert "film: Kodak ColorPlus 200, by the film's edge" in capfd.readouterr().out
    metadata = json.loads(preset.read_text())["metadata"]
    assert metadata["film_stock"] == "Kodak ColorPlus 200"
    scans = tmp_path / "scans"
    scans.mkdir()
    write(scans / "a.tif", STRIP)
    report = tmp_path / "report.json"
    command = ["batch", str(scans), str(tmp_path / "out"), "-p", str(preset.parent), *threads]
    assert app.run([*command, "-q", "--report", str(report)]) == 0
    (file,) = json.loads(report.read_text())["files"]
    assert file["profile"]["name"] == "mine"
