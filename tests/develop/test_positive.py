"""One positive from bands of any height: only its crop is graded, only complete files succeed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from divere_cli.develop.positive import Positive
from divere_cli.errors import OutputError
from divere_cli.image.layout import Header
from divere_cli.image.parallel import Parallel, Serial
from divere_cli.records.job import Frame
from divere_cli.records.outcome import Written
from tests.develop.test_scan import RECIPE, SCAN, Heard, graded, job, positive, save, target

HEIGHT, WIDTH = SCAN.shape[:2]
HEADER = Header("tiff", WIDTH, HEIGHT, 3, 16, file_size=0)
CROP = (0.25, 0.25, 0.5, 0.5)
INSIDE = SCAN[15:46, 21:62]


def made(folder: Path, heights: list[int], orientation: int = 0, threads: int = 1) -> Written:
    save(folder)
    frame = Frame(target(folder, "out.tif"), RECIPE, CROP, orientation)
    parallel = Parallel(threads)
    serial = Serial(parallel)
    with (
        parallel,
        Positive(job(folder, frame), frame, 0, HEADER, None, Heard(), parallel, serial) as work,
        serial,
    ):
        first = 0
        for height in heights:
            work.take(first, SCAN[first : first + height].copy())
            first += height
        return work.finish()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("orientation", [0, 90, 180, 270])
@pytest.mark.parametrize("heights", [[HEIGHT], [1] * HEIGHT, [14, 1, 31, 15], [16, 45]])
def test_bands_of_any_heights(
    tmp_path: Path, heights: list[int], orientation: int, threads: int
) -> None:
    written = made(tmp_path, heights, orientation, threads)
    expected = np.rot90(graded(INSIDE), orientation // 90)
    assert (written.name, written.height, written.width) == ("out.tif", *expected.shape[:2])
    assert np.array_equal(positive(tmp_path), expected)


@pytest.mark.parametrize("heights", [[], [15], [45]])
def test_an_incomplete_positive_is_an_error(tmp_path: Path, heights: list[int]) -> None:
    with pytest.raises(OutputError, match="of 31 rows were written"):
        made(tmp_path, heights)


def test_bands_outside_of_the_crop_cost_nothing(tmp_path: Path) -> None:
    save(tmp_path)
    frame = Frame(target(tmp_path, "out.tif"), RECIPE, CROP)
    heard = Heard()
    parallel = Parallel()
    serial = Serial(parallel)
    with Positive(job(tmp_path, frame), frame, 0, HEADER, None, heard, parallel, serial) as work:
        work.take(0, SCAN[:15])
        work.take(46, SCAN[46:])
    assert heard.stages == []
