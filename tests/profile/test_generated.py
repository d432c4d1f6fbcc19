"""Generated pages and schemas match the classes and the library."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from divere_cli.profile import json_schema, library, loading
from divere_cli.profile.diagnostics import Findings
from tests.profile import generated
from tests.profile.documents import SHEET, SINGLE

PRESET = jsonschema.Draft202012Validator(json_schema.preset())
FOLDER = jsonschema.Draft202012Validator(json_schema.folder())


@pytest.mark.parametrize("path", generated.files(), ids=lambda path: path.name)
def test_generated_pages_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated.files()[path], (
        "run python -m tests.profile.generated"
    )


def test_the_schemas_are_schemas_and_shipped_profiles_fit_them() -> None:
    for schema in (json_schema.preset(), json_schema.folder()):
        jsonschema.Draft202012Validator.check_schema(schema)
    documents = [
        json.loads((library.folder() / "library" / f"{name}.json").read_text(encoding="utf-8"))
        for name in library.names()
    ]
    for document in (*documents, SINGLE, SHEET):
        PRESET.validate(document)
    FOLDER.validate({"a.tif": SINGLE, "b.tif": SHEET, "folder_default": {"cc_params": {}}})
    assert not FOLDER.is_valid({"a.tif": 1})


def test_the_published_presets_fit_the_schema(shared: Path) -> None:
    for case in json.loads((shared / "oracle" / "cases.json").read_text(encoding="utf-8")):
        PRESET.validate(case["preset"])


def structural_problems(document: Any) -> list[str]:
    findings = Findings()
    loading.examine(document, findings)
    return [str(problem) for problem in findings.problems if problem.structural]


ODD = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.5, 90, 1e9, "", "single", "ratio", [], [0.1] * 3, [0.2] * 4,
     [[0, 0], [1, 1]], [[0, 0]], {}, {"x": 0.3, "y": 0.3}, {"name": "x"}, 3.0, 270.0]
)  # fmt: skip


@st.composite
def altered(draw: st.DrawFn) -> Any:
    """A good preset in which a few values were replaced by others, or taken out."""
    likelihood = draw(st.integers(2, 25))

    def change(value: Any) -> Any:
        if draw(st.integers(0, likelihood)) == 0:
            return draw(ODD)
        if isinstance(value, dict):
            kept = {k: v for k, v in value.items() if draw(st.integers(0, 2 * likelihood))}
            return {key: change(member) for key, member in kept.items()}
        if isinstance(value, list):
            return [change(item) for item in value]
        return value

    document = change(draw(st.sampled_from([SINGLE, SHEET])))
    if isinstance(document, dict):
        document["version"] = 3  # what is of another version is not of this schema
    return document


@settings(max_examples=500, deadline=None)
@given(altered())
def test_the_schema_accepts_what_the_reader_accepts(document: Any) -> None:
    assert PRESET.is_valid(document) == (structural_problems(document) == [])


def test_the_examples_of_the_page_are_presets() -> None:
    text = generated.PAGE.read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        document = json.loads(example)
        PRESET.validate(document)
        assert loading.preset(document, "example.json").warnings == ()


def test_the_error_of_the_page_is_the_error_of_the_program() -> None:
    text = generated.PAGE.read_text(encoding="utf-8")
    with pytest.raises(Exception, match="rgb_gains") as caught:
        loading.preset({"cc_params": {"rgb_gains": [0, "a", 0]}}, "my-grade.json")
    assert str(caught.value) in text


def test_limits_of_the_page_are_the_limits_of_the_program() -> None:
    from divere_cli.profile import select, strict_json

    text = generated.PAGE.read_text(encoding="utf-8")
    assert f"at most {strict_json.MAX_BYTES >> 20} MiB" in text
    assert f"at most {loading.MAX_FOLDER_BYTES >> 20} MiB" in text
    assert f"nested at most {strict_json.MAX_DEPTH} deep" in text
    assert f"more than {strict_json.MAX_DIGITS} digits" in text
    for name in (select.COLOR_DEFAULT, select.MONOCHROME_DEFAULT, select.IMACON_DEFAULT):
        assert f"`{name}`" in text
