from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from divere_cli.calibrate import find, homography, shipped_charts
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.find import ChartPosition
from divere_cli.calibrate.sample import Cells, Reduction, Sample, take
from divere_cli.profile import library, resolve
from divere_cli.records.grade import Recipe, Space

SCANS = Path(__file__).parents[3] / "shared" / "scans"
REAL = ("minus2", "0", "plus2")


@pytest.fixture(scope="session")
def chart() -> Chart:
    return shipped_charts.load("colorchecker24")


@pytest.fixture(scope="session")
def output() -> Space:
    return library.output_space("KodakEnduraPremier_gamma_2_2")


def recipe(name: str) -> Recipe:
    return resolve.recipe(library.load(name))


def cells_of(codes: NDArray[np.uint16]) -> Cells:
    reduction = Reduction(codes.shape[1], codes.shape[0], 65535.0)
    reduction.take(0, codes)
    return reduction.cells()


def found_on(codes: NDArray[np.uint16], chart: Chart) -> tuple[Cells, ChartPosition]:
    cells = cells_of(codes).coarser(700)
    found = find.find(cells.density, chart)
    assert found is not None
    return cells, found


def sampled(codes: NDArray[np.uint16], chart: Chart) -> Sample:
    cells, found = found_on(codes, chart)
    values, why = take(cells, found, chart)
    corners = cells.parts(homography.apply(found.to_picture, find.field(chart)))
    return Sample(values, why, corners, found.unexplained, found.mirrored)


def real(ev: str) -> NDArray[np.uint16]:
    tifffile = pytest.importorskip("tifffile")
    path = SCANS / f"ultramax400_colorchecker_{ev}ev.tif"
    if not path.exists():
        pytest.skip("../shared/scans is not there")
    return np.asarray(tifffile.imread(path))
