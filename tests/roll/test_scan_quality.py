"""The quality of a scan in `divere inspect` and in the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from divere_cli.samples import plan
from divere_cli.samples.plan import Wish
from tests.cli.program import divere
from tests.roll import rolls
from tests.roll.rolls import Roll


def test_inspect_says_range_noise_film_base_and_what_is_clipped(roll: Roll, tmp_path: Path) -> None:
    codes = rolls.pixels(roll.path("frame-02.tif"))
    height, width, _ = codes.shape
    codes[height // 3 : height // 2, width // 3 : width // 2, 0] = 65535
    recipe = plan.samples(Wish(count=1, megapixels=0.01)).recipe
    clipped = rolls.store(tmp_path / "clipped.tif", codes, recipe)
    done = divere("inspect", roll.path("frame-02.tif"), clipped, "--json")
    assert done.returncode == 0, done.stderr
    good, bad = json.loads(done.stdout)["files"]
    assert good["quality"]["film_base"] == pytest.approx(roll.truth["film_base"], abs=0.03)
    assert min(good["quality"]["range"]) > 0.3
    assert 0.0 < max(good["quality"]["noise"]) < 0.05
    assert bad["clipped"]["top"][0] > 0.02
    assert any("clipped to white: red" in warning for warning in bad["warnings"])
    assert not any("clipped to white" in warning for warning in good["warnings"])


def test_headers_alone_are_read_without_quality(roll: Roll) -> None:
    asked = ["inspect", roll.path("frame-02.tif"), "--no-quality", "--film-edge", "off", "--json"]
    (found,) = json.loads(divere(*asked).stdout)["files"]
    assert found["quality"] is None
    assert found["clipped"] is None
    shown = divere("inspect", roll.path("frame-02.tif")).stdout
    assert "film base:" in shown
    assert "noise:" in shown


def test_the_report_has_the_quality_of_each_scan_with_the_base_of_its_roll(
    roll: Roll, tmp_path: Path
) -> None:
    scans = tmp_path / "in"
    scans.mkdir()
    for name in ("frame-02.tif", "frame-03.tif"):
        (scans / name).hardlink_to(roll.path(name))
    done = divere("batch", scans, tmp_path / "out", "--auto", "roll")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "divere-report.json").read_text())
    for file in report["files"]:
        assert file["quality"]["film_base"] == report["rolls"][0]["film_base"]
        assert np.all(np.array(file["quality"]["dense"]) > file["quality"]["thin"])
