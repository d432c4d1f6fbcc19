"""Existing files in OUTPUT that block a positive."""

from __future__ import annotations

import os

import pytest

from tests.batch.lab import Lab


@pytest.mark.parametrize("name", ["A.TIF", "a.Tif", "\u00e9.tif"])
def test_an_unrecorded_twin_blocks_an_output(lab: Lab, name: str) -> None:
    scan = "e\u0301.tif" if name == "\u00e9.tif" else "a.tif"
    lab.scans(scan)
    lab.outputs.mkdir()
    (lab.outputs / name).write_bytes(b"mine")
    report = lab.run()
    if (lab.outputs / scan).exists():
        pytest.skip("this file system takes them for one")
    assert lab.kinds(report) == {scan: "output_exists"}
    assert lab.run(overwrite=True).exit_code == 0
    assert (lab.outputs / name).read_bytes() == b"mine"


def test_a_recorded_twin_does_not_block_an_output(lab: Lab) -> None:
    lab.scans("a.tif")
    lab.run()
    os.rename(lab.inputs / "a.tif", lab.inputs / "A.tif")
    assert lab.statuses(lab.run()) == {"A.tif": "ok"}
