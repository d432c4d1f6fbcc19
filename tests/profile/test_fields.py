"""Each kind of value reads, describes and publishes the same thing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from divere_cli.profile import fields
from divere_cli.profile.diagnostics import Findings, Place
from divere_cli.profile.fields import Anything, Choice, Flag, Items, Kind, Number, Object, Text
from divere_cli.profile.schema import CcParams, Chromaticity, Preset

POINTS = Items(Items(Number(0, 1), 2, 2, "a point"), 2, 3, "points", empty=True)
CASES: list[tuple[Kind, list[Any], list[Any]]] = [
    (Number(-1, 2.5), [0, -1, 2.5, -0.0], [-1.1, 3, True, "1", None, [], {}]),
    (Text(3), ["", "abc", "äöü"], ["abcd", 1, None, ["a"], True]),
    (Flag(), [True, False], [0, 1, "true", None]),
    (Choice(("a", "b")), ["a"], ["c", "", 1, None, ["a"]]),
    (Choice((0, 90)), [0, 90, 90.0], [1, False, True, "0", None]),
    (
        POINTS,
        [[], [[0, 1], [1, 0]], [[0, 0]] * 3],
        [[[0, 0]], [[0, 0]] * 4, [[0, 0], [1]], 0, None],
    ),
    (Object(Chromaticity), [{"x": 0, "y": 0}, {"x": 1, "y": 1, "z": 9}], [{}, {"x": 1}, [], 1]),
]


def flat() -> Iterator[tuple[Kind, Any, bool]]:
    for kind, good, bad in CASES:
        yield from ((kind, value, True) for value in good)
        yield from ((kind, value, False) for value in bad)


@pytest.mark.parametrize(("kind", "value", "good"), list(flat()))
def test_reader_and_schema_agree(kind: Kind, value: Any, good: bool) -> None:
    findings = Findings()
    found = kind.read(value, Place(findings))
    assert (found is not None) == good
    assert (findings.problems == []) == good
    schema = kind.schema()
    if isinstance(kind, Object):
        schema["$defs"] = kind.definitions()
    assert jsonschema.Draft202012Validator(schema).is_valid(value) == good


def test_a_problem_says_what_is_allowed() -> None:
    for kind, _, bad in CASES:
        findings = Findings()
        kind.read(bad[0], Place(findings, below=".a"))
        (problem, *_) = findings.problems
        assert problem.path.startswith("$.a")
        assert kind.words() in str(problem) or "missing" in str(problem) or "number" in str(problem)


def test_any_value_is_accepted_and_ignored() -> None:
    findings = Findings()
    for value in (1, "a", [], {"deep": [1]}):
        assert Anything().read(value, Place(findings)) is None
    assert findings.problems == []


def test_every_key_of_the_preset_is_explained() -> None:
    def check(cls: type) -> None:
        for name, entry in fields.keys(cls).items():
            assert entry.text, (cls, name)
            assert entry.kind.words(), (cls, name)
            inner = entry.kind.kind if isinstance(entry.kind, Items) else entry.kind
            if isinstance(inner, Object):
                check(inner.cls)

    check(Preset)


def test_an_optional_key_is_none_when_it_is_absent() -> None:
    empty = Object(CcParams).read({}, Place(Findings()))
    assert all(getattr(empty, field.name) is None for field in dataclasses.fields(CcParams))


def test_numbers_are_floats_so_that_hashes_are_the_same() -> None:
    found = Object(CcParams).read({"rgb_gains": [1, 0, 0]}, Place(Findings()))
    assert json.dumps(found.rgb_gains) == "[1.0, 0.0, 0.0]"
