"""The CSV report: complete, and without formulas for any names."""

from __future__ import annotations

import csv
import io

import pytest

from divere_cli.report import csv_report
from tests.report.sample import HOSTILE, PLAIN, run_report


def rows(names: tuple[str, ...]) -> list[dict[str, str]]:
    text = csv_report.render(run_report(names))
    return list(csv.DictReader(io.StringIO(text.encode().decode("utf-8-sig"))))


def test_the_file_begins_with_a_byte_order_mark_for_excel() -> None:
    data = csv_report.render(run_report(("Träume.tif",))).encode()
    assert data.startswith(b"\xef\xbb\xbfinput,")
    assert data.decode("utf-8-sig").count("\ufeff") == 0


def test_a_row_a_scan_with_its_figures() -> None:
    found = rows(PLAIN)
    assert [row["input"] for row in found] == list(PLAIN)
    assert found[0]["seconds"] == "1.0"
    assert found[0]["peak_rss_bytes"] == "100000000"
    assert found[1]["error_kind"] == "corrupt_input"
    assert tuple(found[0]) == csv_report.COLUMNS


def test_no_cell_is_a_formula_or_breaks_its_line() -> None:
    text = csv_report.render(run_report(HOSTILE)).removeprefix("\ufeff")
    assert len(text.splitlines()) == len(HOSTILE) + 1
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert cell.isprintable()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1", " =1", "＝1", "--help"])
def test_formulas_of_spreadsheets_get_a_quote(name: str) -> None:
    assert csv_report.cell(name) == "'" + name


@pytest.mark.parametrize(("value", "cell"), [(-1, "-1"), (0.25, "0.25"), ("a=b", "a=b"), ("", "")])
def test_figures_and_plain_text_stay(value: str | int | float, cell: str) -> None:
    assert csv_report.cell(value) == cell
