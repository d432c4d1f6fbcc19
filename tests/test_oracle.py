"""DiVERE's own exports of 34 published presets, through the command line, in both isolations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import tifffile

DIVERE = str(Path(sys.executable).with_name("divere"))
TOLERANCE = 2  # of 65535


def folders(shared: Path, scratch: Path) -> tuple[dict[str, Path], dict[str, np.ndarray]]:
    """A folder of scans for each output space, and what must come out of each scan."""
    cases = json.loads((shared / "oracle" / "cases.json").read_text())
    pairs = np.load(shared / "oracle" / "pairs.npz")
    presets: dict[str, dict[str, object]] = defaultdict(dict)
    wanted = {}
    for case in cases:
        folder = scratch / case["color_space"]
        folder.mkdir(exist_ok=True)
        preset = case["preset"]
        preset["metadata"]["crop"] = [0.0, 0.0, 1.0, 1.0]  # it is taken already
        for source in "AB":
            name = f"{case['name']}-{source}.tif"
            tifffile.imwrite(folder / name, pairs[source], photometric="rgb")
            presets[case["color_space"]][name] = preset
            wanted[name] = pairs[f"{case['name']}|{source}"]
    for space, entries in presets.items():
        (scratch / space / "divere_presets.json").write_text(json.dumps(entries))
    return {space: scratch / space for space in presets}, wanted


@pytest.mark.parametrize("isolation", ["always", "never"])
def test_every_case_is_within_2_of_65535(isolation: str, shared: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    out.mkdir()
    spaces, wanted = folders(shared, source)
    assert len(wanted) == 68
    for space, folder in spaces.items():
        words = ["batch", str(folder), str(out / space), "--color-space", space]
        done = subprocess.run(
            [DIVERE, *words, "--isolation", isolation, "-q"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        for path in folder.glob("*.tif"):
            found = tifffile.imread(out / space / path.name).astype(int)
            expected = wanted[path.name].astype(int)
            assert found.shape == expected.shape, path.name
            assert np.abs(found - expected).max() <= TOLERANCE, path.name
