"""The JSON report: the published schema, any name, and strictly back."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import jsonschema
import pytest

from divere_cli.errors import UsageError
from divere_cli.report import json_face
from tests.report.sample import HOSTILE, PLAIN, run_report

WORD = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
SECONDS = {"type": "number", "minimum": 0}


def whole(properties: dict[str, Any], more: bool = True) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": more,
    }


KINDS = [
    "unreadable", "unsupported", "corrupt_input", "input_changed", "limit_exceeded", "profile",
    "output_exists", "output_error", "no_space", "crashed", "timeout", "out_of_memory", "internal",
]  # fmt: skip
FILE = whole(
    {
        "input": WORD,
        "outputs": {"type": "array", "items": WORD},
        "status": {"enum": ["ok", "up_to_date", "deferred", "failed", "interrupted"]},
        "error": {
            "oneOf": [
                {"type": "null"},
                whole({"kind": {"enum": KINDS}, "message": WORD, "hint": WORD, "detail": WORD}),
            ]
        },
        "profile": {"oneOf": [{"type": "null"}, whole({"name": WORD, "sha256": WORD})]},
        "width": COUNT,
        "height": COUNT,
        "attempts": COUNT,
        "worker_pid": COUNT,
        "seconds": SECONDS,
        "seconds_by_stage": whole(dict.fromkeys(("start", "read", "grade", "write"), SECONDS)),
        "peak_rss_bytes": COUNT,
        "rss_bytes_start": COUNT,
        "warnings": {"type": "array", "items": WORD},
    }
)
STATUSES = ("ok", "up_to_date", "deferred", "failed", "interrupted", "total")
SUMMARY = {
    **dict.fromkeys(STATUSES, COUNT),
    "megapixels_per_second": SECONDS,
    "slowest": WORD,
    "peak_rss_bytes": COUNT,
}
PARENT = ("pid", "rss_bytes_start", "rss_bytes_end", "peak_rss_bytes")
REPORT = whole(
    {
        "schema": {"const": "divere-report/1"},
        "version": WORD,
        "started": WORD,
        "seconds": SECONDS,
        "exit_code": COUNT,
        "command": {"type": "object"},
        "isolation": whole(
            {
                "requested": {"enum": ["auto", "always", "never"]},
                "effective": {"enum": ["process", "thread"]},
                "start_method": {"type": ["string", "null"]},
                "jobs": COUNT,
                "fallback_reason": {"type": ["string", "null"]},
            }
        ),
        "parent": whole(dict.fromkeys(PARENT, COUNT)),
        "summary": whole(SUMMARY),
        "files": {"type": "array", "items": FILE},
    }
)


@pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain", "hostile"])
def test_the_report_has_the_published_schema(names: tuple[str, ...]) -> None:
    jsonschema.validate(json.loads(json_face.render(run_report(names))), REPORT)


def test_hostile_names_are_valid_unicode_and_ascii_on_the_wire() -> None:
    text = json_face.render(run_report(HOSTILE))
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


def test_a_name_that_is_no_utf8_carries_its_bytes() -> None:
    raw = b"latin \xff\xe9.tif"
    files = json.loads(json_face.render(run_report((os.fsdecode(raw), "plain.tif"))))["files"]
    assert files[0]["input"] == r"latin \xff\xe9.tif"
    assert base64.b64decode(files[0]["input_b64"]) == raw
    assert base64.b64decode(files[0]["outputs_b64"][0]) == raw + b".jpg"
    assert "input_b64" not in files[1]


@pytest.mark.parametrize("names", [PLAIN, HOSTILE], ids=["plain", "hostile"])
def test_a_saved_report_reads_back_as_it_was(names: tuple[str, ...]) -> None:
    report = run_report(names)
    back = json_face.parse(json_face.render(report), "saved.json")
    assert [file.input for file in back.files] == list(names)
    assert [file.outputs for file in back.files] == [file.outputs for file in report.files]
    assert json_face.render(back) == json_face.render(report)


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
def test_what_is_no_whole_report_is_refused_with_its_place(spoil: Any, said: str) -> None:
    data = json.loads(json_face.render(run_report()))
    spoil(data)
    with pytest.raises(UsageError) as caught:
        json_face.parse(json.dumps(data), "saved.json")
    assert "'saved.json'" in caught.value.message
    assert said in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", "{", '{"schema": NaN}', '{"schema": 1, "schema": 1}', "[" * 5000, "\ufeff{}"],
    ids=["empty", "list", "number", "cut", "nan", "twice", "deep", "bom"],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"saved\.json"):
        json_face.parse(text, "saved.json")
