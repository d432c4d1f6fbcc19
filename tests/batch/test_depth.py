"""The calls from the command to a band of pixels are few, and as docs/architecture.md has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import architecture_page, scan_way
from tests.batch.lab import Lab

MOST = 15


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="counts on one core")
def test_command_to_band_is_few_frames(lab: Lab, tmp_path: Path) -> None:
    """Counted where a worker is started, and in the worker where a band is graded."""
    lab.scans("a.tif")
    way = scan_way.trace(lab.inputs, lab.outputs, tmp_path)
    assert len(way.parent) + len(way.worker) <= MOST, way
    assert architecture_page.drawn() == way, "run: make docs"
