"""The lab that batches are tested in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty lab; every run in it is checked for what holds after any run."""
    made = Lab(tmp_path)
    made.inputs.mkdir()
    return made
