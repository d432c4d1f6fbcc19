"""``--ir sidecar``: infrared beside the positive, an output like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.cli.program import divere


@pytest.mark.parametrize(("format_", "suffix"), [("tiff", ".tif"), ("jpeg", ".jpg")])
def test_infrared_has_its_name_its_samples_and_its_place_in_the_report(
    format_: str, suffix: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    infrared = rng.integers(0, 65536, (24, 32), dtype=np.uint16)
    (tmp_path / "in").mkdir()
    with tifffile.TiffWriter(tmp_path / "in" / "a.tif") as file:
        color = rng.integers(9000, 50000, (24, 32, 3), dtype=np.uint16)
        file.write(color, photometric="rgb")
        file.write(infrared, photometric="minisblack")
    out = tmp_path / "out"
    words = ["batch", tmp_path / "in", out, "--ir", "sidecar", "--format", format_, "--auto", "off"]
    done = divere(*words)
    assert done.returncode == 0, done.stderr
    assert "infrared was written beside the positive" in done.stdout
    assert {path.name for path in out.iterdir() if path.name[0] != "."} == {
        f"a{suffix}", "a-ir.tif", "divere-report.json",
    }  # fmt: skip
    assert np.array_equal(tifffile.imread(out / "a-ir.tif"), infrared)
    (entry,) = json.loads((out / "divere-report.json").read_text())["files"]
    assert entry["outputs"] == [f"a{suffix}", "a-ir.tif"]
    again = divere(*words)
    assert "1 up to date; report" in again.stderr  # and none of them by an earlier grade
    (out / "a-ir.tif").unlink()
    assert divere(*words).stdout.startswith("ok: 'a.tif'")
    assert np.array_equal(tifffile.imread(out / "a-ir.tif"), infrared)
