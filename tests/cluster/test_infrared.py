"""``--ir repair`` on a real Dask cluster: the bytes of a local run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.conftest import Cluster, batch, positives
from tests.infrared.simulator import Film, scan
from tests.infrared.test_command import hdri

pytestmark = pytest.mark.slow


def test_repaired_positives_are_those_of_a_local_run(
    shared_cluster: Cluster, tmp_path: Path
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    film = Film(height=300, width=400, specks=8, hairs=1, scratches=1, shift=(0.8, -0.5))
    for seed in (1, 2):
        hdri(scans / f"{seed}.tif", scan(film, seed))
    options = ("--ir", "repair", "--ir-mask")
    local = batch(scans, tmp_path / "local", *options)
    far = batch(
        scans,
        tmp_path / "far",
        "--engine",
        "dask",
        "--scheduler",
        str(shared_cluster.file),
        *options,
    )
    assert (local.code, far.code) == (0, 0), far.stderr
    assert len(positives(tmp_path / "far")) == 2
    assert positives(tmp_path / "far") == positives(tmp_path / "local")
    assert all(file["repaired"] > 0 for file in far.report["files"])
