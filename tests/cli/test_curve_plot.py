"""Curves drawn with letters."""

from __future__ import annotations

from divere_cli.cli import curve_plot
from divere_cli.profile import library
from divere_cli.records.grade import Curves


def field(curves: Curves) -> list[str]:
    """The lines inside of the frame."""
    return [line[6:-1] for line in curve_plot.plot(curves, 11, 11)[1:-2]]


def test_no_curve_is_a_straight_line_from_black_to_white() -> None:
    lines = field(Curves())
    assert [line.index("*") for line in lines] == list(range(10, -1, -1))
    assert all(line.count("*") == 1 for line in lines)


def test_a_letter_shows_the_channel_of_a_curve() -> None:
    flat = Curves(
        r=((0.0, 0.0), (1.0, 0.0)), g=((0.0, 0.5), (1.0, 0.5)), b=((0.0, 1.0), (1.0, 1.0))
    )
    lines = field(flat)
    assert (lines[0], lines[5], lines[10]) == ("B" * 11, "G" * 11, "R" * 11)


def test_the_common_curve_comes_first_and_values_stay_inside() -> None:
    curves = Curves(rgb=((0.0, 0.0), (1.0, 2.0)), r=((0.0, 1.0), (1.0, 0.0)))
    lines = field(curves)
    assert lines[0][0] == "R"
    assert lines[10] == "*" + " " * 4 + "R" * 6
    assert lines[0][5:] == "*" * 6


def test_all_shipped_curves_fit_into_eighty_columns() -> None:
    for curves in library.curves().values():
        lines = curve_plot.plot(curves)
        assert len(lines) == curve_plot.HEIGHT + 3
        assert max(len(line) for line in lines) <= 78
        assert all(line.isascii() for line in lines)
