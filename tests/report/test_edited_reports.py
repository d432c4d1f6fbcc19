"""Saved reports edited by hand are refused with one line, or shown in every format."""

from __future__ import annotations

import io
import json
import sys

import pytest

from divere_cli.cli import report_cmd
from divere_cli.errors import UsageError
from divere_cli.report import formats, json_report
from tests.fuzz.json_mutants import mutants
from tests.report.sample import HOSTILE, PLAIN, run_report

FORMS = (".json", ".csv", ".html", ".xml", ".prom")


@pytest.mark.parametrize("names", [PLAIN, HOSTILE[:3]], ids=["plain", "hostile"])
def test_no_edit_ends_in_anything_but_a_refusal_or_a_report(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(json_report.render(run_report(names)))
    refused = []
    for text in mutants(document, 150):
        try:
            report = json_report.parse(text, "r.json")
        except UsageError as error:
            refused.append(len(error.message))
            continue
        for form in FORMS:
            "".join(formats.by_suffix(form)(report)).encode()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.StringIO())
            patch.setattr(sys, "stderr", io.StringIO())
            report_cmd.show(report)
            shown = sys.stdout.getvalue() + sys.stderr.getvalue()  # type: ignore[attr-defined]
        assert shown
        assert "\x1b" not in shown
    assert 20 < len(refused) < 150
    assert max(refused) < 1500


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": [1]}, "command: needs an object"),
        ({"command": {"jobs": [1]}}, "command: jobs: "),
        ({"command": {"jobs": [0.5, "x"]}}, "command: jobs: "),
        ({"command": None}, "command: needs an object"),
    ],
)
def test_invalid_options_of_a_report_are_refused_by_name(
    change: dict[str, object], said: str
) -> None:
    document = json.loads(json_report.render(run_report(PLAIN))) | change
    with pytest.raises(UsageError) as caught:
        json_report.parse(json.dumps(document), "r.json")
    assert said in caught.value.message


@pytest.mark.parametrize("field", ["input", "outputs"])
def test_a_name_that_no_file_can_have_is_refused(field: str) -> None:
    document = json.loads(json_report.render(run_report(PLAIN)))
    document["files"][0][field] = "\ud800" if field == "input" else ["\ud800"]
    with pytest.raises(UsageError, match=r"files\[0\]"):
        json_report.parse(json.dumps(document), "r.json")
