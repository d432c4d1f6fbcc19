"""The result of a calibration: the recipe and its color differences. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from divere_cli.calibrate.chart import Chart, Lab
from divere_cli.records.grade import Recipe

Point = tuple[float, float]
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean, 90 % and worst CIEDE2000 of the patches that were used."""

    mean: float
    p90: float
    worst: float


@dataclass(frozen=True, slots=True)
class PatchResult:
    """One patch of the scan that the gains are for: CIEDE2000 and Lab.

    ``left_out`` is the difference for a fit without this patch. ``why`` is the reason why it
    was not used, or what is unusual about it.
    """

    name: str
    before: float
    after: float
    left_out: float
    used: bool
    why: str
    reference: Lab
    printed: Lab


@dataclass(frozen=True, slots=True)
class ChartResult:
    """A chart on a scan: corners of the patch field in parts of the frame, and differences.

    ``gains`` are the rgb_gains for this exposure, ``after`` the differences with them.
    """

    scan: str
    corners: tuple[Point, Point, Point, Point]
    unexplained: float
    mirrored: bool
    gains: Triple
    after: Figures


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibration; the preset is written from ``recipe``.

    ``middle`` is the index of the scan with the gains and the patches. ``tone`` has the
    values of the tone curve at its five points; empty if there is none.
    """

    chart: Chart
    recipe: Recipe
    charts: tuple[ChartResult, ...]
    middle: int
    before: Figures
    after: Figures
    left_out: Figures
    patches: tuple[PatchResult, ...]
    tone: tuple[float, ...] = ()
    tone_left_out: tuple[float, float] = (0.0, 0.0)  # mean without and with the curve
    warnings: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        """Number of patches that were used."""
        return sum(patch.used for patch in self.patches)
