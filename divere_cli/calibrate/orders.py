"""What the parent asks of a worker, and what comes back: plain data, JSON text on the way.

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
    """Find a chart and take its samples; ``corners`` where the user gave them."""

    chart: Chart
    corners: Corners | None = None


@dataclass(frozen=True, slots=True)
class PatchSamples:
    """Samples of 0..1 by patch, what speaks against each, where the chart lies.

    ``film`` is the name or DX number that the film's edge shows, empty where it shows none.
    """

    values: tuple[Triple, ...]
    why: tuple[str, ...]
    corners: Corners
    unexplained: float
    mirrored: bool
    film: str = ""


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """Draw the chart as found and graded."""

    chart: Chart
    corners: Corners
    recipe: Recipe
    output: Space
    after: tuple[float, ...]
    used: tuple[bool, ...]
