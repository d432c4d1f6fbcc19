"""``--dry-run`` says what the run after it does, also where scans are measured first."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tifffile

from tests.cli.program import divere


def scan(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.integers(4000, 40000, (12, 16, 3))
    tifffile.imwrite(path, np.kron(cells, np.ones((8, 8, 1))).astype(np.uint16), photometric="rgb")


def actions(place: Path, *options: str) -> dict[str, str]:
    done = divere("batch", place / "in", place / "out", *options)
    assert done.returncode == 0, done.stderr
    return {line.split("'")[1]: line.split(":")[0] for line in done.stdout.splitlines()}


def test_after_a_touch_and_a_new_scan(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(3):
        scan(tmp_path / "in" / f"{seed}.tif", seed)
    actions(tmp_path)
    os.utime(tmp_path / "in" / "1.tif")
    known = dict.fromkeys(("0.tif", "1.tif", "2.tif"), "up to date")
    assert actions(tmp_path, "--dry-run") == known
    scan(tmp_path / "in" / "3.tif", 3)
    assert actions(tmp_path, "--dry-run") == known | {"3.tif": "to grade"}
    assert actions(tmp_path) == known | {"3.tif": "ok"}
