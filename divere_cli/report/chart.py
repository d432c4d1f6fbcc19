"""Bar charts for the report page: one bar per scan, with one or more parts.

Covers geometry and scales. Not covered: drawing (the page's template
does) and which figures are shown (:mod:`divere_cli.report.html_report`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HEIGHT = 100.0  # the page scales it; labels are outside
_FEWEST = 8  # so that two bars do not fill the chart
_MOST = 600  # more bars would be thinner than a pixel, and ten thousand take seconds in a browser
_STEPS = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Figure:
    """The data of one bar: parts from the bottom up, as (CSS class, value)."""

    scan: int
    label: str
    parts: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return sum(value for _, value in self.parts)


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a bar."""

    css: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its position and its scan."""

    scan: int
    label: str
    x: float
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in a box ``width`` wide and :data:`HEIGHT` high; ``ticks`` from the top down."""

    title: str
    note: str
    width: int
    bars: tuple[Bar, ...]
    ticks: tuple[str, ...]
    legend: tuple[tuple[str, str], ...] = ()


def chart(
    title: str,
    note: str,
    unit: str,
    figures: list[Figure],
    legend: tuple[tuple[str, str], ...] = (),
) -> Chart:
    """Lay out one chart; values are in ``unit``.

    With more than 600 figures, each bar shows the highest of several in a row, as the note tells.

    Parameters
    ----------
    title : str
        The title.
    note : str
        A line below it.
    unit : str
        Unit of the values.
    figures : list of Figure
        Name and values of each bar.
    legend : tuple[tuple[str, str], ...], default ()
        Name and color of each part of a bar.
    """
    each = math.ceil(len(figures) / _MOST)
    if each > 1:
        runs = (figures[start : start + each] for start in range(0, len(figures), each))
        figures = [max(run, key=lambda figure: figure.total) for run in runs]
        note = f"{note}; a bar is the highest of {each} scans"
    top = ceiling(max((figure.total for figure in figures), default=0.0))
    bars = tuple(_bar(index, figure, top) for index, figure in enumerate(figures))
    ticks = tuple(f"{value:g} {unit}" for value in (top, top / 2, 0))
    return Chart(title, note, max(len(bars), _FEWEST), bars, ticks, legend)


def ceiling(value: float) -> float:
    """Return the next round number: 1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6 or 8 times a power of ten.

    Parameters
    ----------
    value : float
        A number above 0.
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value * (1 - 1e-9))


def _bar(index: int, figure: Figure, top: float) -> Bar:
    parts, below = [], 0.0
    for css, value in figure.parts:
        height = HEIGHT * value / top
        below += height
        parts.append(Part(css, round(HEIGHT - below, 2), round(height, 2)))
    return Bar(figure.scan, figure.label, index + 0.1, tuple(parts))
