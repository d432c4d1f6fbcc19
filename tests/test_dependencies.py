"""docs/dependencies.md names every library of pyproject.toml, and the base needs all of its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.test_architecture import OWNERS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED_AS = {"opencolorio": "PyOpenColorIO", "pillow": "PIL"}
OF_EXTRAS = {"cluster", "review"}  # rooms that an extra brings


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~ ]", each)[0] for each in requirements}


def test_the_page_names_every_library() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    known = names(PROJECT["dependencies"])
    for requirements in PROJECT["optional-dependencies"].values():
        known |= names(requirements)
    assert {name for name in known if not re.search(rf"\b{name}\b", page)} == set()


def test_what_is_always_installed_is_imported_without_an_extra() -> None:
    for name in names(PROJECT["dependencies"]):
        assert OWNERS[IMPORTED_AS.get(name, name)] - OF_EXTRAS, f"{name} is for an extra only"
