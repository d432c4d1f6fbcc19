"""The JSON report: the published schema, any name, and strict reading."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from divere_cli.errors import ScanError, UsageError
from divere_cli.records.outcome import Status
from divere_cli.report import json_report
from tests.report.sample import HOSTILE, PLAIN, run_report

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "report.schema.json").read_text())


def test_the_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain", "hostile"])
def test_the_report_has_the_published_schema(names: tuple[str, ...]) -> None:
    report = json.loads(json_report.render(run_report(names)))
    jsonschema.validate(report, SCHEMA)
    assert set(report) == set(SCHEMA["properties"])
    known = set(SCHEMA["properties"]["files"]["items"]["properties"])
    assert set().union(*report["files"]) - {"input_b64", "outputs_b64"} == known - {
        "input_b64",
        "outputs_b64",
    }


def test_the_schema_has_the_statuses_and_kinds_of_the_program() -> None:
    file = SCHEMA["properties"]["files"]["items"]["properties"]
    assert tuple(file["status"]["enum"]) == get_args(Status)
    kinds = file["error"]["oneOf"][1]["properties"]["kind"]["enum"]
    assert set(kinds) == {cls.kind for cls in ScanError.__subclasses__()}


def test_the_page_on_reports_shows_a_whole_report() -> None:
    page = (DOCS / "reports.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    report = json.loads(shown)
    jsonschema.validate(report, SCHEMA)
    assert json.loads(json_report.render(json_report.parse(shown, "page"))) == report
    tables = page[: page.index("## Events")]
    told = set(re.findall(r"^\| `(?:files\[\]\.)?(\w+)`", tables, re.MULTILINE))
    files = SCHEMA["properties"]["files"]["items"]["properties"]
    assert told == set(SCHEMA["properties"]) | set(files)


def test_the_text_has_a_line_for_each_scan() -> None:
    report = run_report(HOSTILE)
    text = json_report.render(report)
    assert json.loads(text)["files"] == [json_report.file_object(file) for file in report.files]
    assert sum(line.startswith('  {"input": ') for line in text.splitlines()) == len(HOSTILE)
    none = dataclasses.replace(report, files=())
    assert json.loads(json_report.render(none))["files"] == []


def test_hostile_names_are_valid_unicode_and_ascii_on_the_wire() -> None:
    text = json_report.render(run_report(HOSTILE))
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def test_a_name_that_is_no_utf8_carries_its_bytes() -> None:
    raw = b"latin \xff\xe9.tif"
    files = json.loads(json_report.render(run_report((os.fsdecode(raw), "plain.tif"))))["files"]
    assert files[0]["input"] == r"latin \xff\xe9.tif"
    assert base64.b64decode(files[0]["input_b64"]) == raw
    assert base64.b64decode(files[0]["outputs_b64"][0]) == raw + b".jpg"
    assert "input_b64" not in files[1]


@pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain", "hostile"])
def test_a_saved_report_reads_back_as_it_was(names: tuple[str, ...]) -> None:
    report = run_report(names)
    back = json_report.parse(json_report.render(report), "saved.json")
    assert [file.input for file in back.files] == list(names)
    assert [file.outputs for file in back.files] == [file.outputs for file in report.files]
    assert json_report.render(back) == json_report.render(report)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data.pop("schema"), "no 'schema'"),
        (lambda data: data.update(schema="divere-report/9"), "divere-report/9"),
        (lambda data: data.pop("files"), "files"),
        (lambda data: data["files"].insert(3, {"input": 7}), "files[3]"),
        (lambda data: data["files"][2].update(status="fine"), "files[2]"),
        (lambda data: data["files"][0].update(outputs="a"), "files[0]"),
        (lambda data: data["files"][0].update(input_b64="%"), "files[0]"),
        (lambda data: data.update(files={"a": 1}), "files"),
        (lambda data: data.update(seconds=True), "seconds"),
        (lambda data: data.update(isolation=[]), "IsolationInfo"),
    ],
)
def test_an_incomplete_report_is_refused_with_its_position(spoil: Any, said: str) -> None:
    data = json.loads(json_report.render(run_report()))
    spoil(data)
    with pytest.raises(UsageError) as caught:
        json_report.parse(json.dumps(data), "saved.json")
    assert "'saved.json'" in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", "{", '{"schema": NaN}', '{"schema": 1, "schema": 1}', "[" * 5000, "\ufeff{}"],
    ids=["empty", "list", "number", "cut", "nan", "twice", "deep", "bom"],
)
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"saved\.json"):
        json_report.parse(text, "saved.json")
