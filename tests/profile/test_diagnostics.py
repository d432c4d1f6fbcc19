"""Paths, values and counts in problems and warnings."""

from __future__ import annotations

import pytest

from divere_cli.profile import diagnostics
from divere_cli.profile.diagnostics import Findings, Place


def test_paths_are_json_paths() -> None:
    at = Place(Findings()).key("a b.tif").key("crops").item(3).key("idt").key("ünicode")
    assert at.path == '$["a b.tif"].crops[3].idt["ünicode"]'


def test_an_error_names_the_position_in_the_file() -> None:
    paths = {"": "$.x", ".idt": "$.y", ".idt.white": "$.z[1]"}
    assert diagnostics.located(paths, ".metadata") == "$.x.metadata"
    assert diagnostics.located(paths, ".idt") == "$.y"
    assert diagnostics.located(paths, ".idt.name") == "$.y.name"
    assert diagnostics.located(paths, ".idt.white.x") == "$.z[1].x"
    assert diagnostics.located(paths, ".idtx") == "$.x.idtx"
    assert diagnostics.located({}, ".idt[0]") == "$.idt[0]"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        ("a", '"a"'),
        ("Müller", '"Müller"'),
        ("\x1b[31m", r'"\u001b[31m"'),
        ("\u202e", r'"\u202e"'),
        ("\udc80", r'"\udc80"'),
        ({}, "an empty object"),
        ({"a": 1}, "an object"),
        ([1, 2], "[1, 2]"),
        ([0] * 10, "a list of 10"),
        ("x" * 100, '"' + "x" * 56 + "..."),
    ],
)
def test_values_are_shown_short_and_harmless(value: object, shown: str) -> None:
    assert diagnostics.show(value) == shown


def test_problems_beyond_the_limit_are_counted() -> None:
    found = Findings()
    for number in range(diagnostics.KEPT + 5):
        Place(found).item(number).problem("is wrong")
        Place(found).item(number).warn("is odd")
    assert len(found.problems) == len(found.warnings) == diagnostics.KEPT
    assert found.uncounted == 5
