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
