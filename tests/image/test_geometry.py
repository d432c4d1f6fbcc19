"""Crops round as in DiVERE; rotation is exact in memory and through a spool file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from divere_cli.errors import NoSpace, OutputError
from divere_cli.image import geometry
from divere_cli.image.geometry import Box, Turn, box

RNG = np.random.default_rng(6)


@pytest.mark.parametrize(
    ("crop", "expected"),
    [
        ((0, 0, 1, 1), Box(0, 0, 10, 7)),
        ((0.25, 0.5, 0.5, 0.25), Box(2, 4, 8, 5)),  # 2.5 -> 2, 7.5 -> 8, 3.5 -> 4, 5.25 -> 5
        ((0.35, 0, 0.3, 1), Box(4, 0, 6, 7)),  # 3.5 -> 4, 6.5 -> 6: half to even
        ((0.5, 0.5, 0, 0), Box(5, 4, 6, 5)),  # at least one pixel
        ((1, 1, 0.5, 0.5), Box(9, 6, 10, 7)),
        ((-0.5, -0.5, 3, 3), Box(0, 0, 10, 7)),
    ],
)
def test_a_crop_in_pixels(crop: tuple[float, float, float, float], expected: Box) -> None:
    assert box(crop, 10, 7) == expected


@given(
    st.tuples(*[st.floats(-2, 2)] * 4), st.integers(1, 5000), st.integers(1, 5000)
)  # fmt: skip
def test_a_crop_is_never_empty_nor_outside(
    crop: tuple[float, float, float, float], width: int, height: int
) -> None:
    found = box(crop, width, height)
    assert 0 <= found.left < found.right <= width
    assert 0 <= found.top < found.bottom <= height


@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("orientation", [90, 180, 270])
@pytest.mark.parametrize("shape", [(1, 1, 3), (37, 45, 1), (100, 33, 3), (33, 100, 3)])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_rotation_equals_numpys(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spooled: bool,
    orientation: int,
    shape: tuple[int, int, int],
    dtype: str,
) -> None:
    monkeypatch.setattr(geometry, "BLOCK_BYTES", 2000)
    rows = RNG.integers(0, 256, shape).astype(dtype)
    limit = 0 if spooled else 1 << 30
    with Turn(shape, rows.dtype, orientation, str(tmp_path), limit) as turn:
        for first in range(0, shape[0], 7):
            turn.add(rows[first : first + 7])
        assert os.listdir(tmp_path) == [], "the spool file has no name"
        bands = [band.copy() for band in turn.bands()]
    turned = np.rot90(rows, orientation // 90)
    assert (turn.height, turn.width) == turned.shape[:2]
    assert np.array_equal(np.concatenate(bands), turned)
    if spooled and len(rows) > 40:
        assert max(band.nbytes for band in bands) <= 2000


def test_a_full_device_is_no_space(tmp_path: Path) -> None:
    class Full:
        def tell(self) -> int:
            return 0

        def write(self, data: memoryview) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self) -> None: ...

    with Turn((9, 9, 3), np.dtype("u2"), 90, str(tmp_path), 0) as turn:
        turn._spool.close()
        turn._spool = Full()
        with pytest.raises(NoSpace):
            turn.add(np.zeros((9, 9, 3), dtype="u2"))


def test_a_folder_that_takes_no_spool_file_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no room for its spool file"):
        Turn((9, 9, 3), np.dtype("u2"), 90, str(tmp_path / "gone"), 0)
