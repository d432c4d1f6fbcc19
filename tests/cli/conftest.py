"""Small scans to run the program on."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

Scans = Callable[..., Path]


@pytest.fixture
def scans(tmp_path: Path) -> Scans:
    """Make a folder of small negatives with the names given (bytes or text)."""

    def make(*names: str | bytes, folder: str = "in") -> Path:
        rng = np.random.default_rng(7)
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for name in names:
            picture = rng.integers(8000, 40000, (30, 40, 3), dtype=np.uint16)
            file = io.BytesIO()
            tifffile.imwrite(file, picture, photometric="rgb")
            path = place / os.fsdecode(name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(file.getvalue())
        return place

    return make
