"""The accuracy figures in ``docs/grade.md`` are measured again."""

from __future__ import annotations

import re

import pytest

from tests.color import generated

ROW = re.compile(
    r"^\| (?P<what>.+?) \| (?P<largest>\d+) of \d+ \| (?P<equal>[\d.]+)% \| (?P<how>\w+) \|$", re.M
)


def rows() -> dict[str, re.Match[str]]:
    return {row["what"]: row for row in ROW.finditer(generated.PAGE.read_text("utf-8"))}


@pytest.mark.parametrize("case", generated.cases(), ids=lambda case: case.what)
def test_the_accuracy_on_the_page_is_that_of_the_grade(case: generated.Case) -> None:
    """Other processors round a few values otherwise: hence a tenth of a percent."""
    said, found = rows()[case.what], generated.measured(case)
    assert found.largest <= int(said["largest"])
    assert found.equal * 100 == pytest.approx(float(said["equal"]), abs=0.1)
    assert found.precision == said["how"]


def test_the_page_has_no_row_that_is_not_measured() -> None:
    assert list(rows()) == [case.what for case in generated.cases()]
    assert all(int(row["largest"]) <= 2 for row in rows().values())


def test_the_errors_of_exports_on_the_page_are_those_of_the_files() -> None:
    text = generated.PAGE.read_text("utf-8")
    for what, found in generated.exported_files().items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {what} |")]
        mean, p99, mean_e, _ = (float(cell) for cell in row.strip("| ").split(" | ")[1:])
        assert found.mean_error == pytest.approx(mean, rel=0.02, abs=0.02)
        assert found.p99_error == pytest.approx(p99, rel=0.05, abs=0.05)
        assert found.mean_delta_e == pytest.approx(mean_e, rel=0.02, abs=0.01)
