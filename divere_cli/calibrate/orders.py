"""Orders from the parent to a worker, and its results: plain data, sent as JSON.

Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.result import Point, Triple
from divere_cli.records.grade import Recipe, Space

Corners = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class FindOrder:
    """Find a chart and take its samples; ``corners`` if the user gave them."""

    chart: Chart
    corners: Corners | None = None


@dataclass(frozen=True, slots=True)
class PatchSamples:
    """Samples of 0..1 by patch, reasons not to use a patch, and the position of the chart.

    ``film`` is the name or DX number at the film's edge; empty if there is none.
    """

    values: tuple[Triple, ...]
    why: tuple[str, ...]
    corners: Corners
    unexplained: float
    mirrored: bool
    film: str = ""


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """Draw the chart as it was found, and as it is graded."""

    chart: Chart
    corners: Corners
    recipe: Recipe
    output: Space
    after: tuple[float, ...]
    used: tuple[bool, ...]
