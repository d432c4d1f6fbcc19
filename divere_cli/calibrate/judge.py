"""Judge a calibration: color differences by patch and by scan, and warnings.

Differences before and after are those of the grade as ``divere batch`` runs it, at 16 bits,
not of the fitted model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from divere_cli.calibrate import exposure
from divere_cli.calibrate.chart import Chart
from divere_cli.calibrate.color_difference import ciede2000
from divere_cli.calibrate.find import SURE
from divere_cli.calibrate.printed import by_gray_row, figures, printed
from divere_cli.calibrate.result import Calibration, ChartResult, PatchResult, Triple
from divere_cli.calibrate.sample import Sample
from divere_cli.records.grade import Recipe, Space

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ODD_GRAY = 4.0  # Lab chroma; a gray patch may be printed this far off


@dataclass(frozen=True, slots=True)
class Evidence:
    """The results of a fit, to be judged.

    ``recipes`` has one recipe for each scan, with the gains for its exposure; that of
    ``middle`` becomes the preset. ``used``, ``why`` and ``left_out`` (CIEDE2000) have the
    patches of all scans, scan after scan.
    """

    samples: tuple[Sample, ...]
    names: tuple[str, ...]
    chart: Chart
    start: Recipe
    output: Space
    recipes: tuple[Recipe, ...]
    middle: int
    used: Bools
    why: tuple[str, ...]
    left_out: Floats
    tone: tuple[float, ...] = ()
    tone_left_out: tuple[float, float] = (0.0, 0.0)

    def part(self, index: int) -> slice:
        """Return the slice of a scan's patches."""
        count = len(self.chart.patches)
        return slice(index * count, (index + 1) * count)

    @property
    def reference(self) -> Floats:
        """Lab of the chart's patches."""
        return np.array([patch.lab for patch in self.chart.patches])


def judge(e: Evidence) -> Calibration:
    """Return the figures of a calibration.

    Parameters
    ----------
    e : Evidence
        The fits and their samples.
    """
    part, values, reference = e.part(e.middle), e.samples[e.middle].values, e.reference
    used, left_out = e.used[part], e.left_out[part]
    before = ciede2000(printed(_start(e), e.output, values), reference)
    printed_lab = printed(e.recipes[e.middle], e.output, values)
    after = ciede2000(printed_lab, reference)
    why = _odd_grays(e, printed_lab)
    patches = tuple(
        PatchResult(
            patch.name,
            round(float(before[i]), 3),
            round(float(after[i]), 3),
            round(float(left_out[i]), 3),
            used=bool(used[i]),
            why=why[i],
            reference=_triple(reference[i]),
            printed=_triple(printed_lab[i]),
        )
        for i, patch in enumerate(e.chart.patches)
    )
    return Calibration(
        chart=e.chart,
        recipe=e.recipes[e.middle],
        charts=_charts(e),
        middle=e.middle,
        before=figures(before[used]),
        after=figures(after[used]),
        left_out=figures(left_out[used]),
        patches=patches,
        tone=e.tone,
        tone_left_out=e.tone_left_out,
        warnings=_warnings(e, why),
    )


def _start(e: Evidence) -> Recipe:
    """Return the preset of the start, with the exposure set by the gray row."""
    used = e.used[e.part(e.middle)]
    grays = [index for index in e.chart.grays if used[index]]
    if not grays:
        return e.start
    return by_gray_row(e.start, e.output, e.samples[e.middle].values[grays], e.reference[grays])


def _charts(e: Evidence) -> tuple[ChartResult, ...]:
    charts = []
    for index, (sample, name, recipe) in enumerate(zip(e.samples, e.names, e.recipes, strict=True)):
        off = ciede2000(printed(recipe, e.output, sample.values), e.reference)
        top_left, top_right, bottom_right, bottom_left = (
            (round(float(x), 5), round(float(y), 5)) for x, y in sample.corners
        )
        charts.append(
            ChartResult(
                name,
                (top_left, top_right, bottom_right, bottom_left),
                round(sample.unexplained, 4),
                sample.mirrored,
                recipe.rgb_gains,
                figures(off[e.used[e.part(index)]]),
            )
        )
    return tuple(charts)


def _odd_grays(e: Evidence, printed_lab: Floats) -> tuple[str, ...]:
    """Return the reasons with those of gray patches that print with a color but stay in use."""
    reasons = list(e.why[e.part(e.middle)])
    for gray in e.chart.grays:
        off = float(np.hypot(*(printed_lab[gray] - e.reference[gray])[1:]))
        if not reasons[gray] and off > ODD_GRAY:
            reasons[gray] = f"gray that prints {off:.1f} of Lab chroma off"
    return tuple(reasons)


def _warnings(e: Evidence, why: tuple[str, ...]) -> tuple[str, ...]:
    warnings: list[str] = []
    for index, (name, sample) in enumerate(zip(e.names, e.samples, strict=True)):
        texts = why if index == e.middle else e.why[e.part(index)]
        for patch, text in zip(e.chart.patches, texts, strict=True):
            if text:
                warnings.append(f"{name}: {patch.name}: {text}")
        if e.start.film.invert:
            exposure_warnings = exposure.warnings(sample.values, e.used[e.part(index)], e.chart)
            warnings += [f"{name}: {text}" for text in exposure_warnings]
        if sample.unexplained > SURE:
            warnings.append(
                f"{name}: {sample.unexplained:.0%} of the chart's colors stay unexplained: check "
                "that the corners are on its patches"
            )
        if sample.mirrored:
            warnings.append(f"{name}: the chart is mirrored: the film was scanned from its back")
    if len(e.names) > 1:
        warnings.append(
            f"the matrix is from {len(e.names)} exposures; gains and differences are those of "
            f"{e.names[e.middle]}, the middle one"
        )
    return tuple(warnings)


def _triple(values: Floats) -> Triple:
    x, y, z = (round(float(v), 3) for v in values)
    return x, y, z
