"""Reference files as chart makers ship them, and broken ones."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from divere_cli.calibrate import reference_file, shipped_charts
from divere_cli.errors import UsageError

HEAD = "CGATS.17\nBEGIN_DATA_FORMAT\n{columns}\nEND_DATA_FORMAT\nBEGIN_DATA\n{rows}\nEND_DATA\n"


def text(columns: str, rows: list[str]) -> bytes:
    return HEAD.format(columns=columns, rows="\n".join(rows)).encode()


def test_shipped_charts_are_those_of_colour_science() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        colour = pytest.importorskip("colour")
    for name, theirs in (
        ("colorchecker24", "ColorChecker24 - After November 2014"),
        ("colorchecker24-before-2014", "ColorChecker24 - Before November 2014"),
        ("colorchecker-sg", "ColorCheckerSG - After November 2014"),
    ):
        chart = shipped_charts.load(name)
        published = colour.CCS_COLOURCHECKERS[theirs]
        labs = [
            colour.XYZ_to_Lab(colour.xyY_to_XYZ(xyY), published.illuminant)
            for xyY in published.data.values()
        ]
        own = {tuple(np.round(patch.lab, 1)) for patch in chart.patches}
        off = [min(np.abs(np.subtract(lab, one)).max() for one in own) for lab in labs]
        assert max(off) < 0.11, name
    chart = shipped_charts.load("colorchecker24")
    assert chart.corner_names == ("dark skin", "bluish green", "black 2", "white 9.5")
    assert len(chart.grays) == 6


def test_every_shipped_chart_names_its_source() -> None:
    assert "colorchecker24" in shipped_charts.names()
    for name in shipped_charts.names():
        chart = shipped_charts.load(name)
        assert len(chart.patches) == chart.rows * chart.columns
        assert chart.source
        assert chart.title


def test_letters_for_columns_and_for_rows() -> None:
    rows = [f"{c}{r}\t{10 * r + i}\t1,5\t-2.5" for i, c in enumerate("ABC") for r in (1, 2)]
    chart = reference_file.parse(text("SAMPLE_ID\tLAB_L\tLAB_A\tLAB_B", rows), "x", "x.txt")
    assert (chart.rows, chart.columns) == (2, 3)
    assert [patch.name for patch in chart.patches] == ["A1", "B1", "C1", "A2", "B2", "C2"]
    assert chart.patches[0].lab == (10.0, 1.5, -2.5)
    wide = [f"{letter}{n} {n} 0 9" for letter in "AB" for n in range(1, 6)]
    data = text("SAMPLE_ID LAB_L LAB_A LAB_B", wide).replace(b"CGATS.17", b"IT8.7/2")
    it8 = reference_file.parse(data, "x", "x.it8")
    assert (it8.rows, it8.columns) == (2, 5)
    assert it8.patches[5].name == "B1"


def test_the_gray_scale_of_an_it8_chart_is_left_out() -> None:
    rows = [f"{letter}{n} 50 {n} 9" for letter in "ABCDEFGHIJKL" for n in range(1, 23)]
    rows += [f"GS{n:02} {4 * n} 0 0" for n in range(24)] + ["Dmin 95 0 0", "Dmax 2 0 0"]
    data = text("SAMPLE_ID LAB_L LAB_A LAB_B", rows).replace(b"CGATS.17", b"IT8.7/2")
    chart = reference_file.parse(data, "x", "x.txt")
    assert (chart.rows, chart.columns) == (12, 22)


def test_xyz_becomes_lab() -> None:
    rows = [f"{n} 96.42 100 82.49" for n in range(6)]
    chart = reference_file.parse(text("SAMPLE_ID XYZ_X XYZ_Y XYZ_Z", rows), "x", "x.txt")
    assert (chart.rows, chart.columns) == (1, 6)  # all gray: steps in one row
    assert chart.patches[0].lab == pytest.approx((100.0, 0.0, 0.0))


def test_utf_16_windows_lines_and_quoted_names() -> None:
    rows = [f'"patch {n}"\t{10 * n}\t0\t0' for n in range(1, 5)]
    data = text("SAMPLE_NAME\tLAB_L\tLAB_A\tLAB_B", rows).decode().replace("\n", "\r\n")
    chart = reference_file.parse(data.encode("utf-16"), "x", "x.txt")
    assert [patch.name for patch in chart.patches] == [f"patch {n}" for n in range(1, 5)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not CGATS text"),
        (b"\x00\xff\x13" * 40, "is not CGATS text"),
        (b'{"version": 3}', "is not CGATS text"),
        (text("SAMPLE_ID RGB_R RGB_G RGB_B", ["A1 1 2 3"]), "no LAB_L"),
        (text("SAMPLE_ID LAB_L LAB_A LAB_B", ["A1 1 2"]), "line 6: has 3 values"),
        (text("SAMPLE_ID LAB_L LAB_A LAB_B", ["A1 1 x 3"]), "line 6: 'x' is not a number"),
        (text("SAMPLE_ID LAB_L LAB_A LAB_B", ["A1 nan 0 3"]), "line 6: 'nan' is not a number"),
        (text("SAMPLE_ID LAB_L LAB_A LAB_B", ["A1 500 0 3"]), "A1: is not a color"),
        (
            text("SAMPLE_ID LAB_L LAB_A LAB_B", ["x 50 40 3", "y 50 0 3"]),
            "the arrangement of its 2 patches is unknown",
        ),
        (
            text("SAMPLE_ID LAB_L LAB_A LAB_B", ["x 50 40 3"]).replace(
                b"CGATS.17", b"CGATS.17\nCHART_ROWS 2\nCHART_COLUMNS 3"
            ),
            "is 2 x 3, but it has 1 patches",
        ),
    ],
)
def test_an_unreadable_reference_file_is_reported(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        reference_file.parse(data, "x", "x.txt")


def test_unknown_names_of_charts() -> None:
    with pytest.raises(UsageError, match=r"there are: .*colorchecker24"):
        shipped_charts.choose("colorcheker")
    with pytest.raises(UsageError, match="cannot be read"):
        shipped_charts.choose("nowhere/chart.txt")
