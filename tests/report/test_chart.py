"""Bars of the page's charts."""

from __future__ import annotations

import pytest

from divere_cli.report.chart import HEIGHT, Figure, ceiling, chart


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (1, 1), (1.01, 1.2), (246, 300), (0.013, 0.016), (99, 100), (1000, 1000), (601, 800)],
)
def test_a_scale_ends_at_a_round_number(value: float, top: float) -> None:
    assert ceiling(value) == pytest.approx(top)


def test_parts_stand_on_each_other_and_fill_the_scale() -> None:
    figures = [Figure(3, "a", (("read", 1.0), ("grade", 3.0))), Figure(9, "b", (("read", 2.0),))]
    made = chart("Time", "", "s", figures)
    assert made.ticks == ("4 s", "2 s", "0 s")
    first, second = made.bars
    assert (first.scan, second.scan) == (3, 9)
    read, grade = first.parts
    assert (read.y, read.height) == (75.0, 25.0)
    assert (grade.y, grade.height) == (0.0, 75.0)
    assert second.parts[0].y + second.parts[0].height == HEIGHT
    assert first.x < second.x < made.width


def test_a_chart_of_very_many_shows_the_highest_of_each_few() -> None:
    figures = [Figure(n, f"scan {n}", (("good", float(n % 100)),)) for n in range(1, 10_001)]
    drawn = chart("Time", "median 1 s", "s", figures)
    assert len(drawn.bars) <= 600
    assert drawn.note == "median 1 s; a bar is the highest of 17 scans"
    assert drawn.bars[0].label == "scan 17"
    assert {bar.scan for bar in drawn.bars} >= {figure.scan for figure in figures[98:10_000:1700]}
    few = chart("Time", "median 1 s", "s", figures[:600])
    assert (len(few.bars), few.note) == (600, "median 1 s")
